"""Telegram: its channel, HTTP, updates and account."""
