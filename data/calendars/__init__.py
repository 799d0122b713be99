"""Deadlines of a date range; secret calendar feeds."""
