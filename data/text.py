"""Fold Vietnamese text for comparing and searching; strip or escape its invisible characters.

Guarantees:
- Words fold to one string however they are typed: with or without marks, composed or not, full-width, with
  invisible characters within, in any case, with any punctuation, with i or y ("kĩ thuật", "kỹ thuật").
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
# Letters that look like Đ and đ: Ð of Icelandic (Windows-1258 and old keyboards type it), Ɖ of African letters.
STROKED_D = str.maketrans("ÐƉðɖ", "ĐĐđđ")
_PLAIN_D = str.maketrans("đðɖ", "ddd")
_MARKS = frozenset("\u0300\u0301\u0302\u0303\u0306\u0309\u031b\u0323")  # those of Vietnamese
_TONES = re.compile("[\u0300\u0301\u0303\u0309\u0323]")
_UNUSUAL = re.compile("[^\x00-\x7eÀ-ÃÈ-ÊÌÍÒ-ÕÙÚÝà-ãè-êìíò-õùúýĂăĐđĨĩŨũƠơƯư\u1ea0-\u1ef9–—“”‘’«»•°]")
_BLANK_LETTERS = frozenset(
    "\u115f\u1160\u3164\uffa0"
)  # letters by their category, yet nothing is seen
# A syllable that is written with i or y alike: kĩ/kỹ, lí/lý, mĩ/mỹ, hi/hy, sĩ/sỹ, tỉ/tỷ, quí/quý.
_I_OR_Y = re.compile(r"\b([hklmst]|qu)[iíìỉĩị](?=[^\w]|_|$)")
_Y_FOR_I = str.maketrans("iíìỉĩị", "yýỳỷỹỵ")


def fold(text: str) -> str:
    """Return the text in lower case, without marks or punctuation, words one space apart.

    đ is d; i is y in a syllable that is written with either.
    """
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(_PLAIN_D)
    if _NOT_ASCII_OR_MARK.search(decomposed) is None:  # the fast path of nearly every text
        bare = decomposed.encode("ascii", "ignore").decode()
        words = " ".join(bare.translate(_SPACED).split())
    else:
        seen = "".join(letter for letter in decomposed if not _is_unseen(letter))
        words = _NOT_WORD.sub(" ", seen).strip()
    return spell_with_y(words)


def spell_with_y(text: str) -> str:
    """Spell with y what is written with i or y: "kĩ thuật" as "kỹ thuật"; lower case, letter for letter."""
    return _I_OR_Y.sub(lambda found: found[0].translate(_Y_FOR_I), text)


def compose(text: str) -> str:
    """Return the text as it is seen: composed, full-width letters as plain ones, nothing invisible, one Đ.

    Marks that no Vietnamese letter bears are left out.
    """
    composed = unicodedata.normalize("NFC", text)
    if _UNUSUAL.search(composed) is None:  # the fast path of nearly every text
        return composed
    decomposed = unicodedata.normalize("NFKD", text)
    seen = "".join(each for each in decomposed if each in _MARKS or not _is_unseen(each))
    return unicodedata.normalize("NFC", seen).translate(STROKED_D)


def _is_unseen(letter: str) -> bool:
    """Tell whether a character is a mark on another, or is not seen at all: joiners, soft hyphens."""
    if letter.isascii():
        return False
    return unicodedata.category(letter) in ("Mn", "Me", "Cf") or letter in _BLANK_LETTERS


def spelling_key(text: str) -> str:
    """Return a key under which the spellings of one name are alike, marks kept: "Hoà" is "Hòa", "Mĩ" is "Mỹ"."""
    words = spell_with_y(" ".join(compose(text).casefold().split()))
    return " ".join(
        _TONES.sub("", spread) + "".join(_TONES.findall(spread))
        for spread in unicodedata.normalize("NFD", words).split(" ")
    )


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
