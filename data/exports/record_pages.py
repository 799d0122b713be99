"""Everything remembered as pages of an export: what is owed, said and decided; and the whole of an export.

Promises nothing that leads to somebody: persons stand by name alone, as in /lichsu, and one who was
erased not at all; no chat, no address, no sender, no code. What was taken back is there, marked. Reads
only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Executable, select
from sqlalchemy.orm import aliased

from data.exports.page import (
    OBLIGATION_COLUMNS,
    PERSON_COLUMN,
    PLAN_COLUMN,
    ExportColumn,
    ExportPage,
    ExportScope,
    make_query_page,
    select_obligation_columns,
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

_TELL_EVERY = 5000  # rows


def _obligations(scope: ExportScope) -> Executable:
    owed = Obligation
    return (
        select_obligation_columns(
            owed,
            owed.agency_id,
            *(owed.kind, owed.due_on, owed.due_words, owed.due_proposed, owed.extended_to),
            *(owed.state, owed.percent, owed.progress, owed.blocked_at, owed.disputed_at),
            *(owed.extension_asked_at, owed.returned_at, owed.acknowledged_until),
            *(owed.submitted_at, owed.done_on, owed.confirmed_at, owed.confirmed_by),
            Task.title.label("task_title"),
            ReportDuty.title.label("duty_title"),
            ReportDuty.frequency,
        )
        .outerjoin(ReportDuty, ReportDuty.id == owed.duty_id)
        .outerjoin(Assignment, Assignment.id == owed.assignment_id)
        .outerjoin(Task, Task.id == Assignment.task_id)
        .where(scope.plans())
        .order_by(owed.id)
    )


def _obligation(scope: ExportScope, row: Any) -> Sequence[Any]:
    values = tuple(row)
    subject, rest = values[: len(OBLIGATION_COLUMNS)], values[len(OBLIGATION_COLUMNS) : -3]
    return (*subject, obligation_title(row), *rest)


def _replies(scope: ExportScope) -> Executable:
    said, undoing = StatusReply, aliased(StatusReply)
    undone = select(undoing.id).where(undoing.undoes_id == said.id).exists()
    return (
        select_obligation_columns(
            said,
            said.agency_id,
            *(said.id, said.said_at, said.said, said.percent, said.until, said.document),
            *(said.document_on, said.note, Person.name, undone, said.undoes_id),
        )
        .outerjoin(Person, Person.id == said.person_id)
        .where(scope.plans())
        .order_by(said.id)
    )


def _decisions(scope: ExportScope) -> Executable:
    # Those without a plan are codes that were offered: of people, and not of what is owed.
    return (
        select(
            Plan.code.label("plan"),
            Decision.subject,
            Decision.kind,
            Decision.details,
            Decision.decided_at,
            Decision.decided_by,
            Person.name.label("person"),
        )
        .join(Plan, Plan.code == Decision.plan_code)
        .outerjoin(Person, Person.id == Decision.person_id)
        .where(scope.plans())
        .order_by(Decision.id)
    )


def _decision(scope: ExportScope, row: Any) -> Sequence[Any]:
    said = row.details
    day = next((said[key] for key in ("until", "due_on", "since", "on") if said.get(key)), None)
    return (
        row.plan,
        row.subject,
        row.kind,
        said.get("obligation"),
        said.get("agency") or said.get("agencies"),
        said.get("replaces"),
        said.get("period"),
        date.fromisoformat(day) if day else None,
        said.get("reason") or said.get("words"),
        said.get("document"),
        row.decided_at,
        row.decided_by,
        row.person,
    )


EXPORT_PAGES: tuple[ExportPage, ...] = (
    *REGISTRY_PAGES,
    make_query_page(
        "obligations",
        "Việc phải làm",
        (
            *OBLIGATION_COLUMNS,
            ExportColumn("title", "Nội dung", 50),
            ExportColumn("kind", "Loại", 16, KIND_LABELS),
            ExportColumn("due_on", "Hạn"),
            ExportColumn("due_words", "Hạn theo văn bản", 28),
            ExportColumn("due_proposed", "Hạn dự kiến"),
            ExportColumn("extended_to", "Gia hạn đến"),
            ExportColumn("state", "Tình trạng", 16, STATE_LABELS),
            ExportColumn("percent", "%", 6),
            ExportColumn("progress", "Tiến độ", 12, PROGRESS_LABELS),
            ExportColumn("blocked_at", "Báo vướng mắc lúc", 17),
            ExportColumn("disputed_at", "Đề nghị xem lại lúc", 17),
            ExportColumn("extension_asked_at", "Xin gia hạn lúc", 17),
            ExportColumn("returned_at", "Trả lại lúc", 17),
            ExportColumn("acknowledged_until", "Đã nhận, đến"),
            ExportColumn("submitted_at", "Báo xong lúc", 17),
            ExportColumn("done_on", "Ngày xong"),
            ExportColumn("confirmed_at", "Xác nhận lúc", 17),
            ExportColumn("confirmed_by", "Người xác nhận", 24),
        ),
        _obligations,
        _obligation,
    ),
    make_query_page(
        "replies",
        "Câu trả lời",
        (
            *OBLIGATION_COLUMNS,
            ExportColumn("reply", "Số câu", 10),
            ExportColumn("said_at", "Lúc", 17),
            ExportColumn("said", "Trả lời", 18, REPLY_LABELS),
            ExportColumn("percent", "%", 6),
            ExportColumn("until", "Đến ngày"),
            ExportColumn("document", "Số văn bản", 20),
            ExportColumn("document_on", "Ngày văn bản"),
            ExportColumn("note", "Ghi chú", 50),
            PERSON_COLUMN,
            ExportColumn("undone", "Đã rút lại", 10),
            ExportColumn("undoes", "Rút lại câu số", 10),
        ),
        _replies,
    ),
    make_query_page(
        "decisions",
        "Quyết định",
        (
            PLAN_COLUMN,
            ExportColumn("subject", "Mã", 10),
            ExportColumn("kind", "Quyết định", 24, DECISION_LABELS),
            ExportColumn("obligation", "Số việc", 10),
            ExportColumn("agency_code", "Mã cơ quan", 20),
            ExportColumn("replaces", "Thay cho", 14),
            ExportColumn("period", "Kỳ", 10),
            ExportColumn("until", "Ngày"),
            ExportColumn("reason", "Lý do, nội dung", 50),
            ExportColumn("document", "Số văn bản", 20),
            ExportColumn("decided_at", "Lúc", 17),
            ExportColumn("decided_by", "Cơ quan quyết định", 32),
            PERSON_COLUMN,
        ),
        _decisions,
        _decision,
    ),
    *REQUEST_PAGES,
)


async def write_pages(
    scope: ExportScope, sink: Sink, report_progress: Callable[[str], None] = lambda words: None
) -> dict[str, int]:
    """Write every page to a sink and close it; returns how many rows each had, by the page's key.

    tell: is given words about how far it has come, now and then.
    """
    counts: dict[str, int] = {}
    for page in EXPORT_PAGES:
        sink.begin(page)
        count = 0
        async for values in page.rows(scope):
            sink.add(values)
            count += 1
            if count % _TELL_EVERY == 0:
                report_progress(f"Đang xuất: {page.title}, {count} dòng")
        counts[page.key] = count
    report_progress("Đang ghi tệp")
    sink.close()
    return counts
