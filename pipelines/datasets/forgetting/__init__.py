"""Forgetting: a data subject's rows, or a file, leave every commit and every copy."""
