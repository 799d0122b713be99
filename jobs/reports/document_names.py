"""Documents by their number: what kind they are, and the verb that tells of them."""

from __future__ import annotations

import re
from datetime import date

from data.text import fold
from jobs.rendering.dates import full_date

# Kinds by the first part of the symbol: their name, and what an agency did with them.
_ISSUED, _MADE = "đã ban hành", "đã có"
_KINDS = {
    "kh": ("Kế hoạch", _ISSUED),
    "qd": ("Quyết định", _ISSUED),
    "ctr": ("Chương trình", _ISSUED),
    "tb": ("Thông báo", _ISSUED),
    "hd": ("Hướng dẫn", _ISSUED),
    "ct": ("Chỉ thị", _ISSUED),
    "nq": ("Nghị quyết", _ISSUED),
    "qc": ("Quy chế", _ISSUED),
    "bc": ("Báo cáo", _MADE),
    "ttr": ("Tờ trình", "đã trình UBND tỉnh tại"),
}
_IMPLEMENTING = ("kh", "qd", "ctr", "hd")  # what tells how an agency carries a plan out
_LETTER = ("Công văn", _MADE)
_NUMBER = re.compile(r"^\s*(?:số\s*)?\d+[a-zđ]?\s*/\s*(?:\d{4}/)?\s*([^\s\-–/]+)", re.IGNORECASE)
_NAMED = re.compile(r"^\s*\D")


def _symbol(number: str) -> str:
    match = _NUMBER.match(number)
    return fold(match[1]) if match else ""


def is_implementing(number: str) -> bool:
    """Tell whether a document is a plan, decision, programme or guidance of an agency."""
    return _symbol(number) in _IMPLEMENTING


def document_phrase(number: str, issued_on: date | None) -> str:
    """Return a document as text names it: "Kế hoạch số 12/KH-STC ngày 05/3/2026"."""
    day = f" ngày {full_date(issued_on)}" if issued_on else ""
    if _NAMED.match(number):  # "Kế hoạch số …", as somebody wrote it out
        return f"{number.strip()}{day}"
    return f"{_KINDS.get(_symbol(number), _LETTER)[0]} số {number.strip()}{day}"


def document_verb(number: str) -> str:
    """Return what an agency did with a document of its kind: "đã ban hành"."""
    return _KINDS.get(_symbol(number), _LETTER)[1]
