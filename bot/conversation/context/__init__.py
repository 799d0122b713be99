"""Who speaks in which chat, and what they may see and do."""
