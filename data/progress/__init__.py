"""Replies, evidence, extensions, explanations, decisions."""
