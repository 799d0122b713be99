"""The HTTP side: webhooks, files, calendars, health, metrics."""
