"""Folding of Vietnamese text for comparing and searching.

Promises that the same words typed with or without marks, composed or decomposed, in any case and with
any punctuation fold to the same string. Never used for display.
"""

from __future__ import annotations

import re
import unicodedata

_NOT_WORD = re.compile(r"[^0-9a-z]+")
_NOT_OURS = re.compile("[^\x00-\x7f\u0300-\u034e\u0350-\u036f]")  # neither ASCII nor a mark
_SPACED = {code: " " for code in range(128) if not chr(code).isalnum()}


def fold(text: str) -> str:
    """Return the text in lower case, without marks or punctuation, words one space apart; đ is d."""
    decomposed = unicodedata.normalize("NFD", text.casefold()).replace("đ", "d")
    if _NOT_OURS.search(decomposed) is None:  # the short way, for nearly every text is Vietnamese
        bare = decomposed.encode("ascii", "ignore").decode()
        return " ".join(bare.translate(_SPACED).split())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _NOT_WORD.sub(" ", bare).strip()


def squeeze(text: str) -> str:
    """Return the text composed (NFC) with every run of white space as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())
