"""The HTTP side: webhooks, files, calendars, health and metrics."""
