"""The example models, and the dataset that both learn from."""
