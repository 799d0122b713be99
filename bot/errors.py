"""What an administrator can mend: the base of every refusal that is told in one sentence."""

from __future__ import annotations


class AdminError(Exception):
    """Something cannot be done as asked; str() is a Vietnamese sentence that says what to do."""
