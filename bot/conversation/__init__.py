"""Conversations in chats, the same on every channel."""
