"""All that crosses from synth time to run time: names, paths, environment types, settings, events. Stdlib only."""
