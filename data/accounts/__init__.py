"""Leases and usage of bot accounts."""
