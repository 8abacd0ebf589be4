"""Profiles of datasets: what columns hold, how they moved between versions, and the page of a profile."""
