"""One-use codes as words: make one, find those in a text, hash one.

A code is ten signs of base32, "7KQ2M-VX4TZ", with a letter and a digit from 2 to 9 among them, so that no
telephone number is a code and no two words are. That leaves 49.9 random bits.

Guarantees:
- A code is found however people send it: in a sentence, a link or a forwarded message, in any case, with any
  dash or none.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from data.text import strip_invisible

_MOST_CODES = 40  # looked at in one text: numbers of documents may stand before the code
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # base32 without the letters taken for digits
_MISREAD = str.maketrans("OIL", "011")
_DASHES = str.maketrans(
    {**dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212_", "-"), "\xad": ""}
)
_HALVES = r"([0-9A-Za-z]{5})(\s{0,3}-\s{0,3}|\s{0,3})([0-9A-Za-z]{5})"
_WHOLE = re.compile(rf"\s*{_HALVES}\s*")
_ALONE = re.compile(rf"\W*{_HALVES}\W*")
# Looks ahead, so that of three words in a row both pairs are found. No letter, digit or further part stands
# beside it: "15/SKHCN-QLCN1" is the number of a document.
_IN_TEXT = re.compile(rf"(?<!\w)(?<!\w-)(?<!\w/)(?={_HALVES}(?!\w)(?![-/]\w))")
# What may be a code where one was made: run into the word before or after it ("mã7KQ2M-VX4TZạ"), part of a row
# ("SXD-7KQ2M-VX4TZ"), its halves set apart by another sign.
_APART = r"(?:[^\w\n]{1,5}|\s{0,3})"
_LOOSE = re.compile(
    rf"(?<![0-9A-Za-z])(?=([0-9A-Za-z]{{5}})({_APART})([0-9A-Za-z]{{5}}))"
    rf"|(?=([0-9A-Za-z]{{5}})({_APART})([0-9A-Za-z]{{5}})(?![0-9A-Za-z]))"
)
_BEGINS_WITH_START = re.compile(r"/start(?:@[\w-]+)?(?!\w)", re.IGNORECASE)
_AFTER_START = re.compile(r"(?:/start(?:@[\w-]+)?\s+|\bstart(?:group)?=)$", re.IGNORECASE)
_GLUED_START = re.compile(rf"(/start)(?={_HALVES}(?!\w))", re.IGNORECASE)
_LONGEST_CODE = 11  # characters
_LONGEST_START = 60  # characters of the command, its bot's name and the space after them
_HAS_DIGIT, _HAS_LETTER = re.compile(r"[0-9]"), re.compile(r"[A-Za-z]")
_NEVER_MISREAD = re.compile(r"[2-9]")
_WORDS_OF_UPDATE = ("text", "caption", "url")
_DASHED = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{5}-[0-9A-Za-z]{5}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class FoundCode:
    """A code-shaped part of a text; is_meant: its sender surely means a code, even where it is wrong."""

    code: str
    is_meant: bool


def make_code() -> str:
    """Return a new random code."""
    while True:
        plain = "".join(secrets.choice(_ALPHABET) for _ in range(10))
        if _NEVER_MISREAD.search(plain) and _HAS_LETTER.search(plain):
            return f"{plain[:5]}-{plain[5:]}"


def hash_code(code: str) -> str | None:
    """Return the SHA-256 by which a code is stored, or None for a text that has no code's form.

    Case, spaces and the dash do not matter; O, I and L count as the digits they look like.
    """
    match = _WHOLE.fullmatch(_plain(code))
    if match is None:
        return None
    plain = (match[1] + match[3]).upper().translate(_MISREAD)
    if not set(plain) <= set(_ALPHABET):
        return None
    return hashlib.sha256(plain.encode()).hexdigest()


def find_codes(text: str, *, stranger: bool) -> list[FoundCode]:
    """Return the codes in a text, each once, in order.

    stranger: somebody not enrolled writes to the bot, and means what looks like a code as one. Anybody else
    surely means only what stands alone with its dash, or after /start; the rest may be ordinary words.
    """
    plain = _GLUED_START.sub(r"\1 ", _plain(text).strip())
    is_alone = _ALONE.fullmatch(plain) is not None
    is_start = _BEGINS_WITH_START.match(plain) is not None
    found: dict[str, FoundCode] = {}
    surely: list[int] = []
    for match in _IN_TEXT.finditer(plain):
        key = hash_code(f"{match[1]}-{match[3]}")
        at = match.start()
        follows_start = _AFTER_START.search(plain, max(0, at - _LONGEST_START), at) is not None
        is_meant = is_start or follows_start or _looks_meant(match, is_alone, stranger)
        if key is None or not (is_meant or _is_mixed(match[1] + match[3])):
            continue
        known = found.get(key)
        is_meant = is_meant or (known is not None and known.is_meant)
        found[key] = FoundCode(f"{match[1]}-{match[3]}", is_meant)
        if is_meant:
            surely.append(at)
    for at, code in _loose_codes(plain):
        if not any(abs(at - start) < _LONGEST_CODE for start in surely):
            found.setdefault(hash_code(code) or "", FoundCode(code, False))
    return list(found.values())[:_MOST_CODES]


def may_hold_code(raw: bytes, text: str) -> bool:
    """Tell whether an update may hold a code (typed, or in a message of ours that it quotes)."""
    if find_codes(text, stranger=True):
        return True
    words = raw.decode("utf-8", "replace")
    try:
        quoted = list(_words(json.loads(words)))
    except (ValueError, RecursionError):
        quoted = [words]
    return bool(_DASHED.search(words)) or any(find_codes(each, stranger=True) for each in quoted)


def _loose_codes(plain: str) -> Iterator[tuple[int, str]]:
    for match in _LOOSE.finditer(plain):
        first, second = match[1] or match[4], match[3] or match[6]
        if _is_mixed(first + second) and hash_code(first + second) is not None:
            yield match.start(), f"{first}-{second}"


def _looks_meant(match: re.Match[str], is_alone: bool, stranger: bool) -> bool:
    first, between, second = match.groups()
    if (first + second).isdecimal():
        return False
    if is_alone and "-" in between:
        return True
    if not stranger:
        return False
    if not between or "-" in between:
        return _is_mixed(first + second) or (
            "-" in between and first.isupper() and second.isupper()
        )
    return _is_mixed(first) and _is_mixed(second)


def _is_mixed(word: str) -> bool:
    """Tell whether a word has a digit and a letter, as every code has, however it is misread."""
    return _HAS_DIGIT.search(word) is not None and _HAS_LETTER.search(word) is not None


def _plain(text: str) -> str:
    """Return a text with full-width letters, spaces and dashes of every kind as plain ones."""
    return unicodedata.normalize("NFKC", strip_invisible(text)).translate(_DASHES)


def _words(value: Any) -> Iterator[str]:
    """Yield the texts, captions and links of an update."""
    if isinstance(value, dict):
        for key, part in value.items():
            if isinstance(part, str):
                if key in _WORDS_OF_UPDATE:
                    yield part
            else:
                yield from _words(part)
    elif isinstance(value, list):
        for part in value:
            yield from _words(part)
