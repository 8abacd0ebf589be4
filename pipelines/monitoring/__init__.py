"""The monitoring of served models: captured traffic, drift, and quality measured with labels."""
