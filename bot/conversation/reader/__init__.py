"""Vietnamese reply text to meaning; pure."""
