"""Fold Vietnamese text for comparing and searching; strip or escape its invisible characters.

Guarantees:
- Words fold to one string with or without marks, composed or not, in any case, with any punctuation.
- Escaped text neither steers a terminal nor reorders the text beside it (Unicode TR36 §2.10, CVE-2021-42574).
"""

from __future__ import annotations

import re
import unicodedata

_NOT_WORD = re.compile(r"[^0-9a-z]+")
_NOT_ASCII_OR_MARK = re.compile("[^\x00-\x7f\u0300-\u034e\u0350-\u036f]")
_SPACED = {code: " " for code in range(128) if not chr(code).isalnum()}
# Control characters but tab and line feed; marks of direction, zero width and lines; tags; surrogates.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)


def fold(text: str) -> str:
    """Return the text in lower case, without marks or punctuation, words one space apart; đ is d."""
    decomposed = unicodedata.normalize("NFD", text.casefold()).replace("đ", "d")
    if _NOT_ASCII_OR_MARK.search(decomposed) is None:  # the fast path of nearly every text
        bare = decomposed.encode("ascii", "ignore").decode()
        return " ".join(bare.translate(_SPACED).split())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _NOT_WORD.sub(" ", bare).strip()


def collapse_whitespace(text: str) -> str:
    """Return the text composed (NFC) with every run of white space as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def strip_invisible(text: str) -> str:
    """Return the text without control characters and marks of direction or zero width; emoji joiners stay."""
    return _INVISIBLE.sub("", text)


def escape_invisible(text: str) -> str:
    """Return the text with control characters and marks of direction written as escapes; lines stay lines."""
    return _INVISIBLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def utf16_length(text: str) -> int:
    """Return the length of a text as messengers count it: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


_SECRECY_MARKS = {"mật", "tốimật", "tuyệtmật"}
_SECRECY_LEVEL = re.compile(r"^\W*độ\s+mật\s*[:：]")


def is_marked_secret(text: str) -> bool:
    """Tell whether a line is only MẬT, TỐI MẬT or TUYỆT MẬT, or begins with "Độ mật:".

    In any case and any Unicode form; signs, spaces and brackets around the mark do not hide it.
    """
    folded = unicodedata.normalize("NFC", text).casefold()
    folded = unicodedata.normalize("NFC", folded).replace("ð", "đ").replace("\u200b", "")
    return any(
        "".join(filter(str.isalnum, line)) in _SECRECY_MARKS or _SECRECY_LEVEL.match(line)
        for line in folded.splitlines()
    )
