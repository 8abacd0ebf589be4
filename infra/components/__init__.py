"""The constructs of the stacks: one module each, with keyword-only arguments and few attributes."""
