"""The ML lifecycle in plain Python: the same code runs in Lambda, in a SageMaker job and on a laptop."""
