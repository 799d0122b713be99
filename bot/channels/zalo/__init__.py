"""Zalo bots: channel, HTTP, updates and account."""
