"""When it runs: Lambda handlers. Parse, call pipelines, take effect."""
