"""Pages of obligations, replies and decisions; every page in its order, and the writing of them.

Guarantees:
- Persons appear by name alone; no chat, address, sender id or code is exported.
- A reply that was taken back is exported too, marked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from data.exports.page import (
    OBLIGATION_COLUMNS,
    PERSON_COLUMN,
    PLAN_COLUMN,
    ExportColumn,
    ExportPage,
    ExportScope,
    join_obligation,
    make_query_page,
)
from data.exports.registry_pages import REGISTRY_PAGES
from data.exports.request_pages import REQUEST_PAGES
from data.exports.writers import Sink
from data.models import (
    Assignment,
    Decision,
    Obligation,
    Person,
    Plan,
    ReportDuty,
    StatusReply,
    Task,
)
from data.registry.titles import obligation_title
from data.sheets.labels import (
    DECISION_LABELS,
    KIND_LABELS,
    PROGRESS_LABELS,
    REPLY_LABELS,
    STATE_LABELS,
)

_PROGRESS_EVERY = 5000  # rows

_OBLIGATIONS = make_query_page(
    "obligations",
    "Nhiệm vụ phải thực hiện",
    (
        *OBLIGATION_COLUMNS,
        ExportColumn("title", "Nội dung", 50, read=obligation_title),
        ExportColumn("kind", "Loại", 16, Obligation.kind, KIND_LABELS),
        ExportColumn("due_on", "Hạn", 14, Obligation.due_on),
        ExportColumn("due_words", "Hạn theo văn bản", 28, Obligation.due_words),
        ExportColumn("due_proposed", "Hạn dự kiến", 14, Obligation.due_proposed),
        ExportColumn("extended_to", "Gia hạn đến", 14, Obligation.extended_to),
        ExportColumn("state", "Tình trạng", 16, Obligation.state, STATE_LABELS),
        ExportColumn("percent", "%", 6, Obligation.percent),
        ExportColumn("progress", "Tiến độ", 12, Obligation.progress, PROGRESS_LABELS),
        ExportColumn("blocked_at", "Báo khó khăn, vướng mắc lúc", 17, Obligation.blocked_at),
        ExportColumn("disputed_at", "Đề nghị xem lại lúc", 17, Obligation.disputed_at),
        ExportColumn(
            "extension_asked_at", "Đề nghị gia hạn lúc", 17, Obligation.extension_asked_at
        ),
        ExportColumn("returned_at", "Trả lại lúc", 17, Obligation.returned_at),
        ExportColumn("acknowledged_until", "Đã nhận, đến", 14, Obligation.acknowledged_until),
        ExportColumn("submitted_at", "Báo cáo hoàn thành lúc", 17, Obligation.submitted_at),
        ExportColumn("done_on", "Ngày hoàn thành", 14, Obligation.done_on),
        ExportColumn("confirmed_at", "Xác nhận lúc", 17, Obligation.confirmed_at),
        ExportColumn("confirmed_by", "Người xác nhận", 24, Obligation.confirmed_by),
    ),
    lambda query: (
        join_obligation(query)
        .outerjoin(ReportDuty, ReportDuty.id == Obligation.duty_id)
        .outerjoin(Assignment, Assignment.id == Obligation.assignment_id)
        .outerjoin(Task, Task.id == Assignment.task_id)
        .order_by(Obligation.id)
    ),
    source=lambda _scope, row: row,
    source_columns=(
        Task.title.label("task_title"),
        ReportDuty.title.label("duty_title"),
        ReportDuty.frequency,
    ),
)

_undo = aliased(StatusReply)
_undone = select(_undo.id).where(_undo.undoes_id == StatusReply.id).exists()
_REPLIES = make_query_page(
    "replies",
    "Câu trả lời",
    (
        *OBLIGATION_COLUMNS,
        ExportColumn("reply", "Số câu", 10, StatusReply.id),
        ExportColumn("said_at", "Lúc", 17, StatusReply.said_at),
        ExportColumn("said", "Trả lời", 18, StatusReply.said, REPLY_LABELS),
        ExportColumn("percent", "%", 6, StatusReply.percent),
        ExportColumn("until", "Đến ngày", 14, StatusReply.until),
        ExportColumn("document", "Số văn bản", 20, StatusReply.document),
        ExportColumn("document_on", "Ngày văn bản", 14, StatusReply.document_on),
        ExportColumn("note", "Ghi chú", 50, StatusReply.note),
        PERSON_COLUMN,
        ExportColumn("undone", "Đã rút lại", 10, _undone),
        ExportColumn("undoes", "Rút lại câu số", 10, StatusReply.undoes_id),
    ),
    lambda query: (
        join_obligation(query, StatusReply, StatusReply.agency_id)
        .outerjoin(Person, Person.id == StatusReply.person_id)
        .order_by(StatusReply.id)
    ),
)


def _decision_day(details: dict[str, Any]) -> date | None:
    days = (details.get(key) for key in ("until", "due_on", "since", "on"))
    return next((date.fromisoformat(day) for day in days if day), None)


_DECISIONS = make_query_page(
    "decisions",
    "Quyết định",
    (
        PLAN_COLUMN,
        ExportColumn("subject", "Mã", 10, Decision.subject),
        ExportColumn("kind", "Quyết định", 24, Decision.kind, DECISION_LABELS),
        ExportColumn(
            "obligation", "Số nhiệm vụ", 10, read=lambda details: details.get("obligation")
        ),
        ExportColumn(
            "agency_code",
            "Mã cơ quan",
            20,
            read=lambda details: details.get("agency") or details.get("agencies"),
        ),
        ExportColumn("replaces", "Thay cho", 14, read=lambda details: details.get("replaces")),
        ExportColumn("period", "Kỳ", 10, read=lambda details: details.get("period")),
        ExportColumn("until", "Ngày", 14, read=_decision_day),
        ExportColumn(
            "reason",
            "Lý do, nội dung",
            50,
            read=lambda details: details.get("reason") or details.get("words"),
        ),
        ExportColumn("document", "Số văn bản", 20, read=lambda details: details.get("document")),
        ExportColumn("decided_at", "Lúc", 17, Decision.decided_at),
        ExportColumn("decided_by", "Cơ quan quyết định", 32, Decision.decided_by),
        PERSON_COLUMN,
    ),
    # The join leaves out decisions without a plan: offers of handover codes, which are about persons.
    lambda query: (
        query.select_from(Decision)
        .join(Plan, Plan.code == Decision.plan_code)
        .outerjoin(Person, Person.id == Decision.person_id)
        .order_by(Decision.id)
    ),
    source=lambda _scope, row: row.details,
    source_columns=(Decision.details,),
)

EXPORT_PAGES: tuple[ExportPage, ...] = (
    *REGISTRY_PAGES,
    _OBLIGATIONS,
    _REPLIES,
    _DECISIONS,
    *REQUEST_PAGES,
)


async def write_pages(
    scope: ExportScope, sink: Sink, report_progress: Callable[[str], None] = lambda words: None
) -> dict[str, int]:
    """Write every page to a sink and close it; returns how many rows each had, by the page's key."""
    counts: dict[str, int] = {}
    for page in EXPORT_PAGES:
        sink.begin(page)
        count = 0
        async for values in page.rows(scope):
            sink.add(values)
            count += 1
            if count % _PROGRESS_EVERY == 0:
                report_progress(f"Đang xuất: {page.title}, {count} dòng")
        counts[page.key] = count
    report_progress("Đang ghi tệp")
    sink.close()
    return counts
