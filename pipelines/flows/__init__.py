"""The code of the state machines' functions: retraining and release."""
