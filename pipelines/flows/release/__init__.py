"""What the release flow's functions do."""
