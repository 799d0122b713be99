"""The running service beside the web: accounts, startup, process lock, registry, log, ping."""
