"""Replies of focal points: status, extension, problem, explanation, evidence, undo."""
