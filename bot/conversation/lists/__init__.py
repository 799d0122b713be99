"""Lists shown in a chat, and the obligations that a typed number or code refers to."""
