"""Targets (chỉ tiêu) in chat: read a value, ask which target, record it, show the figures."""
