"""Versioned datasets: commits, landing and forgetting."""
