"""Names, paths, settings, records and events that synthesis, functions, jobs and commands share. Stdlib only."""
