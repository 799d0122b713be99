"""The send loop of each account: queue, lease, attempts, outcomes."""
