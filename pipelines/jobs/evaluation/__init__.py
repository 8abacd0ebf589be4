"""Metrics, the paired bootstrap between candidate and champion, and the gates that judge them."""
