"""People and their chats: enrol, invite, hand over, choose a channel, remind at once."""
