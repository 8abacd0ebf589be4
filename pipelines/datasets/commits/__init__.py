"""Datasets: commits in S3, how they are written, read, verified and restored."""
