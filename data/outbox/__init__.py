"""Outgoing messages: put, claimed, recorded, forwarded."""
