"""Focal points answer: status, extension, problem, evidence, undo."""
