"""The notes that go with a report, as a spreadsheet: what each line rests on, what to check, what to write.

Guarantees: none of it stands in the signed text.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from data.reports.facts import AgencyLine, ReportFacts, TaskFacts
from jobs.reports.sheets import ReportColumn, write_workbook
from jobs.reports.source_rows import (
    DOUBT_COLUMNS,
    SOURCE_COLUMNS,
    TaskPlace,
    line_doubts,
    line_sources,
    quote_sources,
    target_doubts,
    target_sources,
)

_BLANK_COLUMNS = (
    ReportColumn("number", "STT", 6),
    ReportColumn("words", "Chỗ cần người viết hoặc kiểm tra", 100),
)


def report_notes(
    facts: ReportFacts,
    lines: Sequence[tuple[TaskFacts, Sequence[AgencyLine]]] | None,
    blanks: Sequence[str],
) -> bytes:
    """Return "Ghi chú đối soát" of a report; lines None: too many to read, quotes alone are told."""
    given = [(TaskPlace(number, task), own) for number, (task, own) in enumerate(lines or (), 1)]
    out = io.BytesIO()
    with write_workbook(out) as book:
        book.add_table("Nguồn số liệu", SOURCE_COLUMNS, _sources(facts, given))
        book.add_table("Cần kiểm tra", DOUBT_COLUMNS, _doubts(facts, given))
        book.add_table(
            "Cần bổ sung",
            _BLANK_COLUMNS,
            ({"number": number, "words": words} for number, words in enumerate(blanks, 1)),
        )
    return out.getvalue()


def _sources(
    facts: ReportFacts, given: Iterable[tuple[TaskPlace, Sequence[AgencyLine]]]
) -> Iterator[dict[str, Any]]:
    for place, own in given:
        yield from line_sources(place, own)
    yield from quote_sources(facts)
    yield from target_sources(facts)


def _doubts(
    facts: ReportFacts, given: Iterable[tuple[TaskPlace, Sequence[AgencyLine]]]
) -> Iterator[dict[str, Any]]:
    for place, own in given:
        yield from line_doubts(place, own, facts)
    yield from target_doubts(facts)
