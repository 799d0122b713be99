"""What agencies owe: due today, lists, batches, search."""
