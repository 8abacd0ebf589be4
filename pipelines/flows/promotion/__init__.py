"""What promotes models to the environments of later stages."""
