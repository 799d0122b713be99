"""Decisions of coordinators and leaders: completions, extensions, disputes, assignments, ad-hoc reports."""
