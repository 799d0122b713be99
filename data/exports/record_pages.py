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

from data.exports.page import ABOUT, PERSON, PLAN, Field, Page, Scope, about, page_of
from data.exports.registry_pages import REGISTRY_PAGES
from data.exports.request_pages import ASKED_PAGES
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
from data.registry.titles import title_of
from data.sheets.labels import DECIDED, KINDS, PROGRESS, SAID, STATES

_TELL_EVERY = 5000  # rows


def _obligations(scope: Scope) -> Executable:
    owed = Obligation
    return (
        about(
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


def _obligation(scope: Scope, row: Any) -> Sequence[Any]:
    values = tuple(row)
    subject, rest = values[: len(ABOUT)], values[len(ABOUT) : -3]
    return (*subject, title_of(row), *rest)


def _replies(scope: Scope) -> Executable:
    said, undoing = StatusReply, aliased(StatusReply)
    undone = select(undoing.id).where(undoing.undoes_id == said.id).exists()
    return (
        about(
            said,
            said.agency_id,
            *(said.id, said.said_at, said.said, said.percent, said.until, said.document),
            *(said.document_on, said.note, Person.name, undone, said.undoes_id),
        )
        .outerjoin(Person, Person.id == said.person_id)
        .where(scope.plans())
        .order_by(said.id)
    )


def _decisions(scope: Scope) -> Executable:
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


def _decision(scope: Scope, row: Any) -> Sequence[Any]:
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


PAGES: tuple[Page, ...] = (
    *REGISTRY_PAGES,
    page_of(
        "obligations",
        "Việc phải làm",
        (
            *ABOUT,
            Field("title", "Nội dung", 50),
            Field("kind", "Loại", 16, KINDS),
            Field("due_on", "Hạn"),
            Field("due_words", "Hạn theo văn bản", 28),
            Field("due_proposed", "Hạn dự kiến"),
            Field("extended_to", "Gia hạn đến"),
            Field("state", "Tình trạng", 16, STATES),
            Field("percent", "%", 6),
            Field("progress", "Tiến độ", 12, PROGRESS),
            Field("blocked_at", "Báo vướng mắc lúc", 17),
            Field("disputed_at", "Đề nghị xem lại lúc", 17),
            Field("extension_asked_at", "Xin gia hạn lúc", 17),
            Field("returned_at", "Trả lại lúc", 17),
            Field("acknowledged_until", "Đã nhận, đến"),
            Field("submitted_at", "Báo xong lúc", 17),
            Field("done_on", "Ngày xong"),
            Field("confirmed_at", "Xác nhận lúc", 17),
            Field("confirmed_by", "Người xác nhận", 24),
        ),
        _obligations,
        _obligation,
    ),
    page_of(
        "replies",
        "Câu trả lời",
        (
            *ABOUT,
            Field("reply", "Số câu", 10),
            Field("said_at", "Lúc", 17),
            Field("said", "Trả lời", 18, SAID),
            Field("percent", "%", 6),
            Field("until", "Đến ngày"),
            Field("document", "Số văn bản", 20),
            Field("document_on", "Ngày văn bản"),
            Field("note", "Ghi chú", 50),
            PERSON,
            Field("undone", "Đã rút lại", 10),
            Field("undoes", "Rút lại câu số", 10),
        ),
        _replies,
    ),
    page_of(
        "decisions",
        "Quyết định",
        (
            PLAN,
            Field("subject", "Mã", 10),
            Field("kind", "Quyết định", 24, DECIDED),
            Field("obligation", "Số việc", 10),
            Field("agency_code", "Mã cơ quan", 20),
            Field("replaces", "Thay cho", 14),
            Field("period", "Kỳ", 10),
            Field("until", "Ngày"),
            Field("reason", "Lý do, nội dung", 50),
            Field("document", "Số văn bản", 20),
            Field("decided_at", "Lúc", 17),
            Field("decided_by", "Cơ quan quyết định", 32),
            PERSON,
        ),
        _decisions,
        _decision,
    ),
    *ASKED_PAGES,
)


async def write_pages(
    scope: Scope, sink: Sink, tell: Callable[[str], None] = lambda words: None
) -> dict[str, int]:
    """Write every page to a sink and close it; returns how many rows each had, by the page's key.

    tell: is given words about how far it has come, now and then.
    """
    counts: dict[str, int] = {}
    for page in PAGES:
        sink.begin(page)
        count = 0
        async for values in page.rows(scope):
            sink.add(values)
            count += 1
            if count % _TELL_EVERY == 0:
                tell(f"Đang xuất: {page.title}, {count} dòng")
        counts[page.key] = count
    tell("Đang ghi tệp")
    sink.close()
    return counts
