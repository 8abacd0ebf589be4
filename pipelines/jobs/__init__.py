"""All that a SageMaker container runs."""
