"""Read files of CSV and Parquet: their bytes, checked while they are read, and their rows."""

import csv

MAX_FIELD_CHARACTERS = 16 << 20
"""Largest field of a CSV, in characters. The default, 131,072, is less than other readers of CSV accept.

The ``csv`` module has one limit per process, so it is set here for all modules of this package.
"""

csv.field_size_limit(MAX_FIELD_CHARACTERS)
