"""Captured traffic, labels and drift: what is watched of a model that serves."""
