"""Lookup of known phrases (work_words.py, talk_words.py), however people type them.

Guarantees:
- Words match without marks, half-marked, with hỏi and ngã confused, and with Telex or VNI keys left over.
- Other marks make another word: "chứa" is not "chưa".
- The longest phrase wins.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from bot.conversation.reader.talk_words import TALK_WORDS
from bot.conversation.reader.work_words import WORK_WORDS
from data.text import spell_with_y

_LEXICON = {tag: spell_with_y(words) for tag, words in (WORK_WORDS | TALK_WORDS).items()}

_TONES = {"\u0300": "huyền", "\u0301": "sắc", "\u0303": "ngã", "\u0309": "ngã", "\u0323": "nặng"}


def _plain_table() -> dict[int, str]:
    """Map every composed Vietnamese letter, lower case, to its bare letter: one for one."""
    table = {ord("đ"): "d"}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        bare = unicodedata.normalize("NFD", chr(code))
        if len(bare) > 1 and bare[0].isascii():
            table[code] = bare[0]
    return table


_PLAIN = _plain_table()


def plain(text: str) -> str:
    """Return composed lower-case text without marks, letter for letter: places stay the same."""
    return text.translate(_PLAIN)


@lru_cache(maxsize=8192)
def _marks(word: str) -> tuple[str, str]:
    """Split a word into its tone (hỏi counts as ngã) and its letters without the tone."""
    tone, letters = "", []
    for mark in unicodedata.normalize("NFD", word):
        if mark in _TONES:
            tone = _TONES[mark]
        else:
            letters.append(mark)
    return tone, unicodedata.normalize("NFC", "".join(letters))


@lru_cache(maxsize=8192)
def agrees(typed: str, spelt: str) -> bool:
    """Tell whether a typed word may be the spelt one: a mark may be left out, not be another."""
    if typed == spelt:
        return True
    typed_tone, typed_letters = _marks(typed)
    spelt_tone, spelt_letters = _marks(spelt)
    if typed_tone not in ("", spelt_tone):
        return False
    if typed_tone:  # people who mark the tone mark the letters too, đ aside
        return all(
            a in (b, "d" if b == "đ" else b)
            for a, b in zip(typed_letters, spelt_letters, strict=True)
        )
    return all(a in (b, plain(b)) for a, b in zip(typed_letters, spelt_letters, strict=True))


Phrase = tuple[tuple[str, ...], list[str], str, bool]
# Two words with one slip in their marks are taken for these all the same: "hoàn thánh".
_FORGIVING = frozenset(
    ["done", "work", "report", "send", "ack", "more", "trouble", "task", "thanks"]
)


def _index() -> tuple[dict[str, list[Phrase]], frozenset[str]]:
    index: dict[str, list[Phrase]] = {}
    words: set[str] = set()
    for tag, phrases in _LEXICON.items():
        for phrase in phrases.split(","):
            exact, spelt = phrase.strip().startswith("="), phrase.strip().removeprefix("=")
            bare = tuple(plain(spelt).split())
            words.update(bare)
            index.setdefault(bare[0], []).append((bare, spelt.split(), tag, exact))
    for found in index.values():
        found.sort(key=lambda entry: -len(entry[0]))
    return index, frozenset(words)


_INDEX, _WORDS = _index()
_SPELT = frozenset(word for phrases in _LEXICON.values() for word in re.split(r"[, =]+", phrases))
_FIRM = frozenset(  # fully marked words that are never a slip for another: "đừng kế hoạch" is not "đúng kế hoạch"
    phrase.strip()
    for tag in ("not", "no", "if", "doubt", "future", "said", "wh")
    for phrase in _LEXICON[tag].split(",")
    if phrase.strip() != plain(phrase.strip())
)


def longest(bare: list[str], typed: list[str], at: int) -> tuple[int, str] | None:
    """Return how many words from `at` the longest known phrase takes, and its tag; None if unknown.

    A single word must agree with its marks, and one spelt just so goes first; of a phrase one word may
    have slipped.
    """
    found: tuple[int, str] | None = None
    for phrase, spelt, tag, exact in _INDEX.get(bare[at], ()):
        size = len(phrase)
        if size == 1:
            if typed[at] == spelt[0]:
                return 1, tag
            if found is None and not exact and agrees(typed[at], spelt[0]):
                found = 1, tag
        elif found is None and tuple(bare[at : at + size]) == phrase:
            pairs = list(zip(typed[at : at + size], spelt, strict=True))
            if any(a != b and a in _FIRM for a, b in pairs):
                continue
            slips = sum(not agrees(a, b) for a, b in pairs)
            if exact and typed[at : at + size] != spelt:
                continue
            if slips == 0 or (slips == 1 and (size > 2 or tag in _FORGIVING)):
                return size, tag
    return found


_DOUBLED = re.compile(r"([a-z])\1+")


def is_spelt(word: str) -> bool:
    """Tell whether a word is a known one with all its marks, not only one that may be meant."""
    return word in _SPELT


@lru_cache(maxsize=8192)
def repaired(bare: str) -> str:
    """Return the known word that an unknown one was meant to be (Telex or VNI left over), or itself.

    Only keys of an input method and repeated letters are taken away: "hoanf", "ddang", "d9ang", "roiii".
    """
    if bare in _WORDS or len(bare) < 3:
        return bare
    letters = re.sub(r"\d", "", bare)
    once = _DOUBLED.sub(r"\1", letters)
    for candidate in (letters, once):
        if candidate in _WORDS:
            return candidate
    head = re.search(r"[aeiouyw]", once)
    if head is None:
        return bare
    start, rest = once[: head.start()], once[head.start() :]
    if rest.startswith("w"):
        rest = "u" + rest[1:]
    rest = re.sub(r"[wsfrxj]", "", rest)
    candidate = start + _DOUBLED.sub(r"\1", rest)
    late = candidate[-1:] in tuple("aeod") and candidate[-1:] in candidate[:-1]
    for word in (candidate, candidate[:-1] if late else candidate):
        if word in _WORDS and len(word) > 1:
            return word
    return bare
