"""Lines of a list of obligations, as facts that templates show; one shape for reminders and answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.db.statements import chunks
from data.models import (
    Agency,
    Assignment,
    DutyForm,
    MessageItem,
    Obligation,
    Plan,
    ReportDuty,
    Task,
)
from data.progress.extensions import granted_count
from data.registry.titles import AD_HOC, first_receiver, obligation_title
from data.registry.workdays import Workdays
from data.rows import row_fields
from data.rules.ladder import UNDATED, effective_due, was_due_before
from data.rules.states import left_and_late, official_days_left

Item = dict[str, Any]

_COPIED = (
    *("id", "code", "kind", "period", "plan_code", "plan_number"),
    *("state", "percent", "progress"),
)  # of a row

_OWNER, _COORDINATOR = aliased(Agency), aliased(Agency)
_FORMS = (
    select(func.aggregate_strings(DutyForm.name, ", "))
    .where(DutyForm.duty_id == Obligation.duty_id, DutyForm.removed_at.is_(None))
    .correlate(Obligation)
    .scalar_subquery()
)
# Built once: building so wide a statement takes longer than running it.
_LINES = (
    select(
        Obligation.id, Obligation.kind, Obligation.code, Obligation.period, Obligation.state,
        Obligation.due_on, Obligation.due_words, Obligation.due_proposed, Obligation.extended_to,
        Obligation.base_on, Obligation.judged_on, Obligation.done_on, Obligation.returned_at,
        Obligation.percent, Obligation.progress, Obligation.acknowledged_until,
        Plan.code.label("plan_code"),
        Plan.number.label("plan_number"),
        Plan.issued_on.label("plan_issued_on"),
        Plan.short.label("plan_short"),
        Plan.tracked_from,
        ReportDuty.clause,
        ReportDuty.title.label("duty_title"),
        ReportDuty.frequency,
        ReportDuty.receiver,
        ReportDuty.via,
        Task.title.label("task_title"),
        _OWNER.code.label("owner_code"),
        _OWNER.name.label("owner_name"),
        _OWNER.short.label("owner_short"),
        _COORDINATOR.name.label("coordinator_name"),
        _COORDINATOR.short.label("coordinator_short"),
        _FORMS.label("forms"),
    )
    .join(Plan, Plan.id == Obligation.plan_id)
    .join(_OWNER, _OWNER.id == Obligation.agency_id)
    .outerjoin(_COORDINATOR, _COORDINATOR.id == Plan.coordinator_id)
    .outerjoin(ReportDuty, ReportDuty.id == Obligation.duty_id)
    .outerjoin(Assignment, Assignment.id == Obligation.assignment_id)
    .outerjoin(Task, Task.id == Assignment.task_id)
)  # fmt: skip
_LINE_COLUMNS = set(_LINES.selected_columns)
_BY_ID = _LINES.add_columns(
    *(column for column in Obligation.__table__.columns if column not in _LINE_COLUMNS),
    Plan.province,
    Plan.coordinator_id,
    granted_count().label("granted"),
).where(Obligation.id.in_(bindparam("ids", expanding=True)))
_LISTED = (
    _LINES.add_columns(
        MessageItem.message_id, MessageItem.position, MessageItem.rung.label("told_rung")
    )
    .join(MessageItem, MessageItem.obligation_id == Obligation.id)
    .where(MessageItem.message_id.in_(bindparam("message_ids", expanding=True)))
    .order_by(MessageItem.message_id, MessageItem.position)
)


async def load_obligation_rows(
    connection: AsyncConnection, obligation_ids: Sequence[int]
) -> dict[int, Any]:
    """Return the columns that a line needs, by obligation id."""
    by_id: dict[int, Any] = {}
    for ids in chunks(obligation_ids):
        rows = await connection.execute(_BY_ID, {"ids": ids})
        by_id.update({row.id: row for row in rows})
    return by_id


async def load_listed_rows(
    connection: AsyncConnection, message_ids: Sequence[int]
) -> dict[int, list[Row[Any]]]:
    """Return the same columns of the obligations that each message lists, in its order.

    position and told_rung are the message's own. One statement: the messages are few.
    """
    by_message: dict[int, list[Row[Any]]] = {message_id: [] for message_id in message_ids}
    if by_message:
        for row in await connection.execute(_LISTED, {"message_ids": message_ids}):
            by_message[row.message_id].append(row)
    return by_message


def build_item(
    row: Any, *, number: int, today: date, workdays: Workdays, for_agency: str | None = None
) -> Item:
    """Return the facts of one line.

    plan_short: what people call the plan, or ""; to: where a report goes first, or "".
    left, late: working days, one of them 0; see data.rules.states.official_days_left. for_agency: the code
    of the agency that reads it; another owner's name goes into succeeded_from. agency: the name of whose it is,
    set where its reader answers for several. forms: the names of the report's forms.
    """
    effective = effective_due(row.due_on, row.extended_to)
    ended = was_due_before(row.kind, effective, row.tracked_from)
    return {
        **row_fields(row, *_COPIED),
        "number": number,
        "title": obligation_title(row),
        "plan_short": row.plan_short or "",
        "to": first_receiver(row.receiver, row.via, row.coordinator_short or row.coordinator_name),
        "plan_issued": row.plan_issued_on.isoformat(),
        "due": effective.isoformat(),
        "due_words": "" if row.frequency == AD_HOC else row.due_words,
        "proposed": row.due_proposed,
        "extended": row.extended_to is not None,
        **left_and_late(official_days_left(row, today=today, workdays=workdays)),
        "ended": ended,
        "clause": row.clause or "",
        "forms": row.forms or "",
        "returned": row.returned_at is not None and row.state == "open",
        "owner": row.owner_name,
        "undecided": False,
        "agency": "",
        "succeeded_from": row.owner_name
        if for_agency is not None and row.owner_code != for_agency
        else "",
    }


def count_items(items: Sequence[Item]) -> dict[str, int]:
    """Count a list's lines as ended, late, undated, due now or coming; each line once."""
    counts = {"ended": 0, "late": 0, "undated": 0, "now": 0, "coming": 0}
    for item in items:
        if item["ended"]:
            counts["ended"] += 1
        elif item["late"]:
            counts["late"] += 1
        elif item["kind"] == UNDATED:
            counts["undated"] += 1
        else:
            counts["coming" if item["left"] else "now"] += 1
    return counts


def line_key(row: Any, due_on: date) -> tuple[Any, ...]:
    """Return what the obligations of one line share; several agencies may owe the same line.

    due_on: the effective due date.
    """
    # All undated tasks of a plan are one line, since nobody passes on each of them.
    subject = UNDATED if row.kind == UNDATED else row.code
    return row.plan_code, subject, row.period, due_on
