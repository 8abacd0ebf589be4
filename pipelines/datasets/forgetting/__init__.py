"""Forgetting: erase a data subject's rows, or a file, from every commit and every copy."""
