"""Words that ask to be reminded later: "nhắc lại thứ Năm", "2 mai nhắc em", "nhắc lại sau". Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from bot.conversation.reader.dates import asked_until, whens
from bot.conversation.reader.tokens import prepare
from data.registry.workdays import Workdays
from data.text import fold

_LONGEST = 120  # characters
_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        da vang em e anh chi a ah ak oi bot he thong nhe nha nhen nghe giup gium ho minh toi tui cho xin de
        nghi lam on khi vao sang chieu trua toi sau nua hay thi duoc khong luc hom khac nhac lai nho lan
        tiep voi viec nhiem vu bao cao so muc nay va hen den qua ben don vi co gi lat ti mot luon day ngay
        dau tuan cung ma tam thoi khoan dung chua can vay nhi tin nhan ban admin dum
        """,
    )
)
_REMIND = re.compile(r"\bnhac\b")
_NOT_LATER = re.compile(
    r"\b(?:da nhac|duoc nhac|bi nhac|nhac nho|nhac hoai|nhac mai|nhac viec|sao nhac|nhac du)\b"
)
_LATER = re.compile(
    r"\bnhac (?:lai |em |toi |minh |tui |anh |chi |giup )*(?:sau|lan sau|luc khac|khi khac"
    r"|hom khac)\b|^nhac lai\b"
    r"|\b(?:de|khi khac|luc khac|hom khac|lat nua|ti nua|chut nua|chieu|chieu nay) nhac\b"
)
_NEXT_WEEK = re.compile(r"(?<!\d )\btuan (?:sau|toi)\b")
_WEEKDAY = re.compile(r"\b(?:thu|chu nhat|t[2-7]|cn)\b")


@dataclass(frozen=True, slots=True)
class Snooze:
    """A wish to be reminded later. on: the day asked for; None: some day later. numbers: the items named."""

    on: date | None
    numbers: tuple[int, ...] = ()


def read_snooze(text: str, *, today: date, workdays: Workdays) -> Snooze | None:
    """Return the wish that words express and nothing else, else None; a day not after today is none."""
    if len(text) > _LONGEST:
        return None
    bare = prepare(text).bare
    if not _REMIND.search(bare) or _NOT_LATER.search(bare):
        return None
    found = whens(bare, today, workdays)
    rest = bare
    for when in reversed(found):
        rest = f"{rest[: when.start]} {rest[when.end :]}"
    words = fold(rest).split()
    numbers = tuple(int(word) for word in words if word.isdecimal())
    if any(word not in _WORDS and not word.isdecimal() for word in words):
        return None
    if any(number > 999 for number in numbers):
        return None
    if _NEXT_WEEK.search(bare) and not _WEEKDAY.search(bare):
        on: date | None = today + timedelta(days=7 - today.weekday())
    else:
        on = asked_until(found, today)
    if on is not None and on > today:
        return Snooze(on, numbers)
    if found and on is None:
        return None  # a day that is gone by, or not surely meant
    return Snooze(None, numbers) if on == today or _LATER.search(bare) else None
