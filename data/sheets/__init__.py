"""Spreadsheets that people fill in, written and read."""
