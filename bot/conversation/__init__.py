"""What is said in chats, the same on every channel."""
