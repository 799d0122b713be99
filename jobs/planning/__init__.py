"""Obligations made, moved, postponed and confirmed by themselves."""
