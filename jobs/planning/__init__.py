"""Create, move, postpone and automatically confirm obligations."""
