"""Days and hours as officials write them (Decree 30/2020, Phụ lục I); every text that people read uses these."""

from __future__ import annotations

from datetime import date

_WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


def long_date(day: date | str) -> str:
    """Return a day with its weekday: "thứ Hai, ngày 30/11/2026"; for days to come within two weeks."""
    value = _date(day)
    return f"{_WEEKDAYS[value.weekday()]}, ngày {full_date(value)}"


def full_date(day: date | str) -> str:
    """Return a day in figures: "05/01/2027", "03/6/2026".

    A day has two digits; a month has two where it is 1 or 2.
    """
    value = _date(day)
    return f"{short_date(value)}/{value.year}"


def short_date(day: date | str) -> str:
    """Return a day and its month by the same rule: "05/01", "03/6"."""
    value = _date(day)
    return (
        f"{value.day:02}/{value.month:02}" if value.month < 3 else f"{value.day:02}/{value.month}"
    )


def hour_words(clock_time: str) -> str:
    """Return a time of day, given as "16:00", in words: "16 giờ 00"."""
    return clock_time.replace(":", " giờ ")


def _date(day: date | str) -> date:
    return date.fromisoformat(day) if isinstance(day, str) else day
