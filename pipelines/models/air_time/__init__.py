"""Model of the number of minutes that a flight is in the air."""
