"""Telegram: account, capabilities, channel, HTTP and updates."""
