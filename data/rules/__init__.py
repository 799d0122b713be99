"""Due dates, ladders, owners, planning; pure."""
