"""The little language of typed answers: "2 xong", "đang làm 60%", "3", "huỷ".

Promises never to read a completion that was not said: only whole phrases that are known word for word
count, and a question mark, a picture or any word more makes a text unclear. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from data.folding import fold

Intent = Literal["ack", "doing", "done", "more", "undo", "ackall", "open", "unclear"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says: an intent, of which number (None: not said), at what percent.

    open is a bare number; unclear keeps the number it begins with.
    """

    intent: Intent
    number: int | None = None
    percent: int | None = None


# Whole phrases, without marks. Additions here must say the thing itself, never only suggest it.
_PHRASES: dict[str, Intent] = {
    "da nhan": "ack",
    "nhan duoc": "ack",
    "da nhan duoc": "ack",
    "ok": "ack",
    "dang lam": "doing",
    "dang thuc hien": "doing",
    "dang trien khai": "doing",
    "xong": "done",
    "da xong": "done",
    "hoan thanh": "done",
    "da hoan thanh": "done",
    "xin gia han": "more",
    "gia han": "more",
    "huy": "undo",
    "huy bo": "undo",
    "da nhan tat ca": "ackall",
    "nhan tat ca": "ackall",
    "tat ca da nhan": "ackall",
}
_PLAIN = re.compile(r"(?:\d{1,3}\))?[\w\s.,:;!%/–-]+")
_NUMBERED = re.compile(r"(?:(?:viec|so|viec so) )?(\d{1,3})(?: (.+))?")
_PERCENT = re.compile(r"(?:(.+) )?(\d{1,3}) phan tram")
_POLITE = re.compile(r"( roi)?( a)?$")


def read(text: str) -> Reading:
    """Read a typed answer; anything not exactly known is unclear."""
    composed = unicodedata.normalize("NFC", text).strip()
    words = fold(composed.replace("%", " phan tram "))
    number: int | None = None
    rest = words
    numbered = _NUMBERED.fullmatch(words)
    if numbered is not None and not _is_percent(words):
        number, rest = int(numbered[1]), numbered[2] or ""
    if _PLAIN.fullmatch(composed) is None or ".." in composed:
        return Reading("unclear", number)
    if number is not None and not rest:
        return Reading("open", number)
    return _said(rest, number)


def _is_percent(words: str) -> bool:
    return re.fullmatch(r"\d{1,3} phan tram", words) is not None


def _said(words: str, number: int | None) -> Reading:
    percent: int | None = None
    with_percent = _PERCENT.fullmatch(words)
    if with_percent is not None:
        words, percent = with_percent[1] or "dang lam", int(with_percent[2])
    intent = _PHRASES.get(_POLITE.sub("", words))
    unclear = Reading("unclear", number)
    if intent is None or (intent in ("undo", "ackall") and number is not None):
        return unclear
    if percent is not None and (intent != "doing" or percent >= 100):
        return unclear  # "xong 60%", "100%": done, or not quite? it is asked
    return Reading(intent, number, percent)
