"""Facts of the consolidated report."""
