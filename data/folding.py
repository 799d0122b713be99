"""Folding of Vietnamese text for comparing and searching.

Promises that the same words typed with or without marks, composed or decomposed, in any case and with
any punctuation fold to the same string. Never used for display.
"""

from __future__ import annotations

import re
import unicodedata

_NOT_WORD = re.compile(r"[^0-9a-z]+")


def fold(text: str) -> str:
    """Return the text in lower case, without marks or punctuation, words one space apart; đ is d."""
    decomposed = unicodedata.normalize("NFD", text.casefold()).replace("đ", "d")
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _NOT_WORD.sub(" ", bare).strip()


def squeeze(text: str) -> str:
    """Return the text composed (NFC) with every run of white space as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())
