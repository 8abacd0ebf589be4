"""The example models, and the dataset that both are trained on."""
