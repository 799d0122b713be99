"""The registry and everything that is remembered; imports nothing of bot or jobs."""
