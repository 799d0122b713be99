"""What happens as the clock ticks; imports data, never bot."""
