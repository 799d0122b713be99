"""The base of every error that an administrator can mend."""

from __future__ import annotations


class AdminError(Exception):
    """Something cannot be done as asked; str() is a Vietnamese sentence that says what to do."""
