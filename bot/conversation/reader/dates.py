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

from bot.conversation.reader.date_forms import DAYS, WEEKDAYS, WHEN
from bot.conversation.reader.date_ranges import (
    DAY,
    LUNAR_MONTHS,
    STRETCHES,
    later,
    shifted,
    year_said,
)
from bot.conversation.reader.numbers import parse_number
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


UNSURE = frozenset(["lunar", "unsure"])
_LUNAR_AFTER = re.compile(r" ?\(?(?:am lich|al|am|ta)\b")
# "5 ngày sau khi nhận văn bản", "2 tuần kể từ ngày họp"
_FROM_SOMETHING = re.compile(
    r" ?(?:(?:sau|ke tu|tinh tu|tu|so voi) ?(?:khi|luc|ngay [a-z]+|tet|ky|cuoc|hop|thoi diem|han|cong van|van ban)"
    r"|so voi|sau le|sau(?: ngay)? \d{1,2} ?(?:[/.-]|thang))\b"
)
# "5 ngày (không kể thứ bảy, chủ nhật)", "5 ngày, trừ ngày nghỉ"
_BUT_SOME = re.compile(
    r"[ ,(]{0,3}(?:lam viec|(?:khong|chua|ko|k) (?:tinh|ke|bao gom|gom)|tru(?! so\b))\b"
)
# "ngày hăm lăm" of "ngày hăm lăm tháng 12": a day that is not understood
_DAY_UNREAD = re.compile(
    r"\b(?:(?:ngay|mung|mong) (?!cuoi|dau)[a-z]+|ham [a-z]+)(?: [a-z]+)? (?:cua |trong )?$"
)
_BY_HOUR = re.compile(r"(?:den )?truoc (?:24|17) ?(?:h|gio) ")
_LUNAR = re.compile(r"\b(?:am lich|lich (?:am|ta|trang))\b")
_GONE_BY = re.compile(r" vua (?:roi|qua)\b")  # "20/11 vừa rồi"
_AFTER_NEXT = re.compile(r"(?<=\bsau) nua\b")  # "tuần sau nữa"
_OR = re.compile(r" ?(?:hoac|hay)(?: la)? ?(?:den |vao )?")
_BESIDE = frozenset(["", " ", ", ", " (", ","])
_BEFORE_A_DAY = re.compile(r"\b(?:ngay|hom|mung|han|den|toi|het|truoc|sang|vao|qua) ?$")


def whens(bare: str, today: date, workdays: Workdays) -> list[When]:
    """Return every day and stretch of days that a text names, in order."""
    found: list[When] = []
    is_lunar = _LUNAR.search(bare) is not None
    for match in WHEN.finditer(bare):
        when = _read(match, today, workdays)
        if when is not None and _LUNAR_AFTER.match(bare, match.end()):
            when = _when(match, "lunar", None, "")
        if when is not None and is_lunar and when.named in ("day", "weekday", "stretch"):
            when = when._replace(named="lunar", until=None)
        if when is not None and _GONE_BY.match(bare, when.end):
            when = when._replace(until=None, tense="past")
        if when is None:
            continue
        before = found[-1] if found else None
        gap = bare[before.end : when.start] if before is not None else "-"
        if _AFTER_NEXT.match(bare, when.end) or _OR.fullmatch(gap):
            when = _when(match, "unsure", None, "future")
        elif before and before.named == "weekday" and _is_day(match, when) and gap in _BESIDE:
            when = _settle_weekday(found.pop(), when)
        found.append(when)
    return found


def _is_day(match: re.Match[str], when: When) -> bool:
    return when.named == "day" or match["d4"] is not None


def _settle_weekday(weekday: When, day: When) -> When:
    """Return the one day of "thứ sáu 27/11"; where the day is no Friday, it is not sure which is meant."""
    if day.until is None or weekday.until is None:
        return day
    agrees = day.until.weekday() == weekday.until.weekday()
    named, until = (day.named, day.until) if agrees else ("unsure", None)
    return day._replace(
        named=named, until=until, start=weekday.start, lead=weekday.lead or day.lead
    )


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
    if until is None or (chosen[0].lead == "sau" and chosen[0].named != "length"):
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
        listed = "." in match[0] or int(group["d3"]) < int(group["m3"])
        if listed and not _BEFORE_A_DAY.search(match.string, 0, match.start("d3")):
            return None  # "còn 2-4 chưa làm" speaks of tasks, "xong 1.2" of a part
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
            if group["month"] and _DAY_UNREAD.search(match.string, 0, match.start()):
                return _when(match, "unsure", None, "")
            if group["month"] in LUNAR_MONTHS:
                return _when(match, "lunar", None, _tense(stretch.first, stretch.last, today))
            meant = stretch.meant
            if (match["lead"] or "").endswith("truoc") and not group.get(f"{name}_edge"):
                meant = stretch.first - DAY  # "trước tháng 12" is by the end of November
            return _when(match, "stretch", meant, _tense(stretch.first, stretch.last, today))
    if group["wd"] or group["wd2"] or group["sunday"]:
        return _weekday(match, today)
    if group["word"]:
        return _fixed(match, today + DAYS[group["word"]] * DAY, today)
    return _length(match, today, workdays)


def _when(
    match: re.Match[str], named: str, until: date | None, tense: str, latest: date | None = None
) -> When:
    lead = match["lead"] or ""
    if lead.endswith("truoc") and _BY_HOUR.match(match[0]):
        lead = "den"  # "trước 17h ngày 25/11" is that day
    return When(*match.span(), named, until, tense, lead, latest)


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
    weekday = 6 if said is None else WEEKDAYS[said] if said in WEEKDAYS else int(said) - 2
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
    after = match.end() - len("sau") * (turn == "sau")
    if _FROM_SOMETHING.match(match.string, after) or _BUT_SOME.match(match.string, after):
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
    if " " in unit or unit == "nlv":  # of work
        return workdays.add(today, int(amount * (5 if unit.startswith("tuan") else 1)))
    if unit in ("thang", "quy", "nam"):
        return later(today, int(count))
    return today + max(1, int(count)) * DAY
