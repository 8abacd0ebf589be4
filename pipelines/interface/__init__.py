"""What synthesis, functions, jobs and commands share: names, paths, variables, settings, events. Stdlib only."""
