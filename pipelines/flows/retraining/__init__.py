"""What the retraining flow's functions do."""
