"""Ranges of days in replies: weeks, months, quarters, half-years, years.

Guarantees:
- A range has its first and last civil day, and the day that "đầu", "giữa" or "cuối" points to.
- A week ends on Friday: people deliver at its end within office hours.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from bot.conversation.reader.numbers import parse_number

DAY = timedelta(days=1)
FRIDAY = 4

_TURNS = {"nay": 0, "sau": 1, "toi": 1, "truoc": -1, "qua": -1, "roi": -1, "ngoai": -1}
_QUARTERS = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "1": 1, "2": 2, "3": 3, "4": 4,
             "mot": 1, "hai": 2, "ba": 3, "bon": 4, "tu": 4}  # fmt: skip
LUNAR_MONTHS = {"gieng": 1, "chap": 12}

Groups = Mapping[str, str | None]


class Stretch(NamedTuple):
    """Days from first to last; meant: the one that its edge points to."""

    first: date
    last: date
    meant: date


def shifted(today: date, months: int) -> tuple[int, int]:
    """Return the year and month so many months from a date's."""
    count = today.year * 12 + today.month - 1 + months
    return count // 12, count % 12 + 1


def later(today: date, months: int) -> date:
    """Return the same day so many months on, or the last of that month where it is shorter."""
    year, month = shifted(today, months)
    return date(year, month, min(today.day, monthrange(year, month)[1]))


def year_said(said: str | None, today: date) -> int | None:
    """Return the year of "2027", "nay" (this), "sau" or "sang nam" (next); None if none is said."""
    if said is None:
        return None
    if said == "nam":  # of "sang năm"
        return today.year + 1
    return int(said) if said.isdecimal() else today.year + _TURNS[said]


def _months(year: int, month: int, count: int, edge: str | None) -> Stretch:
    first = date(year, month, 1)
    last_year, last_month = shifted(first, count - 1)
    last = date(last_year, last_month, monthrange(last_year, last_month)[1])
    if edge == "dau":
        return Stretch(first, last, first)
    if edge == "nua dau":
        in_middle = date(*shifted(first, count // 2), 15 if count < 12 else 1)
        return Stretch(first, last, in_middle if count < 12 else in_middle - DAY)
    if edge == "giua":
        middle = shifted(first, count // 2)
        return Stretch(first, last, date(*middle, 15 if count == 1 else 1))
    return Stretch(first, last, last)


def _week(today: date, turn: int, edge: str | None) -> Stretch:
    monday = today + (7 * turn - today.weekday()) * DAY
    offset = {"dau": 0, "nua dau": 0, "giua": 2}.get(edge or "", FRIDAY)
    return Stretch(monday, monday + 6 * DAY, monday + offset * DAY)


def _of_month(group: Groups, today: date) -> Stretch | None:
    said, edge = group["month"] or "", group["month_edge"]
    if said in _TURNS:
        return _months(*shifted(today, _TURNS[said]), 1, edge)
    month = LUNAR_MONTHS.get(said) or parse_number(said) or 0
    if not 1 <= month <= 12:
        return None
    year = year_said(group["month_year"], today)
    if year is None:
        asked = group["lead"] not in (None, "tu")
        gone_by = month < (today.month if asked else today.month - 6)
        year = today.year + gone_by
    return _months(year, month, 1, edge)


def _of_quarter(group: Groups, today: date) -> Stretch:
    said, edge = group["quarter"] or "", group["quarter_edge"]
    this = (today.month - 1) // 3
    if said in _TURNS:
        count = today.year * 4 + this + _TURNS[said]
        return _months(count // 4, count % 4 * 3 + 1, 3, edge)
    quarter = _QUARTERS[said] - 1
    year = year_said(group["quarter_year"], today)
    if year is None:
        year = today.year + (quarter < this and bool(group["lead"] or edge))
    return _months(year, quarter * 3 + 1, 3, edge)


def _of_half_year(group: Groups, today: date) -> Stretch:
    first = group["half"] == "dau"
    year = year_said(group["half_year"], today)
    if year is None:
        year = today.year + (first and today.month > 6 and bool(group["lead"]))
    return _months(year, 1 if first else 7, 6, None)


def _of_year(group: Groups, today: date) -> Stretch:
    said = group["year"] or ""
    year = today.year + _TURNS[said] if said in _TURNS else int(said)
    return _months(year, 1, 12, group["year_edge"])


def _of_unnamed(group: Groups, today: date) -> Stretch:
    """Read "cuối tháng", "sang tuần": the one that is now, or the next where this one's edge is past."""
    unit, edge = group["unnamed"] or "", group["unnamed_edge"]
    onward = edge in ("sang", "dau")
    if unit == "tuan":
        return _week(today, int(onward or edge == "giua" or today.weekday() > FRIDAY), edge)
    if unit == "thang":
        onward = onward or (edge == "giua" and today.day > 15)
        return _months(*shifted(today, int(onward)), 1, edge)
    if unit == "quy":
        count = today.year * 4 + (today.month - 1) // 3 + onward
        return _months(count // 4, count % 4 * 3 + 1, 3, edge)
    onward = onward or (edge == "giua" and today.month > 6)
    return _months(today.year + onward, 1, 12, edge)


def _of_week(group: Groups, today: date) -> Stretch:
    return _week(today, _TURNS[group["week"] or ""], group["week_edge"])


STRETCHES: dict[str, Callable[[Groups, date], Stretch | None]] = {
    "month": _of_month,
    "quarter": _of_quarter,
    "half": _of_half_year,
    "year": _of_year,
    "unnamed": _of_unnamed,
    "week": _of_week,
}
"""The reader of each kind of stretch, by the group of the date pattern that shows it."""
