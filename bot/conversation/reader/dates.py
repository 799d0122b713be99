"""Dates in replies: "5/12", "thứ sáu tuần sau", "hết quý I/2027", "thêm 10 ngày làm việc".

Guarantees:
- Civil dates only. A day that does not exist, is of the moon's calendar or may be meant in two ways is named,
  but has no date: it is asked about.
- Without a year both the next and the latest such day.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from bot.conversation.reader.date_ranges import (
    DAY,
    LUNAR_MONTHS,
    STRETCHES,
    later,
    shifted,
    year_said,
)
from bot.conversation.reader.numbers import NUMBER, parse_number
from data.registry.workdays import Workdays


class When(NamedTuple):
    """A day or a stretch of days that a text names.

    named: "day" (one day), "weekday" ("thứ sáu", "ngày 20": gone by or to come), "stretch" (a week, month,
    quarter, year), "length" (so many days from today), "lunar" (of the moon's calendar), "unsure" (no such day,
    or one of two); until: its last day, the next such where that is left
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
_D_OF = r"(?:ngay|hom|mung|mong)"
_MONTHS = r"\d{1,2}|muoi hai|muoi mot|muoi|mot|hai|ba|tu|nam|sau|bay|tam|chin"
_MONTH_TURN = r"nay|sau|toi"


def _year(name: str) -> str:
    return rf"(?:(?: ?[/.-] ?| nam | sang | )(?P<{name}>20\d\d|nay|sau|toi|(?<=sang )nam)\b)?"


def _edge(name: str) -> str:
    return rf"(?:(?P<{name}>dau|giua|cuoi|het|trong|nua dau) )?"


_FORMS = (
    # 2026-12-15
    r"(?P<y0>20\d\d) ?[-/.] ?(?P<m0>\d{1,2}) ?[-/.] ?(?P<d0>\d{1,2})\b",
    # mùng 6 Tết, 15 tháng chạp, rằm tháng giêng, sau Tết
    (
        rf"(?P<lunar>(?:{_D_OF} )?(?:{NUMBER} )tet\b|(?:{_D_OF} )?{NUMBER} (?:thang )?(?:gieng|chap)\b"
        rf"|(?:{_D_OF} )?ram(?: thang (?:\d{{1,2}}|[a-z]+))?\b"
        r"|(?:(?<=truoc )|(?<=sau )|(?<=qua )|(?<=den )|(?<=toi )|(?<=het )|giap |ra |an |nghi |dip )tet\b|ra gieng\b)"
    ),
    # tuần đầu tháng 12, ngày 1 quý sau
    (
        r"(?P<vague>tuan (?:dau(?: tien)?|thu (?:nhat|hai|ba|tu|bon|\d)|cuoi(?: cung)?) (?:cua )?(?:thang|quy|nam)\b"
        rf"|{_D_OF} \d{{1,2}} (?:cua )?(?:quy|tuan)\b)(?: (?:\d{{1,2}}|nay|sau|toi|i|ii|iii|iv)\b)?"
    ),
    # 05/12/2026, 5.12.26
    rf"{_HOUR}(?:{_D_OF} ?)?(?P<d>\d{{1,2}}) ?[/.-] ?(?P<m>\d{{1,2}}) ?[/.-] ?(?P<y>\d{{4}}|\d{{2}})\b",
    # ngày 5 tháng 12 (năm 2026), 5/12
    rf"{_HOUR}(?:{_D_OF} ?)?(?P<d2>\d{{1,2}})(?: thang | ?/ ?| ?t)(?P<m2>\d{{1,2}})\b(?![/%]|[.]\d){_year('y2')}",
    # ngày 15 tháng sau, ngày mười lăm tháng mười hai
    (
        rf"(?:{_D_OF} ?(?P<d5>{NUMBER})|(?P<d6>{NUMBER})) thang "
        rf"(?:(?P<turn5>{_MONTH_TURN})|(?P<m5>{_MONTHS}))\b(?! (?:ngay|tuan)\b|[/%]|[.]\d){_year('y5')}"
    ),
    # 5.12, 5-12: after a word only, for "1-3 xong" names tasks
    rf"(?:{_D_OF} ?|(?<=[a-z] ))(?P<d3>\d{{1,2}})[.-](?P<m3>\d{{1,2}})\b(?! ?%|[./-]\d| ?phan tram)",
    # ngày 20
    rf"{_D_OF} (?P<d4>\d{{1,2}})\b(?! ?(?:%|/|-|\.\d|ngay|tuan|thang))",
    (
        rf"{_edge('month_edge')}thang (?P<month>\d{{1,2}}|nay|sau|toi|truoc|qua|gieng|chap|muoi hai|muoi mot|muoi)\b"
        rf"(?! (?:ngay|tuan)\b|%){_year('month_year')}"
    ),
    # t6/2027, đến T12, hết 12/2026
    rf"{_edge('t_edge')}t(?P<t_month>\d{{1,2}})(?: ?[/.-] ?| nam | )(?P<t_year>20\d\d|nay|sau|toi)\b",
    r"(?:(?P<t_edge2>dau|giua|cuoi) )?(?<=[a-z] )t(?P<t_month2>1|[89]|1[0-2])\b(?! ?[/.-] ?\d)",
    r"(?:(?P<t_edge3>dau|giua|cuoi) )?(?<=[a-z] )(?P<t_month3>\d{1,2}) ?[/-] ?(?P<t_year3>20\d\d)\b",
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
        r"(?P<unit>(?:ngay|tuan) (?:lam viec|lv|hanh chinh)|ngay|hom|bua|tuan|thang|nam|quy)\b(?! ?\d)"
        r"(?P<and_half> ruoi)?(?: (?P<turn>nua|toi|sau|truoc|roi|qua)\b)?"
    ),
)
UNSURE = frozenset(["lunar", "unsure"])
_LUNAR_AFTER = re.compile(r" ?\(?(?:am lich|al|am)\b")
# "5 ngày sau khi nhận văn bản", "2 tuần kể từ ngày họp"
_FROM_SOMETHING = re.compile(
    r" ?(?:(?:sau|ke tu|tinh tu|tu) ?(?:khi|luc|ngay [a-z]|tet|ky|cuoc|hop|thoi diem)|sau le)\b"
)
_BEFORE_A_DAY = re.compile(r"\b(?:ngay|hom|mung|han|den|toi|het|truoc|sang|vao|qua) ?$")
_WHEN = re.compile(rf"(?<![\w/&]){_LEAD}(?:{'|'.join(_FORMS)})")


def whens(bare: str, today: date, workdays: Workdays) -> list[When]:
    """Return every day and stretch of days that a text names, in order."""
    found = []
    for match in _WHEN.finditer(bare):
        when = _read(match, today, workdays)
        if when is not None and _LUNAR_AFTER.match(bare, match.end()):
            when = _when(match, "lunar", None, "")
        if when is not None:
            found.append(when)
    return found


def asked_until(found: list[When], today: date) -> date | None:
    """Return the day an extension is asked until, or None if none is named surely or it has gone by.

    A named day goes before a length of time, what stands after "đến", "sang", "hết" before the rest;
    "trước ngày 10/12" is the 9th. "Sau ngày 10/12" names no day, nor does a length that counts from another day.
    """
    counts = any(when.named == "length" for when in found)
    others = [when for when in found if when.lead != "tu"]
    if any(when.named in UNSURE for when in others) or (counts and _counts_from(found, today)):
        return None
    found = [when for when in others if when.until]
    days = [when for when in found if when.named != "length"]
    led = [when for when in days if when.lead or when.named == "stretch"]
    chosen = (led or days or found)[-1:]
    until = chosen[0].until if chosen else None
    if until is None or (chosen[0].lead == "sau" and chosen[0].named == "day"):
        return None
    if chosen[0].lead in ("truoc", "den truoc") and chosen[0].named in ("day", "weekday"):
        until -= DAY
    return until if until >= today else None


def is_too_far(day: date, today: date) -> bool:
    """Tell whether a day is more than three years ahead: a typing error, or something to ask about."""
    return day > later(today, 36)


def _counts_from(found: list[When], today: date) -> bool:
    """Tell whether a length counts from a day that is named, and is not today: "5 ngày từ 1/12"."""
    return any(
        when.lead == "tu" and when.named != "length" and when.until != today for when in found
    )


def _read(match: re.Match[str], today: date, workdays: Workdays) -> When | None:
    group = match.groupdict()
    if group["lunar"] or group["vague"]:
        return _when(match, "lunar" if group["lunar"] else "unsure", None, "")
    if group["d0"]:
        return _fixed(match, _day(int(group["y0"]), int(group["m0"]), int(group["d0"])), today)
    if group["d"]:
        year = int(group["y"]) + (2000 if len(group["y"]) == 2 else 0)
        return _fixed(match, _day(year, int(group["m"]), int(group["d"])), today)
    if group["d2"]:
        return _day_of_month(match, int(group["d2"]), int(group["m2"]), group["y2"], today)
    if group["turn5"]:
        return _day_of_near_month(match, today)
    if group["m5"]:
        day, month = parse_number(group["d5"] or group["d6"]), parse_number(group["m5"])
        if group["d6"] and not group["m5"].isdecimal() and not match["lead"]:
            return None  # "2 tháng ba ngày"
        return _day_of_month(match, day or 0, month or 0, group["y5"], today)
    if group["d3"]:
        rises = "-" in match[0] and int(group["d3"]) < int(group["m3"])
        if rises and not _BEFORE_A_DAY.search(match.string, 0, match.start("d3")):
            return None  # "còn 2-4 chưa làm" speaks of tasks
        return _every_year(match, int(group["d3"]), int(group["m3"]), today)
    if group["d4"]:
        return _every_month(match, int(group["d4"]), today)
    for ending in ("", "2", "3"):
        if group[f"t_month{ending}"]:
            group["month"], group["month_edge"] = (
                group[f"t_month{ending}"],
                group[f"t_edge{ending}"],
            )
            group["month_year"] = group.get(f"t_year{ending}")
    for name, reader in STRETCHES.items():
        if group[name]:
            stretch = reader(group, today)
            if stretch is None:
                return None
            if group["month"] in LUNAR_MONTHS:
                return _when(match, "lunar", None, _tense(stretch.first, stretch.last, today))
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
        return _when(match, "unsure", None, "")
    return _when(match, "day", day, _tense(day, day, today), day)


def _day_of_month(
    match: re.Match[str], day: int, month: int, year: str | None, today: date
) -> When | None:
    """Return a day of a month, of the year that is said or of any."""
    year_named = year_said(year, today)
    if year_named is not None:
        return _fixed(match, _day(year_named, month, day), today)
    if month > 12 or day > 31:  # "hoàn thành 13/13"
        return _when(match, "unsure", None, "") if "thang" in match[0] else None
    return _every_year(match, day, month, today)


def _day_of_near_month(match: re.Match[str], today: date) -> When | None:
    """Return the day of "ngày 15 tháng sau"; "3 tháng sau" is a length, "15 tháng sau" one of the two."""
    day, turn = parse_number(match["d5"] or match["d6"]) or 0, match["turn5"]
    if match["d5"] is None and turn != "nay":
        if day > 12 or match["lead"] in ("den", "den het", "toi", "truoc", "het"):
            return _when(match, "unsure", None, "")
        return _when(match, "length", later(today, day), "future")
    return _fixed(match, _day(*shifted(today, int(turn != "nay")), day), today)


def _every_year(match: re.Match[str], day: int, month: int, today: date) -> When | None:
    before, this, after = (_day(today.year + offset, month, day) for offset in (-1, 0, 1))
    passed = (month, day) < (today.month, today.day)
    coming = after if passed else this
    latest = this if this and this <= today else before
    if coming is None:  # 31/11, or 29/2 before a year without it
        return _when(match, "unsure", None, "", latest)
    return _when(match, "day", coming, _tense(this, this, today) if this else "future", latest)


def _every_month(match: re.Match[str], day: int, today: date) -> When | None:
    days = [_day(*shifted(today, offset), day) for offset in (-2, -1, 0, 1, 2)]
    coming = [found for found in days if found and found >= today]
    gone = [found for found in days if found and found <= today]
    if not 1 <= day <= 31:
        return None
    if not coming or coming[0] > later(today, 1):  # "ngày 31" where the next month has none
        return _when(match, "unsure", None, "", gone[-1] if gone else None)
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
    if _FROM_SOMETHING.match(match.string, match.end() - len("sau") * (turn == "sau")):
        return _when(match, "unsure", None, "future")
    until = None if vague else _after(today, amount or 0, match["unit"], workdays)
    if match["and_half"] or half:
        until = until + 15 * DAY if until and match["unit"] == "thang" else None
    return _when(match, "length", until, "future" if turn else "")


def _after(today: date, amount: float, unit: str, workdays: Workdays) -> date | None:
    """Return the day so many units after today; half a month is 15 days."""
    if unit == "thang" and amount == 0.5:
        return today + 15 * DAY
    count = amount * {"tuan": 7, "quy": 3, "nam": 12}.get(unit, 1)
    if " " in unit:  # of work
        return workdays.add(today, int(amount * (5 if unit.startswith("tuan") else 1)))
    if unit in ("thang", "quy", "nam"):
        return later(today, int(count))
    return today + max(1, int(count)) * DAY
