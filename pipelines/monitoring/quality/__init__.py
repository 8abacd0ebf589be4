"""Quality of a model's predictions: measured with labels, estimated before they come."""
