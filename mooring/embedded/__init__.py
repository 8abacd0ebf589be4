"""The embedded AWS: one server on this machine that really deploys stacks, trains, serves and monitors models."""
