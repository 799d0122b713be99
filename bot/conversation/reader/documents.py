"""Document numbers in replies: "Báo cáo số 123/BC-SKHCN ngày 10/11/2026".

Form of numbers: Nghị định 30/2020/NĐ-CP, phụ lục III (số/ký hiệu), and the Party's "45-BC/TU".
"""

from __future__ import annotations

import re
from typing import NamedTuple

_KINDS = r"bc|cv|kh|qd|ttr|tb|ct|nq|vb|gm|hd|bb|pa|da|ctr|kl|td|nd|tt|ubnd|hdnd"

_DOCUMENT = re.compile(
    r"(?:\bso ?:? ?)?(?<![\w/.])(?:"
    rf"(?P<number>\d{{1,6}}[a-d]? ?/ ?(?:20\d\d ?/ ?)?"
    rf"(?:(?:{_KINDS})\b(?: ?[-–] ?[a-z&]{{1,12}})*|[a-z]{{2,8}}(?: ?[-–] ?[a-z&]{{1,12}})+))"
    rf"|(?P<party>\d{{1,6}} ?[-–] ?(?:{_KINDS}) ?/ ?[a-z]{{1,8}})\b"
    r")"
)
_BARE_NUMBER = re.compile(
    r"(?:bao cao|bc|cong van|cv|van ban|vb|to trinh|ttr|quyet dinh|ke hoach) so ?:? ?"
    r"(?P<number>(?!0\b)\d{1,6})\b(?! ?[/%]|[.,]\d)"
)


class DocumentReference(NamedTuple):
    """A document's number as written, where it stands, and its kind: "bc", "ttr", … ("" if not said)."""

    start: int
    end: int
    number: str
    kind: str


def documents(bare: str, original: str) -> list[DocumentReference]:
    """Return every document number of a text, in order; bare: the text without marks, same places."""
    found = [
        _document(match, match.lastgroup or "number", original)
        for match in _DOCUMENT.finditer(bare)
    ]
    taken = {place for document in found for place in range(document.start, document.end)}
    for match in _BARE_NUMBER.finditer(bare):
        start, end = match.span("number")
        if start not in taken:
            kind = "bc" if match[0].startswith(("bao", "bc")) else ""
            found.append(DocumentReference(start, end, match["number"], kind))
    return sorted(found)


def _document(match: re.Match[str], group: str, original: str) -> DocumentReference:
    written = original[match.start(group) : match.end(group)].replace(" ", "").replace("–", "-")
    if written == written.lower():
        written = written.upper().replace("/TTR", "/TTr")
    kind = re.search(r"[a-z]+", match[group])
    return DocumentReference(*match.span(), written, kind[0] if kind else "")
