"""Targets (chỉ tiêu) and their reported values."""
