"""How good a model's predictions were: measured as labels come, estimated before they do."""
