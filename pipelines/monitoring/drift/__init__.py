"""Checks of traffic against the baseline of the version that served it."""
