"""Evaluation of a candidate: artifacts, predictions, the paired bootstrap and the importance of features."""
