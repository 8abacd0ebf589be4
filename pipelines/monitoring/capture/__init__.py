"""Captured traffic in SageMaker's format: where it lies, and its rows as columns, in bounded memory."""
