"""The data contract: its YAML, its rules, and the file that holds it."""
