"""The operator's tool, and the embedded AWS under ``mooring.embedded``."""
