"""The caller: who speaks in which chat, what they may see and do."""
