"""Values of targets (chỉ tiêu) in words: "chỉ tiêu hợp đồng điện tử đạt 82%".

Guarantees:
- A value needs "chỉ tiêu" or a code at the start, and one possible number.
- Words about a target without a sure value have the fault "unsure", so that no other reader takes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from bot.conversation.reader.documents import documents
from bot.conversation.reader.lexicon import agrees, plain
from bot.conversation.reader.tokens import LONGEST, Text, prepare

Fault = Literal["inside", "no_number", "several", "number", "unsure"]


@dataclass(frozen=True, slots=True)
class TargetReading:
    """What a text says of a target; where fault is set, there is no value.

    code: the target's as typed, without blanks ("CT.4"); names: the words that name it, marks as typed;
    after: words after the number, its unit among them; plan: the plan's number; percent: "%" was said;
    bare: it opens with the code, without "chỉ tiêu".
    """

    code: str | None = None
    names: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    plan: str | None = None
    year: int | None = None
    value: Decimal | None = None
    percent: bool = False
    bare: bool = False
    fault: Fault | None = None


_OPENING = (
    r"(?:(?:da|vang|thua|kinh|chao|em|anh|chi|a|oi|ben|don vi|xin|bao cao|bao|gui|cap nhat|so lieu|ve)"
    r"\b[ ,.:;–-]*)*?"
)
_CODE = r"ct ?[.\-]? ?(?P<digits>\d{1,3}[a-z]?)(?!\w|[.,]\d|/)"
_PLAN = r"(?:(?:ke hoach|kh)(?: so)? ?)?(?P<head>\d{1,5})(?:/kh-?[a-z]*)? "
_NAMING = (
    rf"(?:(?P<chi>chi) (?P<tieu>tieu)\b(?: (?:so|ma)(?= ?(?:ct|\d)))?[ :,.–-]*(?:{_PLAN}(?=ct))?"
    rf"(?:{_CODE}|(?P<number>\d{{1,3}})(?= ?[:=]| (?:dat|la|duoc|nam|hien|ke hoach|kh)\b))?"
    rf"|{_CODE.replace('digits', 'bare')})"
)
_LEAD = re.compile(_OPENING + _NAMING)
_INSIDE = re.compile(r"\b" + _NAMING)
_OF_PLAN = re.compile(
    r"[(,]? ?(?:(?:thuoc|cua|trong|theo) )?\b(?:ke hoach|kh)(?: so)? ?(?P<plan>\d{1,5}(?:/kh-?[a-z]*)?)\b\)?"
)
_DAY = re.compile(
    r"(?:tinh )?(?:den|toi) (?:het )?(?:ngay )?\d{1,2}/\d{1,2}(?:/(?P<of_day>20\d\d))?\b(?!/)"
    r"|(?:tinh )?(?:den|toi) (?:het )?(?:thang \d{1,2}|quy (?:[1-4]|i{1,3}|iv))(?:/(?P<of_part>20\d\d))?\b(?!/)"
)
_YEAR = re.compile(
    r"\b(?:(?:(?:tinh )?den )?(?:trong |het )?nam |[(/])?(?P<year>20\d\d)\b\)?(?! ?%|[.,]\d)"
)
_NEAR_YEAR = re.compile(r"\b(?:trong )?nam (?P<which>nay|ngoai|truoc)\b")
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?![\w])")
_PERCENT = re.compile(r" ?(?:%|phan tram\b)")
_SOURCE = re.compile(
    r"[ ,;.(–-]+(?:(?:theo|can cu|tai|kem)(?: theo)? )?"
    r"(?:so lieu|ket qua|thong ke|bao cao|bc|cong van|cv|van ban|vb)\b(?P<what>.*)$",
    re.DOTALL,
)
_NO_SOURCE = re.compile(
    r"%|\?|\b(?:chua|neu|du kien|uoc|khong|ke hoach|muc tieu|cu|sai|nham|so bo|tam tinh)\b"
)
_WORD = re.compile(r"[^\W_]+")
_SIGNS = re.compile(r"[^\w\s.,:;=()%/!–—-]")
_MOST_DIGITS = 12
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?")


def read_target(text: str, *, today: date) -> TargetReading | None:
    """Read what a text says of a target; None where it names none.

    One that names a target further on ("ghi chỉ tiêu CT.4 82%") gives no value: its fault is "inside".

    today: for "năm nay", "năm ngoái". Which target is meant, and whether its words are all its own, is told by
    `fits`. A text of more than 4,000 characters is none.
    """
    ready = prepare(text)
    lead = _LEAD.match(ready.bare) or _INSIDE.search(ready.bare)
    if len(text) > LONGEST or lead is None:
        return None
    digits = lead["digits"] or lead["bare"] or lead["number"]
    if lead["chi"] and not _says_target(ready, lead, coded=digits is not None):
        return None
    reading = TargetReading(
        code=f"CT.{digits.upper()}" if digits else None, plan=lead["head"], bare=lead["chi"] is None
    )
    if lead.re is _INSIDE:
        return replace(
            reading, names=_words(ready.bare, ready, lead.end(), len(ready.bare)), fault="inside"
        )
    return _rest(reading, ready, lead.end(), today)


def _says_target(ready: Text, lead: re.Match[str], *, coded: bool) -> bool:
    """Tell "chỉ tiêu" from "chi tiêu" (spending), which a code alone makes a target."""
    first, second = (ready.marked[slice(*lead.span(name))] for name in ("chi", "tieu"))
    spends = first == "chi" and second == "tiêu"
    return agrees(first, "chỉ") and agrees(second, "tiêu") and (coded or not spends)


def _rest(reading: TargetReading, ready: Text, start: int, today: date) -> TargetReading:
    """Read what stands after the opening: year, plan, source, then the one number and the words around it."""
    bare = " " * start + ready.bare[start:]
    if not re.search(r"\d", bare):
        return replace(reading, fault="no_number")
    if _SIGNS.search(bare):
        return replace(reading, fault="unsure")
    first = _NUMBER.search(bare)
    source = _SOURCE.search(bare, first.end() if first else start)
    while source is not None and not _is_source(source, ready):
        source = _SOURCE.search(bare, source.start() + 1)
    if source is not None:
        bare = bare[: source.start()]
    plan = _OF_PLAN.search(bare)
    if plan is not None:
        reading = replace(reading, plan=plan["plan"])
        bare = _blank(bare, plan)
    years: set[int] = set()
    for pattern in (_DAY, _NEAR_YEAR, _YEAR):
        for match in list(pattern.finditer(bare)):
            said = match.groupdict()
            years.update(int(year) for name, year in said.items() if year and name != "which")
            if "which" in said:
                years.add(today.year - (said["which"] != "nay"))
            bare = _blank(bare, match)
    if len(years) > 1:
        return replace(reading, fault="unsure")
    return _number(replace(reading, year=min(years, default=None)), bare, ready)


def _is_source(match: re.Match[str], ready: Text) -> bool:
    """Tell whether the end of a text only says where its figure is from."""
    if _NO_SOURCE.search(match["what"]):
        return False
    named = match[0].lstrip(" ,;.(–-").startswith(("theo", "can cu", "tai", "kem"))
    return named or bool(documents(match[0], ready.shown[match.start() :]))


def _number(reading: TargetReading, bare: str, ready: Text) -> TargetReading:
    numbers = list(_NUMBER.finditer(bare))
    shares = [number for number in numbers if _PERCENT.match(bare, number.end())]
    if len(shares) > 1 or bare.count("%") > 1:
        return replace(reading, fault="several")
    if not numbers:
        return replace(reading, fault="number" if re.search(r"\d", bare) else "no_number")
    number = (shares or numbers)[-1 if not shares else 0]
    value = _value(number[0], percent=bool(shares))
    if value is None or "/" in (bare[number.start() - 1], bare[number.end() : number.end() + 1]):
        return replace(reading, fault="number")
    percent = _PERCENT.match(bare, number.end())
    names = _words(bare, ready, 0, number.start())
    after = _words(bare, ready, percent.end() if percent else number.end(), len(bare))
    if re.search(r"(?:^|[ :=(])[-–]$", ready.bare[: number.start()]) or names[-1:] in (
        ("âm",),
        ("am",),
    ):
        value, names = -value, tuple(word for word in names if plain(word) != "am")
    return replace(reading, names=names, after=after, value=value, percent=percent is not None)


def _value(digits: str, *, percent: bool) -> Decimal | None:
    """Return the number that digits say; None where points and commas can be read in two ways."""
    if sum(sign.isdecimal() for sign in digits) > _MOST_DIGITS:
        return None
    if _THOUSANDS.fullmatch(digits):
        return None if percent else Decimal(digits.replace(".", "").replace(",", "."))
    whole, *parts = re.split(r"[.,]", digits)
    if len(parts) > 1 or (parts and len(parts[0]) == 3 and whole != "0"):
        return None
    return Decimal(".".join((whole, *parts)))


def _words(bare: str, ready: Text, start: int, end: int) -> tuple[str, ...]:
    """Return the words of a stretch with their marks, but for what was blanked."""
    return tuple(ready.marked[slice(*word.span())] for word in _WORD.finditer(bare, start, end))


def _blank(bare: str, match: re.Match[str]) -> str:
    return bare[: match.start()] + " " * len(match[0]) + bare[match.end() :]
