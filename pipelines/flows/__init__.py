"""The functions that the state machines call."""
