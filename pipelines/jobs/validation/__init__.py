"""Check of a dataset's files against its model's contract: every violation, with counts and examples."""
