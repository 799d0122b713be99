"""What is kept of a person, for how long, and erasing it."""
