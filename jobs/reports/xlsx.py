"""The state of plans as one spreadsheet that offices paste from: tasks, agencies' parts, sums, sources.

Guarantees:
- Columns 1-7 and 9 of a task are what an annex has, side by side; no cell is merged, dates are dates.
- Every agency's line has its source, and all sums reconcile.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from data.registry.titles import period_name
from data.reports.facts import AgencyLine, ReportFacts, TaskFacts, count_period
from data.reports.sums import find_sum_errors
from jobs.reports.annex_tables import section_number
from jobs.reports.docx import UnreconciledReport
from jobs.reports.labels import SILENT
from jobs.reports.report_context import figures_context
from jobs.reports.sheets import ReportColumn, ReportWorkbook, write_workbook
from jobs.reports.source_rows import (
    SOURCE_COLUMNS,
    TaskPlace,
    line_sources,
    quote_sources,
    target_sources,
)
from jobs.reports.status_rows import (
    AGENCY_COLUMNS,
    SECOND_PAGE,
    TASK_COLUMNS,
    agency_row,
    task_row,
)

Lines = Iterable[tuple[TaskFacts, Sequence[AgencyLine]]]
Progress = Callable[[int, int], None]
_Rows = Iterator[dict[str, Any]]

# No sign that a spreadsheet would take for the start of a formula.
_COMPARED = {">=": "≥", ">": ">", "=": "bằng", "<=": "≤", "<": "<", "range": "trong khoảng"}
_PLAN = ReportColumn("plan", "Kế hoạch", 18)
_SUMMARY_COLUMNS = (
    _PLAN,
    ReportColumn("title", "Nhóm nhiệm vụ", 50),
    ReportColumn("total", "Tổng số", 9),
    ReportColumn("done_on_time", "Hoàn thành đúng hạn", 12),
    ReportColumn("done_late", "Hoàn thành quá hạn", 12),
    ReportColumn("in_time", "Đang thực hiện trong hạn", 12),
    ReportColumn("overdue", "Đang thực hiện quá hạn", 12),
    ReportColumn("undated", "Thường xuyên, không xác định thời hạn", 14),
    ReportColumn("ended_before", "Hết thời gian thực hiện trước khi theo dõi", 14),
    ReportColumn("waiting", "Chờ xác nhận", 10),
    ReportColumn("unassigned", "Chưa xác định cơ quan", 10),
    ReportColumn("silent", "Nhiệm vụ chưa có báo cáo", 10),
    ReportColumn("rate", "% trên tổng số", 10),
    ReportColumn("rate_due", "% trên số đến hạn", 10),
    ReportColumn("period", "Kỳ", 16),
    ReportColumn("as_of", "Số liệu đến", 12),
    ReportColumn("estimate", "Số liệu", 10),
)
_DUTY_COLUMNS = (
    _PLAN,
    ReportColumn("title", "Báo cáo", 30),
    ReportColumn("due_on", "Thời hạn", 12),
    ReportColumn("expected", "Phải nhận", 10),
    ReportColumn("received", "Đã nhận", 10),
    ReportColumn("late", "Gửi sau thời hạn", 10),
    ReportColumn("missing_count", "Còn thiếu", 10),
    ReportColumn("missing", "Cơ quan còn thiếu", 80),
    ReportColumn("code", "Mã", 10, hidden=True),
)
_TARGET_COLUMNS = (
    _PLAN,
    ReportColumn("text", "Chỉ tiêu", 70),
    ReportColumn("year", "Năm", 8),
    ReportColumn("comparator", "So sánh", 9),
    ReportColumn("goal", "Mục tiêu", 12),
    ReportColumn("unit", "Đơn vị", 16),
    ReportColumn("value", "Kết quả", 12),
    ReportColumn("value_year", "Năm kết quả", 9),
    ReportColumn("met", "Đạt", 8),
    ReportColumn("source", "Nguồn", 40),
    ReportColumn("code", "Mã", 10, hidden=True),
)


def report_xlsx(
    plans: Sequence[tuple[ReportFacts, Lines]], *, progress: Progress | None = None
) -> bytes:
    """Return one spreadsheet of several plans.

    Raises UnreconciledReport where sums do not reconcile, those of the lines included. lines: read once,
    in the order of the tasks. Calls progress with (tasks written, tasks).
    """
    if reasons := [reason for facts, _ in plans for reason in find_sum_errors(facts)]:
        raise UnreconciledReport(reasons)
    out = io.BytesIO()
    every = [facts for facts, _ in plans]
    with write_workbook(out) as book:
        _write_lines(book, plans, progress)
        book.add_table("Nộp báo cáo", _DUTY_COLUMNS, _duty_rows(every))
        book.add_table("Chỉ tiêu", _TARGET_COLUMNS, _target_rows(every))
    return out.getvalue()


def _write_lines(
    book: ReportWorkbook,
    plans: Sequence[tuple[ReportFacts, Lines]],
    progress: Progress | None,
) -> None:
    """Write the sheets that need every agency's line, side by side, since lines are read once."""
    tasks = book.open_table("Nhiệm vụ", TASK_COLUMNS, second_page=SECOND_PAGE)
    agencies = book.open_table("Theo cơ quan", AGENCY_COLUMNS, second_page=SECOND_PAGE)
    every = [facts for facts, _ in plans]
    book.add_table("Tổng hợp", _SUMMARY_COLUMNS, _summary_rows(every))
    sources = book.open_table("Nguồn số liệu", SOURCE_COLUMNS)
    done, total = 0, sum(facts.figures.total for facts in every)
    for facts, lines in plans:
        if len(plans) > 1:
            tasks.write_group(f"Kế hoạch số {facts.number}", "text")
        proposals = _proposals(facts)
        counted, section = 0, None
        for number, (task, of_task) in enumerate(lines, 1):
            counted += _check_lines(task, of_task)
            if task.section != section and len(facts.sections) > 1:
                section = task.section
                tasks.write_group(_heading(facts, section), "text")
            words = proposals.get(task.code, [])
            tasks.write(task_row(facts, task, of_task, number=number, proposals=words))
            for line in of_task:
                agencies.write(agency_row(facts, task, line, number=number))
            for row in line_sources(TaskPlace(number, task), of_task):
                sources.write(row)
            done += 1
            if progress is not None:
                progress(done, total)
        if counted != facts.lines:
            raise UnreconciledReport([f"Có {counted} dòng cơ quan, số liệu là {facts.lines}."])
        for row in (*quote_sources(facts), *target_sources(facts)):
            sources.write(row)
    for table in (tasks, agencies, sources):
        table.close()


def _check_lines(task: TaskFacts, lines: Sequence[AgencyLine]) -> int:
    if len(lines) != task.parts.total:
        raise UnreconciledReport(
            [f"{task.code}: có {len(lines)} dòng, số liệu là {task.parts.total} cơ quan."]
        )
    return len(lines)


def _heading(facts: ReportFacts, section: str) -> str:
    number = next(index for index, each in enumerate(facts.sections) if each.title == section)
    return f"{section_number(number)}. {section or 'Các nhiệm vụ khác'}"


def _proposals(facts: ReportFacts) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for quote in facts.proposals:
        found.setdefault(quote.code, []).append(quote.words)
    return found


def _summary_rows(plans: Sequence[ReportFacts]) -> _Rows:
    for facts in plans:
        head = {
            "plan": facts.number,
            "as_of": facts.as_of,
            "estimate": "ước" if facts.is_estimate else "chính thức",
        }
        whole = figures_context(facts.current)
        yield {**head, "title": "Toàn kế hoạch", **whole, **_extra(list(facts.tasks), facts)}
        for section in facts.sections:
            if section.title:
                counts = figures_context(count_period(facts.period, section.tasks, section.figures))
                yield {**head, "title": section.title, **counts, **_extra(section.tasks, facts)}


def _extra(tasks: Sequence[TaskFacts], facts: ReportFacts) -> dict[str, Any]:
    return {
        "unassigned": sum(task.unassigned for task in tasks),
        "silent": sum(task.silent for task in tasks),
        "period": period_name(facts.period) or facts.period,
    }


def _duty_rows(plans: Sequence[ReportFacts]) -> _Rows:
    for facts in plans:
        for duty in facts.duties:
            yield {
                "plan": facts.number,
                "title": duty.title,
                "due_on": duty.due_on,
                "expected": duty.expected,
                "received": duty.received,
                "late": duty.late,
                "missing_count": len(duty.missing),
                "missing": "; ".join(duty.missing),
                "code": duty.code,
            }


def _target_rows(plans: Sequence[ReportFacts]) -> _Rows:
    for facts in plans:
        for target in facts.targets:
            yield {
                "plan": facts.number,
                "text": target.text,
                "year": target.year,
                "unit": target.unit,
                "value_year": target.value_year,
                "met": target.met,
                "source": target.source,
                "code": target.code,
                "comparator": _COMPARED.get(target.comparator or ""),
                "goal": _with_comma(target.goal),
                "value": _with_comma(target.value) or SILENT,
            }


def _with_comma(number: str | None) -> str | None:
    """Return a plain decimal, or two of them, with the comma that Vietnamese documents write."""
    return None if number is None else number.replace(".", ",")
