"""Official states and counts."""
