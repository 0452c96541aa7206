"""Real clients against the shipped binary."""
