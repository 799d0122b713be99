"""Report periods: their codes ("2026", "2026-H1", "2026-Q4"), days, and the words that name them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from data.clock import instant_at
from data.text import fold

# Data closes on the 14th of the period's last month: Nghị định 09/2019/NĐ-CP, Điều 12.
CLOSES_ON = 14

_CODE = re.compile(r"^(20\d\d)(?:-(?:H([12])|Q([1-4])))?$")
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_YEAR = r"(20\d\d)"
_QUARTER = re.compile(rf"^(?:quy |q)(iv|iii|ii|i|[1-4])(?: (?:nam )?{_YEAR})?$")
_HALF = re.compile(rf"^(?:6 thang|h)(?: ?(dau|cuoi|1|2))?(?: nam)?(?: {_YEAR})?$")
_NEAR = {"nam nay": 0, "nam ngoai": -1, "nam truoc": -1}
_WHOLE = re.compile(rf"^(?:nam )?{_YEAR}$")
_MONTH = re.compile(rf"^(?:{_YEAR}[ \-](\d{{1,2}})|(\d{{1,2}})(?:(?: nam |[ /\-]){_YEAR})?)$")
_CODE_FOLDED = re.compile(rf"^{_YEAR} (h[12]|q[1-4])$")


@dataclass(frozen=True, slots=True)
class Span:
    """A period's first and last day, both inclusive, and the day on which its data closes."""

    period: str
    first: date
    last: date
    closes: date

    @property
    def year(self) -> int:
        """Return the year of the period."""
        return self.first.year

    @property
    def begins_at(self) -> datetime:
        """Return the first instant of the period."""
        return instant_at(self.first, time())

    def ends_at(self, as_of: date) -> datetime:
        """Return the first instant after the period, or after the report's day if that is earlier."""
        return end_of_day(min(as_of, self.last))


def end_of_day(day: date) -> datetime:
    """Return the first instant after a civil date."""
    return instant_at(day + timedelta(days=1), time())


def span_of(period: str) -> Span:
    """Return the days of a period by its code; raises ValueError for an unknown one."""
    match = _CODE.match(period)
    if match is None:
        raise ValueError(f"no period of a report: {period!r}")
    year, half, quarter = int(match[1]), match[2], match[3]
    months = 6 if half else 3 if quarter else 12
    last_month = months * int(half or quarter or 1)
    following = date(year + last_month // 12, last_month % 12 + 1, 1)
    return Span(
        period,
        first=date(year, last_month - months + 1, 1),
        last=following - timedelta(days=1),
        closes=date(year, last_month, CLOSES_ON),
    )


def previous_period(period: str) -> str:
    """Return the code of the period of the same length before one."""
    return _neighbour(period, -1)


def following_period(period: str) -> str:
    """Return the code of the period of the same length after one."""
    return _neighbour(period, 1)


def _neighbour(period: str, step: int) -> str:
    year, _, part = period.partition("-")
    if not part:
        return str(int(year) + step)
    parts = 2 if part[0] == "H" else 4
    number = int(year) * parts + int(part[1]) - 1 + step
    return f"{number // parts}-{part[0]}{number % parts + 1}"


def read_report_period(words: str, *, today: date) -> str | None:
    """Return the period that words name ("2026", "năm nay", "quý IV", "6 tháng đầu năm 2026"); None for others.

    Without a year, this year's. "6 tháng" alone is the first half: the report of the second half is the
    annual one.
    """
    folded = fold(words).removeprefix("ky ")
    if match := _CODE_FOLDED.match(folded):
        return f"{match[1]}-{match[2].upper()}"
    if match := _WHOLE.match(folded):
        return match[1]
    if folded in _NEAR:
        return str(today.year + _NEAR[folded])
    if match := _QUARTER.match(folded):
        return f"{match[2] or today.year}-Q{_ROMAN.get(match[1], match[1])}"
    if match := _HALF.match(folded):
        half = {"dau": "1", "cuoi": "2"}.get(match[1] or "", match[1])
        return f"{match[2] or today.year}-H{half or 1}"
    return None


def read_month(words: str, *, today: date) -> date | None:
    """Return the first day of the month that words name ("tháng 11", "11/2026", "2026-11"); None for others.

    Without words the month of today; without a year the last such month.
    """
    folded = fold(words).removeprefix("thang ")
    if not folded or folded in ("nay", "thang nay"):
        return today.replace(day=1)
    match = _MONTH.match(folded)
    if match is None:
        return None
    year, month = (match[1], match[2]) if match[1] else (match[4], match[3])
    if not 1 <= int(month) <= 12:
        return None
    if year:
        return date(int(year), int(month), 1)
    return date(today.year - (int(month) > today.month), int(month), 1)


def next_report_period(frequencies: Collection[str], *, today: date) -> str:
    """Return the period of the next report of a plan with these frequencies.

    The annual report replaces that of the last quarter or half.
    """
    if "quarterly" in frequencies and not (today.month > 9 and "annual" in frequencies):
        return f"{today.year}-Q{(today.month + 2) // 3}"
    if "semiannual" in frequencies and not (today.month > 6 and "annual" in frequencies):
        return f"{today.year}-H{1 if today.month <= 6 else 2}"
    return str(today.year)
