"""Landing: files that arrive in the data bucket become commits by themselves, or go to quarantine."""
