"""Coordinators and leaders decide: completions, extensions, disputes, assignments."""
