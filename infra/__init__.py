"""Where it runs: the CDK app."""
