"""Chats, persons, enrolments, invitation codes."""
