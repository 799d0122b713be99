"""Consolidated reports as one spreadsheet: a summary, each plan's agency lines, reports, quotes, targets.

Guarantees: every agency's line has its source, and all sums reconcile.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from data.figures.states import Figures
from data.registry.titles import period_name
from data.reports.facts import AgencyLine, ReportFacts, TaskFacts
from data.reports.sums import find_sum_errors
from jobs.reports.docx import UnreconciledReport
from jobs.reports.labels import SAID_WORDS, SILENT, STATE_WORDS, UNASSIGNED
from jobs.reports.sheets import ReportColumn, write_workbook

Lines = Iterable[tuple[TaskFacts, Sequence[AgencyLine]]]
Progress = Callable[[int, int], None]
_Rows = Iterator[dict[str, Any]]

# No sign that a spreadsheet would take for the start of a formula.
_COMPARED = {">=": "≥", ">": ">", "=": "bằng", "<=": "≤", "<": "<", "range": "trong khoảng"}

_PLAN = ReportColumn("number", "Kế hoạch", 18)
_CODE = ReportColumn("code", "Mã", 10)
_PERSON = ReportColumn("person", "Người nói", 20)
_AT = ReportColumn("at", "Lúc", 17)
_SUMMARY_COLUMNS = (
    _PLAN,
    ReportColumn("coordinator", "Cơ quan theo dõi", 28),
    ReportColumn("period", "Kỳ", 20),
    ReportColumn("as_of", "Số liệu đến", 13),
    ReportColumn("estimate", "Số liệu", 10),
    ReportColumn("title", "Nhóm nhiệm vụ", 60),
    ReportColumn("total", "Tổng số", 9),
    *(ReportColumn(state, words, 14) for state, words in STATE_WORDS.items()),
    ReportColumn("waiting", "Chờ xác nhận", 10),
    ReportColumn("unassigned", "Chưa giao", 10),
    ReportColumn("lines", "Dòng cơ quan", 10),
    ReportColumn("silent", "Chưa báo cáo", 10),
)
_LINE_COLUMNS = (
    _CODE,
    ReportColumn("section", "Nhóm nhiệm vụ", 32),
    ReportColumn("text", "Nội dung nhiệm vụ", 60),
    ReportColumn("period", "Thời gian", 16),
    ReportColumn("agency", "Cơ quan", 32),
    ReportColumn("state", "Tình trạng", 26),
    ReportColumn("waiting", "Chờ xác nhận", 10),
    ReportColumn("percent", "Tiến độ (%)", 9),
    ReportColumn("due_on", "Hạn", 12),
    ReportColumn("done_on", "Ngày hoàn thành", 12),
    ReportColumn("document", "Văn bản", 20),
    ReportColumn("document_on", "Ngày văn bản", 12),
    ReportColumn("said", "Căn cứ", 16),
    ReportColumn("speaker", "Cơ quan nói", 28),
    _PERSON,
    _AT,
    ReportColumn("note", "Lời", 50),
)
_DUTY_COLUMNS = (
    _PLAN,
    _CODE,
    ReportColumn("title", "Báo cáo", 40),
    ReportColumn("due_on", "Hạn", 12),
    ReportColumn("expected", "Phải nhận", 10),
    ReportColumn("received", "Đã nhận", 10),
    ReportColumn("late", "Trong đó muộn", 10),
    ReportColumn("missing_count", "Còn thiếu", 10),
    ReportColumn("missing", "Cơ quan còn thiếu", 80),
)
_QUOTE_COLUMNS = (
    _PLAN,
    ReportColumn("kind", "Loại", 18),
    ReportColumn("agency", "Cơ quan", 32),
    _CODE,
    ReportColumn("words", "Lời", 90),
    _PERSON,
    _AT,
)
_TARGET_COLUMNS = (
    _PLAN,
    _CODE,
    ReportColumn("text", "Chỉ tiêu", 70),
    ReportColumn("year", "Năm", 8),
    ReportColumn("comparator", "So sánh", 9),
    ReportColumn("goal", "Mục tiêu", 12),
    ReportColumn("unit", "Đơn vị", 16),
    ReportColumn("value", "Kết quả", 12),
    ReportColumn("value_year", "Năm kết quả", 9),
    ReportColumn("met", "Đạt", 8),
    ReportColumn("source", "Nguồn", 40),
)
_SILENT_COLUMNS = (_PLAN, ReportColumn("agency", "Cơ quan chưa báo cáo gì trong kỳ", 50))


def report_xlsx(
    plans: Sequence[tuple[ReportFacts, Lines]], *, progress: Progress | None = None
) -> bytes:
    """Return one spreadsheet of several plans' reports.

    Raises UnreconciledReport where sums do not reconcile, those of the lines included. lines: read once,
    in the order of the tasks. Calls progress with (tasks written, tasks).
    """
    if reasons := [reason for facts, _ in plans for reason in find_sum_errors(facts)]:
        raise UnreconciledReport(reasons)
    out = io.BytesIO()
    every = [facts for facts, _ in plans]
    done, total = 0, sum(facts.figures.total for facts in every)
    with write_workbook(out) as book:
        book.add_table("Tổng hợp", _SUMMARY_COLUMNS, _summary_rows(every))
        for facts, lines in plans:
            rows = _line_rows(facts, lines, done=done, total=total, progress=progress)
            book.add_table(facts.number, _LINE_COLUMNS, rows)
            done += facts.figures.total
        book.add_table("Nộp báo cáo", _DUTY_COLUMNS, _duty_rows(every))
        book.add_table("Khó khăn, kiến nghị", _QUOTE_COLUMNS, _quote_rows(every))
        book.add_table("Chỉ tiêu", _TARGET_COLUMNS, _target_rows(every))
        book.add_table("Chưa báo cáo", _SILENT_COLUMNS, _silent_rows(every))
    return out.getvalue()


def _summary_rows(plans: Sequence[ReportFacts]) -> _Rows:
    for facts in plans:
        head = {
            **_fields(facts),
            "period": period_name(facts.period) or facts.period,
            "estimate": "ước" if facts.is_estimate else "chính thức",
        }
        yield {**head, "title": "Toàn kế hoạch", **_counts(facts.figures, list(facts.tasks))}
        for section in facts.sections:
            if section.title:
                counts = _counts(section.figures, section.tasks)
                yield {**head, "title": section.title, **counts}


def _counts(figures: Figures, tasks: Sequence[TaskFacts]) -> dict[str, int]:
    return {
        **figures.as_json(),
        "unassigned": sum(task.unassigned for task in tasks),
        "lines": sum(task.parts.total for task in tasks),
        "silent": sum(task.silent for task in tasks),
    }


def _line_rows(
    facts: ReportFacts, lines: Lines, *, done: int, total: int, progress: Progress | None
) -> _Rows:
    """Yield a plan's rows; raises UnreconciledReport where they differ from the figures."""
    counted = 0
    for number, (task, of_task) in enumerate(lines, 1):
        if len(of_task) != task.parts.total:
            raise UnreconciledReport(
                [f"{task.code}: có {len(of_task)} dòng, số liệu là {task.parts.total} cơ quan."]
            )
        counted += len(of_task)
        head = _fields(task)
        if not of_task:
            yield {**head, "state": UNASSIGNED}
        for line in of_task:
            yield {**head, **_line_row(line)}
        if progress is not None:
            progress(done + number, total)
    if counted != facts.lines:
        raise UnreconciledReport([f"Có {counted} dòng cơ quan, số liệu là {facts.lines}."])


def _line_row(line: AgencyLine) -> dict[str, Any]:
    row = {**_fields(line), "state": STATE_WORDS[line.state], "waiting": line.waiting or None}
    source = line.source
    if source is None:
        return {**row, "said": SILENT}
    said = SAID_WORDS.get(source.said, source.said)
    return {**_fields(source), **row, "said": said, "speaker": source.agency}


def _duty_rows(plans: Sequence[ReportFacts]) -> _Rows:
    for facts in plans:
        for duty in facts.duties:
            missing = {"missing_count": len(duty.missing), "missing": "; ".join(duty.missing)}
            yield {"number": facts.number, **_fields(duty), **missing}


def _quote_rows(plans: Sequence[ReportFacts]) -> _Rows:
    for facts in plans:
        for kind, quotes in (("Khó khăn", facts.difficulties), ("Kiến nghị", facts.proposals)):
            for quote in quotes:
                yield {"number": facts.number, "kind": kind, **_fields(quote)}


def _target_rows(plans: Sequence[ReportFacts]) -> _Rows:
    for facts in plans:
        for target in facts.targets:
            yield {
                "number": facts.number,
                **_fields(target),
                "comparator": _COMPARED.get(target.comparator or ""),
                "goal": _with_comma(target.goal),
                "value": _with_comma(target.value) or SILENT,
            }


def _silent_rows(plans: Sequence[ReportFacts]) -> _Rows:
    for facts in plans:
        for agency in facts.silent:
            yield {"number": facts.number, "agency": agency}


def _fields(record: Any) -> dict[str, Any]:
    """Return a dataclass's fields; dataclasses.asdict would copy their values too."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _with_comma(number: str | None) -> str | None:
    """Return a plain decimal, or two of them, with the comma that Vietnamese documents write."""
    return None if number is None else number.replace(".", ",")
