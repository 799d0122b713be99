"""Questions of those who follow plans, in free words, to a query: "ai chưa nộp?", "sở tài chính nộp chưa". Pure.

Guarantees:
- Only words that ask are a query, and nothing but a query comes of them.
- Words that are no query as a whole give None; nothing is picked out of a longer text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from data.text import fold

QueryKind = Literal["missing", "overdue", "agency", "reasons", "standing"]
_LONGEST = 150  # characters
_MOST_NAMED = 9  # words of a plan, report or agency
_PLACES = "noi|don vi|co quan|dia phuong|cho|so|xa|phuong|xa phuong|so nganh|so ban nganh"
_WHO = (
    rf"(?:con |hien |nhung |cac |co |da |moi |duoc )*(?:ai|(?P<kind>{_PLACES}) nao|"
    rf"(?:bao nhieu|may) (?P<kind2>{_PLACES}|bao cao))"
)
_FILL = r"(?:con |van |hien |nay |dang |lai |bi |cu |cung |da |duoc )*"
_TELL = (
    r"(?:nop|bao cao|bc(?! \d)|gui|tra loi|phan hoi|hoan thanh|xong|nhan)(?: du)?"
    r"(?: bao cao| bc(?! \d)| ket qua)*"
)
_NOT_YET = rf"(?:{_FILL}(?:chua|khong)(?: thay| co| chiu)* {_TELL}|{_FILL}(?:no|thieu) bao cao)"
_LATE = (
    rf"{_FILL}(?:cham tien do|cham tre|cham han|tre han|qua han|cham|tre)"
    r"(?: nop| bao cao| nhat| hon)*"
)
_ABOUT = r"(?: (?P<about>.+?))??"
_BEFORE = r"(?:(?P<before>.+?) )??"
_WHY = r"(?:vi sao|tai sao|sao|ly do|nguyen nhan|vi dau)(?: ma| lai| la gi)*"
_HOW = r"(?:den dau|toi dau|ra sao|the nao)"
_SHAPES: tuple[tuple[QueryKind, str], ...] = (
    ("reasons", rf"{_WHY}(?: (?P<before>.+?))? (?:{_NOT_YET}|{_LATE}){_ABOUT}"),
    ("reasons", rf"(?P<before>.+?) {_WHY} (?:{_NOT_YET}|{_LATE})"),
    ("reasons", rf"(?P<before>.+?) (?:{_NOT_YET}|{_LATE}) (?:vi sao|tai sao|la sao|do dau)"),
    ("missing", rf"{_BEFORE}{_WHO} {_NOT_YET}{_ABOUT}"),
    ("missing", rf"{_BEFORE}(?:con )?thieu (?:nhung |cac )*(?:ai|(?P<kind>{_PLACES}) nao){_ABOUT}"),
    ("missing", rf"(?:nhung|cac) (?P<kind>{_PLACES}) {_NOT_YET}{_ABOUT}"),
    ("missing", rf"(?:danh sach|ds)(?: cac| nhung)*(?: (?P<kind>{_PLACES}))? {_NOT_YET}{_ABOUT}"),
    (
        "overdue",
        rf"{_BEFORE}(?:{_WHO}|(?:viec|nhiem vu|noi dung|cai) (?:gi|nao)|co gi|con gi) {_LATE}{_ABOUT}",
    ),
    ("missing", rf"{_BEFORE}{_WHO} {_FILL}{_TELL}(?: roi)?{_ABOUT}"),
    ("missing", rf"{_BEFORE}(?:da )?nhan duoc (?:bao nhieu|may) bao cao(?: roi)?{_ABOUT}"),
    ("agency", rf"(?P<before>.+?) (?:da )?{_TELL}(?: roi)? chua"),
    ("agency", rf"(?P<before>.+?) {_NOT_YET} (?:ha|phai khong|dung khong|a)"),
    ("agency", r"(?:da )?(?:nhan|co)(?: duoc)? bao cao cua (?P<before>.+?) chua"),
    ("standing", rf"(?:tinh hinh|tien do)(?: chung| thuc hien)* {_HOW}(?: roi)?"),
    ("standing", rf"(?:tinh hinh|tien do)(?: thuc hien| cua)* (?P<before>.+?) {_HOW}"),
    ("standing", rf"(?P<before>.+?) (?:thuc hien |lam |trien khai )?{_HOW}(?: roi)?"),
)
# Only with a question mark: without one they tell.
_ASKED_SHAPES: tuple[tuple[QueryKind, str], ...] = (
    ("missing", rf"(?P<kind>{_PLACES}) {_NOT_YET}{_ABOUT}"),
)
_PATTERNS = tuple((kind, re.compile(shape)) for kind, shape in _SHAPES)
_ASKED_PATTERNS = tuple((kind, re.compile(shape)) for kind, shape in _ASKED_SHAPES)
# Around the question, naming nothing.
_LEADING = frozenset(re.split(r"\W+", "em anh chi ban oi cho hoi toi minh xin giup gium xem a da"))
_TRAILING = frozenset(
    re.split(r"\W+", "a vay the nhi nhe ha di voi em anh chi ban oi roi nay u ay khong ko")
)
_FILLER = re.compile(
    r"^(?:(?:cua|ve|cho|trong|ben|theo|o|thi) )+|"
    r" ?(?:hien nay|den nay|den gio|bay gio|hom nay|ky nay|dot nay|lan nay|luc nay|hien tai)$"
)
# First words of what is no agency, plan or report.
_SELF = frozenset(
    re.split(
        r"\W+",
        "em anh chi toi minh chung ben ta ai bao da viec cai no lam thuc cong nhiem noi tinh",
    )
)
_KINDS = {
    "so": "sở", "so nganh": "sở", "so ban nganh": "sở", "xa": "xã", "phuong": "xã", "xa phuong": "xã",
    "dia phuong": "xã",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SpokenQuery:
    """What is asked. about: the words that name a plan, report or agency, as typed; kind_words: "sở", "xã"."""

    kind: QueryKind
    about: str = ""
    kind_words: str = ""


def read_spoken_query(text: str) -> SpokenQuery | None:
    """Return the query that a text asks, None for other words."""
    if len(text) > _LONGEST or "\n" in text.strip():
        return None
    typed = [(word, fold(word)) for word in text.split()]
    typed = [(word, folded) for word, folded in typed if folded]
    while typed and typed[0][1] in _LEADING:
        typed = typed[1:]
    while len(typed) > 1 and typed[-1][1] in _TRAILING:
        typed = typed[:-1]
    line = " ".join(folded for _, folded in typed)
    asks = text.rstrip().endswith("?")
    for kind, pattern in (*_PATTERNS, *(_ASKED_PATTERNS if asks else ())):
        match = pattern.fullmatch(line)
        if match is None:
            continue
        found = match.groupdict()
        named = [name for name in ("before", "about") if found.get(name)]
        if len(named) > 1:
            continue
        span = match.span(named[0]) if named else (0, 0)
        if line[slice(*span)].startswith("thi ") or line[slice(*span)].count(" ") >= _MOST_NAMED:
            continue  # more is said than asked
        about = _typed_words(typed, *span) if named else ""
        kind_words = _KINDS.get(found.get("kind") or found.get("kind2") or "", "")
        names_one = kind in ("agency", "standing") and "before" in found
        if names_one and (not about or fold(about).split()[0] in _SELF):
            continue
        return SpokenQuery(kind, about, kind_words)
    return None


def _typed_words(typed: list[tuple[str, str]], start: int, end: int) -> str:
    """Return the words as typed between two places of the folded line, without what names nothing."""
    at, chosen = 0, []
    for word, folded in typed:
        if start <= at < end:
            chosen.append((word.strip(",.;:?!"), folded))
        at += len(folded) + 1
    line = " ".join(folded for _, folded in chosen)
    kept = _FILLER.sub("", _FILLER.sub("", line))
    skipped = len(line[: line.find(kept)].split()) if kept else len(chosen)
    words, left = [], kept
    for word, folded in chosen[skipped:]:
        if not left.startswith(folded):
            break
        words.append(word)
        left = left[len(folded) :].lstrip()
    return " ".join(words)
