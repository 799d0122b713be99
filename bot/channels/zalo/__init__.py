"""Zalo bots: account, capabilities, channel, HTTP, updates and webhooks."""
