"""Programs and libraries that run in SageMaker containers."""
