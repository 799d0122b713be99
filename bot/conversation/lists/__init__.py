"""Lists that were shown, and what a typed number or code refers to."""
