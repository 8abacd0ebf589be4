"""Datasets: commits in S3, and the contracts that a model's data must keep."""
