"""A team's promotions: requests them, and reads, approves, retries and stops the executions of its pipelines."""
