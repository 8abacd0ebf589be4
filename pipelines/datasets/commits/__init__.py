"""Commits of datasets in S3: write, read, check out, verify and restore them."""
