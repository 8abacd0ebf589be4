"""Files of data: the bytes of CSV and Parquet, checked while they are read, and the rows in them."""

import csv

MAX_FIELD_CHARACTERS = 16 << 20
"""Of a CSV's field. The limit is the process's, so it is set once, for all who read here; the default, 128 KiB, is less
than what other readers of CSV take."""

csv.field_size_limit(MAX_FIELD_CHARACTERS)
