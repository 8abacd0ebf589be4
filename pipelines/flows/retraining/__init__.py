"""The code of the retraining flow's functions."""
