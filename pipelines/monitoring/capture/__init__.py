"""Captured traffic in SageMaker's format: its files, and its rows as columns in bounded memory."""
