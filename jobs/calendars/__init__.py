"""Deadlines as calendar files."""
