"""Numbers in replies: written out, percents, fractions, halves; works on text without marks.

Guarantees:
- Whole percents from 0 to 100; a range counts as its lower end.
- A value just under 100 stays under it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_DIGITS = {
    "mot": 1, "hai": 2, "ba": 3, "bon": 4, "tu": 4, "nam": 5, "lam": 5, "nham": 5,
    "sau": 6, "sáu": 6, "bay": 7, "tam": 8, "chin": 9, "muoi": 10, "chuc": 10,
}  # fmt: skip

_ONES = "mot|hai|ba|bon|nam|sau|bay|tam|chin|muoi|chuc"
WORDED = rf"(?:(?:{_ONES})(?: (?:{_ONES}|tu|lam|tram)){{0,3}})"
"""A number written out, 1 to 100, as a pattern."""

NUMBER = rf"(?:\d{{1,3}}|{WORDED})"
"""A number in digits or written out, as a pattern."""


def parse_number(words: str) -> int | None:
    """Return the number that digits or words say, or None: "hai muoi lam" is 25."""
    if words.isdecimal():
        return int(words)
    total = 0
    for word in words.split():
        digit = _DIGITS.get(word)
        if word == "tram":
            total = (total or 1) * 100
        elif digit is None:
            return None
        elif digit == 10:
            total = total * 10 if 0 < total < 10 else total + 10
        elif total % 10 == 0:
            total += digit
        elif word == "lam" and total < 10:
            total = total * 10 + 5  # "bảy lăm"
        else:
            return None
    return total or None


class Share(NamedTuple):
    """A share of the whole: where it stands, its percent, and whether "d/m" might be a date instead."""

    start: int
    end: int
    percent: int
    maybe_date: bool = False


# "20 - 30%", but not "1 - 30%", which is said of the first task.
_RANGE = r"(?:(?<=\d\d) ?(?:%|phan tram)? ?(?:-|–|den|toi) ?|%? ?(?:den|toi) ?|%?[-–])"
_COUNT = r"(?:\d{1,3}(?:\.\d{3})+|\d{1,6})"
_SHARE = re.compile(
    rf"(?<![\w./])(?:"
    rf"(?P<low>\d{{1,3}}(?:[.,]\d{{1,2}})?)(?:{_RANGE}(?P<high>\d{{1,3}}))? ?"
    rf"(?:%|phan tram\b|pt\b|phantram\b)"
    rf"|(?P<words>{WORDED}) (?:phan tram\b|%)"
    rf"|(?P<top>{_COUNT}) ?/ ?(?P<bottom>{_COUNT})(?![\w/]|[.-]\d)"
    rf"|(?P<part>\d{{1,2}}|{_ONES}) phan (?P<parts>\d{{1,2}}|{_ONES}|tu)\b"
    rf"|(?P<half>(?:mot |1 |phan )?nua)\b(?! (?:thang|nam|ngay|tuan|quy|tieng|gio))"
    rf")"
)
_BEFORE_HALF = re.compile(r"(?:gan|hon|qua|duoc|dc|moi|khoang|xong|lam|dat|con|thanh|tam|ngot) $")


def shares(bare: str, marked: str) -> list[Share]:
    """Return every share of a whole that a text says, in order; of "hoàn thành 120%" there is none."""
    found = []
    for match in _SHARE.finditer(bare):
        share = _share(match, bare, marked)
        if share is not None and 0 <= share.percent <= 100:
            found.append(share)
    return found


def _share(match: re.Match[str], bare: str, marked: str) -> Share | None:
    start, end = match.span()
    if match["low"]:
        low = float(match["low"].replace(",", "."))
        return Share(start, end, whole_percent(min(low, float(match["high"] or low))))
    if match["words"]:
        said = parse_number(match["words"])
        return None if said is None else Share(start, end, said)
    if match["half"]:
        return _half(match, bare, marked)
    top, bottom = (
        (match["top"], match["bottom"]) if match["top"] else (match["part"], match["parts"])
    )
    over, under = (
        parse_number(top.replace(".", "")) or 0,
        parse_number(bottom.replace(".", "")) or 0,
    )
    fifty = over == under == 50 and not re.match(" [a-z]", bare[end:])  # "50/50" is half and half
    if fifty or under == 0 or over > under or (under == 1 and not match["top"]):
        return None
    maybe_date = bool(match["top"]) and over <= 31 and under <= 12 and (under > 5 or over == under)
    return Share(start, end, whole_percent(100 * over / under), maybe_date)


def _half(match: re.Match[str], bare: str, marked: str) -> Share | None:
    """Tell "nửa" (half) from "nữa" (more): by what stands before, else by its marks."""
    start, end = match.span()
    alone = match["half"] == "nua"
    if alone and not (marked[end - 2] == "ử" or _BEFORE_HALF.search(bare, 0, start)):
        return None
    if alone and marked[end - 2] == "ữ" and bare[:start].endswith("con "):
        return None
    return Share(start, end, 50)


def whole_percent(percent: float) -> int:
    """Round to whole percents; what is under 100 stays under it, what is over 0 stays over it."""
    if 99 <= percent < 100:
        return 99
    return max(1, round(percent)) if percent > 0 else 0
