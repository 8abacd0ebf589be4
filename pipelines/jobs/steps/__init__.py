"""The programs that processing jobs run."""
