"""Services that MiniStack lacks, beside SageMaker."""
