"""Files of data: the bytes of CSV and Parquet, checked while they are read, and the rows in them."""
