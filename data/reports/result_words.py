"""The sentence of result that people write: after "đã xong", or as a part of an answer in progress.

Guarantees:
- Words that take a completion back, ask, or tell how far it is are no result.
- The words stay as they were written.
"""

from __future__ import annotations

import re

from data.sheets.status_import import strip_note_origin
from data.text import collapse_whitespace, fold

_LEAST_WORDS, _LEAST_ALONE = 3, 5
_LINK = re.compile(r"https?://\S+", re.IGNORECASE)
_DAY = re.compile(
    r"^[\s,;:.()–-]*(?:(?:ký|đề|lập|ban hành)\s+)?(?:ngày\s+)?\d{1,2}\s*(?:[/.-]|tháng)\s*\d{1,2}"
    r"(?:\s*(?:[/.-]|năm)\s*\d{2,4})?",
    re.IGNORECASE,
)
_OPENING = re.compile(r"^(?:kết quả|nội dung)\b[\s:,;–-]*", re.IGNORECASE)
_RESULT_PART = re.compile(r"\b(?:kết quả|ket qua)\b(?: (?:là|la)\b)?[\s:,;–-]*(.+)", re.IGNORECASE)
_STATE = re.compile(
    r"^(?:\d+\s+)?(?:đang|dang)\s+(?:thực hiện|triển khai|làm|thuc hien|trien khai|lam)"
    r"(?:\s+(?:được|đạt|duoc|dat))?\s+(?:khoảng\s+)?\d{1,3}\s*%[\s:,;.–-]*",
    re.IGNORECASE,
)
_NONE_YET = frozenset({"chua", "khong"})
_ALONE = re.compile(r"^(?:kết quả|đã)\b", re.IGNORECASE)
_TAKES_BACK = frozenset(
    {"chua", "khong", "nham", "sai", "huy", "thoi", "xin", "nho", "gi", "nao", "sao"}
)


def result_of_note(note: str | None, *, document: str | None) -> str | None:
    """Return the result in the note of a completion: all of a sheet's, else what read_result_words finds."""
    if not note:
        return None
    bare = strip_note_origin(note)
    if bare != note:
        return bare.strip() or None
    return read_result_words(note, document=document if document and document in note else "")


def read_result_words(text: str, *, document: str = "") -> str | None:
    """Return the result that a text tells after a document's number, or alone; None where it tells none.

    document: its number as it stands in the text, "" for none.
    """
    words = collapse_whitespace(_LINK.sub(" ", text))
    least = _LEAST_ALONE
    if document:
        _, found, words = words.partition(document)
        if not found:
            return None
        words, least = _DAY.sub("", words), _LEAST_WORDS
    elif not _ALONE.match(words):
        return None
    words = _OPENING.sub("", words.strip(" ,;:.–-()"))
    parts = fold(words).split()
    if len(parts) < least or "?" in text or "%" in words or _TAKES_BACK & set(parts):
        return None
    return words


def progress_of_note(note: str | None) -> str:
    """Return what the note of an answer in progress tells: its part "kết quả: …", else its words.

    The share that opens the words is left out, for it is told by itself; so is where a sheet's note came from.
    """
    words = collapse_whitespace(strip_note_origin(note or ""))
    part = _RESULT_PART.search(words)
    if part is not None and not _NONE_YET & set(fold(part[1]).split()[:1]):
        return part[1]
    return _STATE.sub("", words)
