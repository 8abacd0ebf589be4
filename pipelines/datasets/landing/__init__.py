"""Landing: commit files that arrive in the data bucket, or move them to quarantine."""
