"""S3, DynamoDB, the model registry, events and logs behind small types."""
