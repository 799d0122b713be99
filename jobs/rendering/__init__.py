"""Message rows to text, buttons and links."""
