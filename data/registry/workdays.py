"""Working days: Monday to Friday, less days off, plus worked weekend days; and arithmetic with them.

A year without a calendar file counts its weekdays; see `is_known`. Source: Bộ luật Lao động 2019, Điều 111
and 112, and the yearly notices recorded in the calendar files.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, timedelta

from data.registry.schema import CalendarFile

_DAY = timedelta(days=1)


class Workdays:
    """The working days of the years that calendar files describe; immutable."""

    def __init__(self, files: Iterable[CalendarFile] = ()) -> None:
        self._years: dict[int, bool] = {}
        self._off: dict[date, str] = {}
        self._worked: dict[date, str] = {}
        self._sequence: dict[int, list[date]] = {}
        for file in files:
            self._years[file.year] = file.confirmed
            self._off.update({entry.date: entry.reason for entry in file.days_off})
            self._worked.update({entry.date: entry.reason for entry in file.days_worked})

    def is_working(self, day: date) -> bool:
        """Tell whether offices work on a civil date."""
        return day in self._worked or (day.weekday() < 5 and day not in self._off)

    def reason(self, day: date) -> str | None:
        """Return the reason why a date differs from its weekday, or None where it does not."""
        return self._worked.get(day) or self._off.get(day)

    def is_known(self, year: int) -> bool:
        """Tell whether a calendar file describes the year."""
        return year in self._years

    def is_confirmed(self, year: int) -> bool:
        """Tell whether the office confirmed the year's calendar; else its days are "dự kiến"."""
        return self._years.get(year, False)

    def on_or_before(self, day: date) -> date:
        """Return the last working day on or before a date."""
        while not self.is_working(day):
            day -= _DAY
        return day

    def on_or_after(self, day: date) -> date:
        """Return the first working day on or after a date."""
        while not self.is_working(day):
            day += _DAY
        return day

    def add(self, day: date, count: int) -> date:
        """Return the working day `count` working days after a date (before it, if negative).

        The date itself need not be a working day and is never counted; a count of zero returns it as
        it is.
        """
        if count == 0:
            return day
        year = day.year
        days = self._working_days(year)
        # `index` of the wanted day in the year's list; where it is outside, go to other years.
        index = bisect_right(days, day) + count - 1 if count > 0 else bisect_left(days, day) + count
        while index < 0:
            year -= 1
            days = self._working_days(year)
            index += len(days)
        while index >= len(days):
            index -= len(days)
            year += 1
            days = self._working_days(year)
        return days[index]

    def between(self, after: date, until: date) -> int:
        """Return how many working days d have after < d <= until; negative where until is earlier."""
        if until < after:
            return -self.between(until, after)
        total = 0
        for year in range(after.year, until.year + 1):
            days = self._working_days(year)
            total += bisect_right(days, until) - bisect_right(days, after)
        return total

    def _working_days(self, year: int) -> list[date]:
        days = self._sequence.get(year)
        if days is None:
            first = date(year, 1, 1)
            length = (date(year + 1, 1, 1) - first).days
            every = (first + timedelta(days=offset) for offset in range(length))
            days = self._sequence[year] = [day for day in every if self.is_working(day)]
        return days
