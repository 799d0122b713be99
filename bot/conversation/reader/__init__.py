"""Vietnamese reply text to its meaning; pure: no database, nothing else of the bot."""
