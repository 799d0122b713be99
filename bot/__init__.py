"""The outside world: chats in and out, the command line, the wiring."""
