"""The code of the functions that promote a champion to the environments of later stages."""
