"""What runs: the ML lifecycle in plain Python, the same in Lambda, in a SageMaker job and on a laptop."""
