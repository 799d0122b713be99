"""A document's number and date as people write them when they were asked for them: "12", "BC 12 ngày 20/11". Pure.

Guarantees:
- The whole text is the document; a text that says anything else is none.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from bot.conversation.reader.tokens import prepare

_LONGEST_AGO = 270  # days; of "20/11" said on 9/11, last year's is not meant
_POLITE = (
    r"(?:da|vang|a|nhe|em|anh|chi|xin|gui|day|la|thua|bao cao anh|bao cao chi|van ban la|so la"
    r"|so van ban la|so hieu(?: la)?)"
)
_KIND = r"(?:bao cao|bc|cong van|cv|van ban|vb|to trinh|ttr|quyet dinh|qd|ke hoach|kh|thong bao|tb|bien ban|bb)"
_KINDS = frozenset(
    re.findall(r"\w+", "bc cv kh qd ttr tb ct nq vb gm hd bb pa da ctr kl td nd tt ubnd hdnd")
)
_NO_SYMBOLS = frozenset(["xong", "ok", "oke", "done", "dang", "chua", "roi", "het", "du"])
_SUFFIX = r"[a-z&]{1,12}(?: ?[-–_/.] ?[a-z&]{1,12})*"
_NUMBER = (
    r"(?P<number>\d{1,6}(?:[a-d](?= ?/))?)(?!\d)(?: ?[/-] ?(?P<year>20\d\d)(?= ?/))?"
    rf"(?: ?[/_-] ?(?P<suffix>{_SUFFIX})"
    rf"|(?: ?(?P<kind>bc|cv|ttr|qd|kh|tb|bb)\b(?: ?[-–_] ?(?P<of>{_SUFFIX}))?))?"
)
_DATE = (
    r"(?:(?P<iso>20\d\d)-(?P<iso_month>\d{1,2})-(?P<iso_day>\d{1,2})"
    r"|(?P<day>\d{1,2}) ?(?:[/.-]| thang ) ?(?P<month>\d{1,2})"
    r"(?: ?(?:[/.-]| nam |, ?nam ) ?(?P<of_year>20\d\d|\d\d))?"
    r"|(?P<word>hom nay|hom qua|nay|hqua))"
)
_WHOLE = re.compile(
    rf"(?:{_POLITE}\b[ ,:.]*)*(?:{_KIND}\b ?)?(?:so ?[:.]? ?)?(?:{_KIND}(?:\b ?[-:]? ?|(?=\d)))?{_NUMBER}\.?"
    rf"(?:[ ,;(]+(?:(?:ky|de|ban hanh|phat hanh|lap) ?)?(?:(?:ngay|hom) )?{_DATE}\)?)?"
    rf"[ ,.!]*(?:{_POLITE}\b[ ,.!]*)*"
)


class AskedDocument(NamedTuple):
    """A document's number as written, and its date, None if it is not said or still to come."""

    number: str
    on: date | None


def read_asked_document(text: str, *, today: date) -> AskedDocument | None:
    """Read a text that may be a document's number and date; None where it says anything else.

    A day without a year is the latest such that is not to come, unless the next is nearer by far.
    """
    ready = prepare(text)
    match = _WHOLE.fullmatch(ready.bare)
    if match is None or not match["number"].strip("0"):
        return None
    if match["suffix"] and not _is_symbol(match):
        return None
    start = match.start("number")
    end = max(match.end(name) for name in ("number", "year", "suffix", "kind", "of"))
    return AskedDocument(_written(ready.shown[start:end]), _day(match, today))


def _is_symbol(match: re.Match[str]) -> bool:
    """Tell whether what stands behind a number is a document's symbol, and no word as in "2-xong"."""
    joined = match.string[match.end("number") : match.start("suffix")].strip()
    first = re.split(r"\W+|_", match["suffix"])[0]
    return first in _KINDS or (joined == "/" and first not in _NO_SYMBOLS)


def _written(words: str) -> str:
    """Return a number as documents write it: "12 bc-skhcn" is "12/BC-SKHCN"."""
    joined = re.sub(r"\s*([/_-])\s*", r"\1", words.strip().replace("–", "-"))
    joined = re.sub(r"^(\d+)[ _]?(?=[^\W\d])(?![a-dA-D]/)", r"\1/", joined)
    if joined == joined.lower():
        joined = joined.upper().replace("/TTR", "/TTr")
    return joined.replace("_", "-").replace(" ", "")


def _day(match: re.Match[str], today: date) -> date | None:
    if match["word"]:
        return today if match["word"].endswith("nay") else date.fromordinal(today.toordinal() - 1)
    day, month, year = match["day"], match["month"], match["of_year"]
    if match["iso"]:
        day, month, year = match["iso_day"], match["iso_month"], match["iso"]
    if day is None:
        return None
    if year is not None:
        years = [int(year) if len(year) == 4 else 2000 + int(year)]
    else:
        years = [today.year, today.year - 1]
    for each in years:
        try:
            found = date(each, int(month), int(day))
        except ValueError:
            continue
        if found <= today and (year is not None or (today - found).days <= _LONGEST_AGO):
            return found
    return None
