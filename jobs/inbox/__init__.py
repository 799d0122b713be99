"""Updates taken in, handled and answered."""
