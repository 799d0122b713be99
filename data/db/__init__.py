"""Engine, transactions, drivers and schema upgrades."""
