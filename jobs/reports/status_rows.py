"""Rows of the status spreadsheet: a task with its agencies, and each agency's part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from data.reports.facts import AgencyLine, ReportFacts, TaskFacts
from jobs.rendering.dates import full_date
from jobs.reports.agency_lists import name_or_count
from jobs.reports.annex_tables import line_result, result_text, task_state
from jobs.reports.labels import ENDED_BEFORE, STATE_WORDS, UNASSIGNED, UNDATED
from jobs.reports.letterhead import issuer_of
from jobs.reports.prose import day_text, reported_words
from jobs.reports.sheets import ReportColumn

_MOST_WORDS = 3  # different reasons of one task
_STATES = (*STATE_WORDS.values(), UNDATED, ENDED_BEFORE, UNASSIGNED[:1].upper() + UNASSIGNED[1:])

# On paper in two halves beside each other, at most 130 units wide: letters of eight points and more.
SECOND_PAGE = "result"
TASK_COLUMNS = (
    ReportColumn("number", "STT", 5),
    ReportColumn("text", "Nội dung nhiệm vụ", 32),
    ReportColumn("given_by", "Văn bản giao (số, ngày, điều/mục)", 13),
    ReportColumn("agencies", "Cơ quan chủ trì", 16),
    ReportColumn("supports", "Cơ quan phối hợp", 13),
    ReportColumn("product", "Sản phẩm, kết quả yêu cầu", 10),
    ReportColumn("due_on", "Thời hạn theo văn bản", 10),
    ReportColumn("extended", "Thời hạn điều chỉnh (văn bản)", 10),
    ReportColumn("result", "Kết quả thực hiện (số, ngày văn bản; tóm tắt)", 26),
    ReportColumn("percent", "Tỷ lệ (%)", 6),
    ReportColumn("done_on", "Ngày hoàn thành", 10),
    ReportColumn("state", "Trạng thái", 11, choices=_STATES),
    ReportColumn("days_late", "Số ngày quá hạn", 6),
    ReportColumn("difficulties", "Khó khăn, nguyên nhân", 15),
    ReportColumn("proposals", "Đề xuất, kiến nghị", 13),
    ReportColumn("remarks", "Ghi chú", 7),
    ReportColumn("code", "Mã", 10, hidden=True),
)
AGENCY_COLUMNS = (ReportColumn("agency", "Cơ quan", 18), *TASK_COLUMNS)


def task_row(
    facts: ReportFacts,
    task: TaskFacts,
    lines: Sequence[AgencyLine],
    *,
    number: int,
    proposals: Sequence[str],
) -> dict[str, Any]:
    """Return a task's row; agencies beyond seven are counted, and stand on the second sheet."""
    done = task.parts.done_on_time + task.parts.done_late
    percents = [line.percent for line in lines if line.percent is not None]
    percent = round(100 * done / task.parts.total) if task.parts.total > 1 else None
    if task.parts.total == 1:
        percent = 100 if done else (percents[0] if percents else None)
    return {
        **_head(facts, task, number),
        "agencies": name_or_count([line.agency for line in lines]) or None,
        "due_on": _first_due(task, lines),
        "extended": _joined(_extended(line) for line in lines),
        "result": None if (told := result_text(task, lines)) == "–" else told,
        "percent": percent,
        "done_on": max((line.done_on for line in lines if line.done_on), default=None)
        if task.is_done
        else None,
        "state": task_state(task),
        "days_late": max((line.days_late for line in lines if line.is_overdue), default=0) or None,
        "difficulties": _joined(line.reason for line in lines),
        "proposals": _joined(proposals),
        "remarks": _remarks(lines),
    }


def agency_row(
    facts: ReportFacts, task: TaskFacts, line: AgencyLine, *, number: int
) -> dict[str, Any]:
    """Return the row of one agency's part of a task."""
    is_done = line.state in ("done_on_time", "done_late")
    state = STATE_WORDS[line.state]
    if line.ended_before:
        state = ENDED_BEFORE
    elif task.is_undated and line.state == "open_on_time":
        state = UNDATED
    return {
        **_head(facts, task, number),
        "agency": line.agency,
        "agencies": line.agency,
        "due_on": line.first_due_on or task.period or None,
        "extended": _extended(line),
        "result": line_result(line) or None,
        "percent": 100 if is_done else line.percent,
        "done_on": line.done_on,
        "state": state,
        "days_late": line.days_late or None if line.is_overdue else None,
        "difficulties": line.reason,
        "remarks": _remarks([line]),
    }


def _head(facts: ReportFacts, task: TaskFacts, number: int) -> dict[str, Any]:
    issuer = issuer_of(facts.number, facts.province).replace("Ủy ban nhân dân", "UBND")
    given_by = f"Kế hoạch số {facts.number} ngày {full_date(facts.issued_on)}"
    return {
        "number": number,
        "text": task.text,
        "given_by": f"{given_by}{f' của {issuer}' if issuer else ''}, mục {task.code}",
        "supports": "; ".join(task.supports) or None,
        "code": task.code,
    }


def _first_due(task: TaskFacts, lines: Sequence[AgencyLine]) -> date | str | None:
    """Return the date by the document where there is one, else the document's words."""
    dues = {line.first_due_on for line in lines if line.first_due_on}
    if len(dues) == 1:
        return dues.pop()
    return task.ends_on or task.period or None


def _extended(line: AgencyLine) -> str | None:
    if line.due_on is None or line.due_on == line.first_due_on:
        return None
    document = f" ({line.extension_document})" if line.extension_document else ""
    return f"{day_text(line.due_on)}{document}"


def _joined(words: Any) -> str | None:
    different = list(dict.fromkeys(reported_words(each) for each in words if each))
    more = f"; và {len(different) - _MOST_WORDS} ý khác" if len(different) > _MOST_WORDS else ""
    return "; ".join(different[:_MOST_WORDS]) + more if different else None


def _remarks(lines: Sequence[AgencyLine]) -> str | None:
    waiting = sum(line.waiting for line in lines)
    silent = sum(line.is_silent for line in lines)
    if len(lines) == 1:
        return "chờ xác nhận" if waiting else "chưa có báo cáo" if silent else None
    parts = [f"{waiting} cơ quan chờ xác nhận"] if waiting else []
    parts += [f"{silent} cơ quan chưa có báo cáo"] if silent else []
    return "; ".join(parts) or None
