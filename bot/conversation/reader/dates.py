"""Dates in replies: "5/12", "thứ sáu tuần sau", "hết quý I/2027", "thêm 10 ngày làm việc".

Guarantees:
- Civil dates only, and none for a day that does not exist.
- Without a year both the next and the latest such day.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from bot.conversation.reader.date_ranges import DAY, STRETCHES, later, shifted, year_said
from bot.conversation.reader.numbers import NUMBER, parse_number
from data.registry.workdays import Workdays


class When(NamedTuple):
    """A day or a stretch of days that a text names.

    named: "day" (one day), "weekday" ("thứ sáu", "ngày 20": gone by or to come), "stretch" (a week, month,
    quarter, year), "length" (so many days from today); until: its last day, the next such where that is left
    open; tense: past, now, future or "", judged from today; lead: the word before it ("den", "truoc", …);
    latest: for a day, the latest such that is not to come, or the day itself where it is fixed.
    """

    start: int
    end: int
    named: str
    until: date | None
    tense: str
    lead: str = ""
    latest: date | None = None


_DAYS = {
    "hom kia": -2, "hom truoc": -2, "bua truoc": -2, "ngay hom kia": -2,
    "hom qua": -1, "hqua": -1, "toi qua": -1, "chieu qua": -1, "sang qua": -1, "bua qua": -1, "trua qua": -1,
    "dem qua": -1, "ngay hom qua": -1,
    "hom nay": 0, "bua nay": 0, "hnay": 0, "sang nay": 0, "chieu nay": 0, "toi nay": 0, "trua nay": 0,
    "ngay hom nay": 0, "trong ngay": 0, "trong ngay hom nay": 0, "hoi sang": 0, "hoi nay": 0, "ban nay": 0,
    "luc nay": 0, "luc sang": 0,
    "ngay mai": 1, "sang mai": 1, "chieu mai": 1, "toi mai": 1, "mai": 1,
    "ngay kia": 2, "ngay mot": 2, "mai kia": 2,
}  # fmt: skip
_WEEKDAYS = {"hai": 0, "ba": 1, "tu": 2, "nam": 3, "sau": 4, "bay": 5}

_LEAD = r"(?:(?P<lead>den het|den truoc|den cuoi|toi het|den|toi|truoc|sang|vao|het|tu|trong|qua|sau)\b )?"
_HOUR = r"(?:(?:24|17) ?(?:h|gio) )?"
_D_OF = r"(?:ngay|hom|mung)"


def _year(name: str) -> str:
    return rf"(?:(?: ?[/.-] ?| nam | )(?P<{name}>20\d\d|nay|sau|toi)\b)?"


def _edge(name: str) -> str:
    return rf"(?:(?P<{name}>dau|giua|cuoi|het|trong|nua dau) )?"


_FORMS = (
    # 05/12/2026, 5.12.26
    rf"{_HOUR}(?:{_D_OF} ?)?(?P<d>\d{{1,2}}) ?[/.-] ?(?P<m>\d{{1,2}}) ?[/.-] ?(?P<y>\d{{4}}|\d{{2}})\b",
    # ngày 5 tháng 12 (năm 2026), 5/12
    rf"{_HOUR}(?:{_D_OF} ?)?(?P<d2>\d{{1,2}})(?: thang | ?/ ?| ?t)(?P<m2>\d{{1,2}})\b(?![/%]|[.]\d){_year('y2')}",
    # 5.12, 5-12: after a word only, for "1-3 xong" names tasks
    rf"(?:{_D_OF} ?|(?<=[a-z] ))(?P<d3>\d{{1,2}})[.-](?P<m3>\d{{1,2}})\b(?! ?%|[./-]\d| ?phan tram)",
    # ngày 20
    rf"{_D_OF} (?P<d4>\d{{1,2}})\b(?! ?(?:%|/|-|\.\d|ngay|tuan|thang))",
    (
        rf"{_edge('month_edge')}thang (?P<month>\d{{1,2}}|nay|sau|toi|truoc|qua|gieng|chap|muoi hai|muoi mot|muoi)\b"
        rf"(?! (?:ngay|tuan)\b|%){_year('month_year')}"
    ),
    rf"{_edge('quarter_edge')}quy (?P<quarter>iv|iii|ii|i|[1-4]|nay|sau|toi|truoc)\b{_year('quarter_year')}",
    rf"(?:6|sau) thang (?P<half>dau|cuoi) nam\b{_year('half_year')}",
    rf"{_edge('year_edge')}nam (?P<year>20\d\d|nay|sau|toi|truoc|ngoai)\b",
    r"(?P<unnamed_edge>cuoi|dau|het|trong|sang|giua) (?P<unnamed>nam|thang|quy|tuan)\b(?! (?:\d|nay|sau|toi|truoc))",
    rf"{_edge('week_edge')}tuan (?P<week>nay|sau|toi|truoc|qua|roi)\b",
    (
        r"(?P<gone>hom |bua )?(?:thu (?P<wd>hai|ba|tu|nam|sau|bay|[2-7])|t(?P<wd2>[2-7])|(?P<sunday>chu nhat|cn))\b"
        r"(?: (?:tuan )?(?P<turn_of_week>nay|sau|toi|truoc|vua roi|qua))?"
    ),
    rf"(?P<word>{'|'.join(sorted(_DAYS, key=len, reverse=True))})\b(?! ?\d| ngay)",
    (
        r"(?<!viec )(?<!nv )(?<!vu )(?<!muc )(?<!so )"  # "việc 3 tuần sau xong": of the third task
        rf"(?P<count>(?:\d{{1,2}},(?=5))?{NUMBER}|nua|may|vai) "
        r"(?P<unit>ngay lam viec|ngay|hom|bua|tuan|thang|nam|quy)\b(?! ?\d)"
        r"(?P<and_half> ruoi)?(?: (?P<turn>nua|toi|sau|truoc|roi|qua)\b)?"
    ),
)
_BEFORE_A_DAY = re.compile(r"\b(?:ngay|hom|mung|han|den|toi|het|truoc|sang|vao|qua) ?$")
_WHEN = re.compile(rf"(?<![\w/&]){_LEAD}(?:{'|'.join(_FORMS)})")


def whens(bare: str, today: date, workdays: Workdays) -> list[When]:
    """Return every day and stretch of days that a text names, in order."""
    found = (_read(match, today, workdays) for match in _WHEN.finditer(bare))
    return [when for when in found if when is not None]


def asked_until(found: list[When], today: date) -> date | None:
    """Return the day an extension is asked until, or None if none is named or it has gone by.

    A named day goes before a length of time, what stands after "đến", "sang", "hết" before the rest;
    "trước ngày 10/12" is the 9th.
    """
    found = [when for when in found if when.until and when.lead != "tu"]
    days = [when for when in found if when.named != "length"]
    led = [when for when in days if when.lead or when.named == "stretch"]
    chosen = (led or days or found)[-1:]
    until = chosen[0].until if chosen else None
    if until is None:
        return None
    if chosen[0].lead in ("truoc", "den truoc") and chosen[0].named in ("day", "weekday"):
        until -= DAY
    return until if until >= today else None


def _read(match: re.Match[str], today: date, workdays: Workdays) -> When | None:
    group = match.groupdict()
    if group["d"]:
        year = int(group["y"]) + (2000 if len(group["y"]) == 2 else 0)
        return _fixed(match, _day(year, int(group["m"]), int(group["d"])), today)
    if group["d2"]:
        year_named = year_said(group["y2"], today)
        if year_named is not None:
            return _fixed(match, _day(year_named, int(group["m2"]), int(group["d2"])), today)
        return _every_year(match, int(group["d2"]), int(group["m2"]), today)
    if group["d3"]:
        rises = "-" in match[0] and int(group["d3"]) < int(group["m3"])
        if rises and not _BEFORE_A_DAY.search(match.string, 0, match.start("d3")):
            return None  # "còn 2-4 chưa làm" speaks of tasks
        return _every_year(match, int(group["d3"]), int(group["m3"]), today)
    if group["d4"]:
        return _every_month(match, int(group["d4"]), today)
    for name, reader in STRETCHES.items():
        if group[name]:
            stretch = reader(group, today)
            if stretch is None:
                return None
            return _when(
                match, "stretch", stretch.meant, _tense(stretch.first, stretch.last, today)
            )
    if group["wd"] or group["wd2"] or group["sunday"]:
        return _weekday(match, today)
    if group["word"]:
        return _fixed(match, today + _DAYS[group["word"]] * DAY, today)
    return _length(match, today, workdays)


def _when(
    match: re.Match[str], named: str, until: date | None, tense: str, latest: date | None = None
) -> When:
    return When(*match.span(), named, until, tense, match["lead"] or "", latest)


def _tense(first: date, last: date, today: date) -> str:
    return "past" if last < today else "future" if first > today else "now"


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _fixed(match: re.Match[str], day: date | None, today: date) -> When | None:
    if day is None:
        return None
    return _when(match, "day", day, _tense(day, day, today), day)


def _every_year(match: re.Match[str], day: int, month: int, today: date) -> When | None:
    before, this, after = (_day(today.year + offset, month, day) for offset in (-1, 0, 1))
    coming = this if this and this >= today else after
    latest = this if this and this <= today else before
    if this is None and coming is None:
        return None
    return _when(match, "day", coming, _tense(this, this, today) if this else "future", latest)


def _every_month(match: re.Match[str], day: int, today: date) -> When | None:
    days = [_day(*shifted(today, offset), day) for offset in (-2, -1, 0, 1, 2)]
    coming = [found for found in days if found and found >= today]
    gone = [found for found in days if found and found <= today]
    if not coming:
        return None
    return _when(match, "weekday", coming[0], "", gone[-1] if gone else None)


def _weekday(match: re.Match[str], today: date) -> When:
    said = match["wd"] or match["wd2"]
    weekday = 6 if said is None else _WEEKDAYS[said] if said in _WEEKDAYS else int(said) - 2
    turn = match["turn_of_week"]
    gone = match["gone"] or match["lead"] == "tu"
    if turn in ("truoc", "vua roi", "qua") or (gone and not turn):
        return _when(match, "day", None, "past")
    ahead = (weekday - today.weekday()) % 7
    if turn == "sau" or (turn == "toi" and "tuan" in match[0]):
        ahead = 7 - today.weekday() + weekday
    day = today + ahead * DAY
    return _when(match, "day" if turn else "weekday", day, _tense(day, day, today))


def _length(match: re.Match[str], today: date, workdays: Workdays) -> When | None:
    count, turn = match["count"], match["turn"]
    vague = count in ("may", "vai")
    whole, _, half = count.partition(",")
    amount = 0.5 if count == "nua" else parse_number(whole)
    if not vague and not amount:
        return None
    if turn in ("truoc", "roi", "qua"):
        return _when(match, "length", None, "past")
    until = None if vague else _after(today, amount or 0, match["unit"], workdays)
    if match["and_half"] or half:
        until = until + 15 * DAY if until and match["unit"] == "thang" else None
    return _when(match, "length", until, "future" if turn else "")


def _after(today: date, amount: float, unit: str, workdays: Workdays) -> date | None:
    """Return the day so many units after today; half a month is 15 days."""
    if unit == "thang" and amount == 0.5:
        return today + 15 * DAY
    count = amount * {"tuan": 7, "quy": 3, "nam": 12}.get(unit, 1)
    if unit == "ngay lam viec":
        return workdays.add(today, int(count))
    if unit in ("thang", "quy", "nam"):
        return later(today, int(count))
    return today + max(1, int(count)) * DAY
