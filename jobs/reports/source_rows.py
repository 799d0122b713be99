"""Rows that say what each line of a report rests on: which answer, whose, when; and what does not reconcile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from data.clock import civil_date
from data.reports.facts import AgencyLine, ReportFacts, TaskFacts
from jobs.reports.labels import SAID_WORDS, STATE_WORDS
from jobs.reports.sheets import ReportColumn

AUTOMATIC = "tự động"
_QUOTED = {
    "blocked": "khó khăn, vướng mắc",
    "dispute": "đề nghị xem lại",
    "extension": "lý do đề nghị gia hạn",
    "explanation": "giải trình",
    "proposal": "kiến nghị, đề xuất",
}

SOURCE_COLUMNS = (
    ReportColumn("place", "Vị trí trong báo cáo", 14),
    ReportColumn("text", "Nhiệm vụ, nội dung", 36),
    ReportColumn("agency", "Cơ quan", 20),
    ReportColumn("state", "Trạng thái", 14),
    ReportColumn("said", "Căn cứ", 10),
    ReportColumn("speaker", "Cơ quan trả lời", 20),
    ReportColumn("person", "Người trả lời", 14),
    ReportColumn("at", "Lúc", 15),
    ReportColumn("words", "Lời trả lời", 34),
    ReportColumn("document", "Văn bản", 13),
    ReportColumn("document_on", "Ngày văn bản", 11),
    ReportColumn("code", "Mã", 8),
)
DOUBT_COLUMNS = (
    ReportColumn("place", "Vị trí trong báo cáo", 14),
    ReportColumn("text", "Nhiệm vụ, nội dung", 36),
    ReportColumn("agency", "Cơ quan", 20),
    ReportColumn("doubt", "Điểm chưa khớp, cần kiểm tra", 60),
    ReportColumn("code", "Mã", 8),
)


@dataclass(frozen=True, slots=True)
class TaskPlace:
    """Where a task stands in a report: annex 1, by its number."""

    number: int
    task: TaskFacts

    def head(self) -> dict[str, Any]:
        """Return the values that all rows of the task share."""
        return {
            "place": f"Phụ lục 1, TT {self.number}",
            "text": self.task.text,
            "code": self.task.code,
        }


def line_sources(place: TaskPlace, lines: Sequence[AgencyLine]) -> Iterator[dict[str, Any]]:
    """Yield a row for each agency's line of a task that rests on an answer."""
    for line in lines:
        source = line.source
        if source is None:
            continue
        yield {
            **place.head(),
            "agency": line.agency,
            "state": STATE_WORDS[line.state],
            "said": SAID_WORDS.get(source.said, source.said),
            "speaker": source.agency,
            "person": source.person,
            "at": source.at,
            "words": source.note,
            "document": line.document,
            "document_on": line.document_on,
        }


def quote_sources(facts: ReportFacts) -> Iterator[dict[str, Any]]:
    """Yield a row for each quoted difficulty, reason and proposal."""
    for place, quotes in (("Mục III.3, IV", facts.difficulties), ("Mục VI", facts.proposals)):
        for quote in quotes:
            yield {
                "place": place,
                "agency": quote.agency,
                "said": _QUOTED.get(quote.kind, quote.kind),
                "speaker": quote.agency,
                "person": quote.person,
                "at": quote.at,
                "words": quote.words,
                "code": quote.code,
            }


def target_sources(facts: ReportFacts) -> Iterator[dict[str, Any]]:
    """Yield a row for each target that has a value or that agencies tell differently."""
    for number, target in enumerate(facts.targets, 1):
        if target.value is not None or target.source:
            yield {
                "place": f"Bảng 2, TT {number}",
                "text": target.text,
                "speaker": target.source,
                "said": "số liệu chỉ tiêu",
                "words": target.value or "các cơ quan báo khác nhau",
                "code": target.code,
            }


def line_doubts(
    place: TaskPlace, lines: Sequence[AgencyLine], facts: ReportFacts
) -> Iterator[dict[str, Any]]:
    """Yield a row for what a person should check before signing, line by line."""
    for line in lines:
        for doubt in _doubts_of(line, facts):
            yield {**place.head(), "agency": line.agency, "doubt": doubt}


def target_doubts(facts: ReportFacts) -> Iterator[dict[str, Any]]:
    """Yield a row for each target whose values differ between agencies."""
    for number, target in enumerate(facts.targets, 1):
        if target.value is None and target.source:
            yield {
                "place": f"Bảng 2, TT {number}",
                "text": target.text,
                "doubt": f"Các cơ quan báo số liệu khác nhau: {target.source}.",
                "code": target.code,
            }


def _doubts_of(line: AgencyLine, facts: ReportFacts) -> Iterator[str]:
    is_done = line.state in ("done_on_time", "done_late")
    source = line.source
    if is_done and not line.document:
        yield "Hoàn thành nhưng không có số văn bản kèm theo."
    if is_done and line.document and "/TTr" in line.document:
        yield f"Văn bản {line.document} là tờ trình; trình chưa phải hoàn thành nếu chưa được phê duyệt."
    if line.waiting:
        yield "Đã báo kết quả, chưa được xác nhận."
    if not is_done and not line.waiting and line.percent == 100:
        yield "Tỷ lệ 100% nhưng chưa báo hoàn thành."
    if line.document_on and line.document_on < facts.issued_on:
        yield f"Văn bản {line.document} có ngày trước ngày ban hành Kế hoạch."
    if source is None:
        return
    if line.document_on and line.document_on > civil_date(source.at):
        yield f"Văn bản {line.document} có ngày sau ngày báo cáo."
    if source.said == "confirmed":
        yield (
            "Được xác nhận tự động, không có câu trả lời."
            if source.agency == AUTOMATIC
            else "Được xác nhận, không có câu trả lời của cơ quan thực hiện."
        )
    elif source.agency != line.agency:
        yield f"Câu trả lời do {source.agency} đưa ra."
