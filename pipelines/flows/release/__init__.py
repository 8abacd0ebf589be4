"""The code of the release flow's functions."""
