"""AWS services that MiniStack lacks, except SageMaker."""
