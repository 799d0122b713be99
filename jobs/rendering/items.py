"""The lines of a list of obligations, as facts that templates show.

Promises one shape for reminders and answers alike: number, code, title, due date in the document's
words, working days left or late, the clause it rests on. Reads only; words live in templates.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.db.statements import chunks
from data.models import Agency, Assignment, MessageItem, Obligation, Plan, ReportDuty, Task
from data.registry.titles import AD_HOC, obligation_title
from data.registry.workdays import Workdays
from data.rows import row_fields
from data.rules.ladder import UNDATED, effective_due
from data.rules.states import left_and_late, official_days_left

Item = dict[str, Any]

_COPIED = (
    *("id", "code", "kind", "period", "plan_code", "plan_number"),
    *("state", "percent", "progress"),
)  # of a row

_OWNER, _COORDINATOR = aliased(Agency), aliased(Agency)
# Made once: building so wide a statement takes longer than running it.
_LINES = (
    select(
        Obligation.id, Obligation.kind, Obligation.code, Obligation.period, Obligation.state,
        Obligation.due_on, Obligation.due_words, Obligation.due_proposed, Obligation.extended_to,
        Obligation.base_on, Obligation.judged_on, Obligation.done_on, Obligation.returned_at,
        Obligation.percent, Obligation.progress, Obligation.acknowledged_until,
        Plan.code.label("plan_code"),
        Plan.number.label("plan_number"),
        Plan.issued_on.label("plan_issued_on"),
        Plan.tracked_from,
        ReportDuty.clause,
        ReportDuty.title.label("duty_title"),
        ReportDuty.frequency,
        Task.title.label("task_title"),
        _OWNER.code.label("owner_code"),
        _OWNER.name.label("owner_name"),
        _OWNER.short.label("owner_short"),
        _COORDINATOR.name.label("coordinator_name"),
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
    """Return what a line needs to know of each obligation, by id."""
    found: dict[int, Any] = {}
    for ids in chunks(obligation_ids):
        rows = await connection.execute(_BY_ID, {"ids": ids})
        found.update({row.id: row for row in rows})
    return found


async def load_listed_rows(
    connection: AsyncConnection, message_ids: Sequence[int]
) -> dict[int, list[Row[Any]]]:
    """Return the same of what each message lists, in its order, with its `position` and `told_rung`.

    Few messages: a statement holds them all.
    """
    found: dict[int, list[Row[Any]]] = {message_id: [] for message_id in message_ids}
    if found:
        for row in await connection.execute(_LISTED, {"message_ids": message_ids}):
            found[row.message_id].append(row)
    return found


def build_item(
    row: Any, *, number: int, today: date, workdays: Workdays, for_agency: str | None = None
) -> Item:
    """Return the facts of one line.

    left, late: working days, one of them 0; see data.rules.states.official_days_left. for_agency: the code
    of the agency that reads it, so that work it took over or another's is told as such.
    """
    effective = effective_due(row.due_on, row.extended_to)
    ended = row.kind == "phase_end" and row.due_on < row.tracked_from
    return {
        **row_fields(row, *_COPIED),
        "number": number,
        "title": obligation_title(row),
        "plan_issued": row.plan_issued_on.isoformat(),
        "due": effective.isoformat(),
        "due_words": "" if row.frequency == AD_HOC else row.due_words,
        "proposed": row.due_proposed,
        "extended": row.extended_to is not None,
        **left_and_late(official_days_left(row, today=today, workdays=workdays)),
        "ended": ended,
        "clause": row.clause or "",
        "returned": row.returned_at is not None and row.state == "open",
        "owner": row.owner_name,
        "undecided": False,
        "succeeded_from": row.owner_name
        if for_agency is not None and row.owner_code != for_agency
        else "",
    }


def count_items(items: Sequence[Item]) -> dict[str, int]:
    """Return how many of a list's lines are ended, late, undated, due now and coming; each counted once."""
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
    """Return what stands in one line, of however many agencies: one report, one task, or all undated ones.

    due_on: the effective due.
    """
    # What has no due date is one line, however many tasks: nobody is to pass on each of them.
    subject = UNDATED if row.kind == UNDATED else row.code
    return row.plan_code, subject, row.period, due_on
