"""The command line of Mooring, and the embedded AWS under ``mooring.embedded``."""
