"""Versioned datasets: commits, landing of files, and forgetting."""
