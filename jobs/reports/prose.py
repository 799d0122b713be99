"""Texts of reports and letters: their Jinja environment, and the paragraphs that a text is made of.

A line of a text is a paragraph. Its beginning says which: "# ", "## " and "### " are headings, "@name words" is
of another style, "@table name" stands for a table. What stands between ⟦ and ⟧ is left for a person to write.

Guarantees: values are data. They stay on one line, and never begin a heading nor a blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from data.text import collapse_whitespace
from jobs.rendering.dates import full_date
from jobs.rendering.environment import padded, upper_first
from jobs.reports.agency_lists import name_agencies, name_or_count, name_speakers
from jobs.reports.letterhead import official_long_date

TEXTS = Path(__file__).parents[2] / "templates" / "report"
BLANK = re.compile("⟦(.+?)⟧")
# Characters that XML 1.0 cannot hold (section 2.2), and marks that reverse the direction of writing.
_UNFIT = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)
_BLANKS = re.compile(r"\s+")
_SPACED = re.compile(r" +([,;.:)])")  # what a phrase that was left out leaves behind
_GAP = "\u00a0" * 7  # where a number or a day is written by hand; "␣" in a text
_NO_BLANK = str.maketrans("⟦⟧␣", "[] ")
_HEADINGS = {"#": "MucLon", "##": "MucNho", "###": "MucChu"}
# Words that begin a name and keep their capital in the middle of a sentence.
_NAMES = ("Sở", "Bộ", "Ban", "Cục", "Ủy", "UBND", "Thủ", "Chính", "Tỉnh", "Kế", "Nghị", "Quyết")
_NUMBER = re.compile(r"(?<![\d.,])\d+\.\d+(?![\d.])")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph and its style; style "table": words name a table."""

    style: str
    words: str


def fit(value: Any) -> Any:
    """Return a value as a document can hold it: words on one line, without unfit characters or marks."""
    if isinstance(value, str):
        # type(value): words that a filter escaped stay marked as escaped.
        return type(value)(_BLANKS.sub(" ", _UNFIT.sub("", value)).translate(_NO_BLANK))
    return "" if value is None else value


def read_paragraphs(name: str, context: dict[str, Any]) -> list[Paragraph]:
    """Return the paragraphs of a text of templates/report, filled in."""
    text = _environment().get_template(name).render(context)
    return list(_paragraphs(text))


def _paragraphs(text: str) -> Iterator[Paragraph]:
    for line in text.split("\n"):
        words = _SPACED.sub(r"\1", collapse_whitespace(line)).replace("␣", _GAP)
        if not words:
            continue
        opening, _, rest = words.partition(" ")
        if opening in _HEADINGS:
            yield Paragraph(_HEADINGS[opening], rest)
        elif opening.startswith("@"):
            yield Paragraph(opening[1:], rest)
        else:
            yield Paragraph("Than", words)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEXTS),
        autoescape=False,  # noqa: S701  # no markup: word_file escapes every text
        undefined=StrictUndefined,
        finalize=fit,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        dem=padded,
        ngay=full_date,
        ngay_dai=official_long_date,
        ten=name_agencies,
        ten_hoac_so=name_or_count,
        ai_noi=name_speakers,
        loi=reported_words,
        hoa=upper_first,
    )
    return environment


def reported_words(words: str) -> str:
    """Return people's words as reported speech: one sentence end fewer, the first letter lowered."""
    told = collapse_whitespace(words).rstrip(" .;,")
    first = told.split(" ", 1)[0].rstrip(",:;")
    if first in _NAMES or (not first[1:].islower() and len(first) > 1):
        return told
    return told[:1].lower() + told[1:]


def percent_text(count: int, total: int) -> str:
    """Return a share in per cent with one decimal and a comma: "33,3"; "–" of nothing."""
    if not total:
        return "–"
    tenths = (2000 * count + total) // (2 * total)  # halves go up, as people round
    return f"{tenths // 10},{tenths % 10}"


def with_comma(number: str) -> str:
    """Return words with the decimal comma that Vietnamese documents write, and no idle zeros."""
    return _NUMBER.sub(_comma, number)


def _comma(number: re.Match[str]) -> str:
    whole, _, tail = number[0].partition(".")
    tail = tail.rstrip("0")
    return f"{whole},{tail}" if tail else whole


def day_text(day: date | None) -> str:
    """Return a day as tables have it, both parts padded: "05/03/2026"; "–" for none."""
    return f"{day:%d/%m/%Y}" if day else "–"
