"""Decision log: record decisions, read the overrides for planning, lock the plan that they are about.

Guarantees: each decision is an append-only row, dated and attributed. The caller checks who may decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.models import Agency, Decision, Obligation, Plan
from data.rules.overrides import AssignmentOverride, Decisions, OpenedOccurrence, Overrides

AUTOMATIC_DECIDER = "tự động"

ASSIGN = "assign"
OPEN_DUTY = "open_duty"
CONFIRM_DATE = "confirm_date"
CONFIRM = "confirm"
EXPLAIN = "explain"
UNDO = "undo"  # of the decision whose id its details name


async def lock_plan(connection: AsyncConnection, plan_id: int) -> None:
    """Lock a plan until the caller's write transaction ends; call before reading what was decided on it.

    Who assigns its tasks, opens its reports, sets its dates or plans it takes this lock, before any on its
    obligations.
    """
    await connection.execute(
        select(Plan.id).where(Plan.id == plan_id).with_for_update(key_share=True)
    )


async def record_decision(
    connection: AsyncConnection,
    kind: str,
    *,
    plan_code: str,
    subject: str,
    details: Mapping[str, Any],
    person_id: int | None,
    decided_by: str,
    now: datetime,
) -> int:
    """Record one decision; returns its id. subject: the code of a task or duty.

    decided_by: the deciding agency, never a person's name; person_id names the person.
    """
    added = await connection.execute(
        insert(Decision)
        .values(
            kind=kind,
            plan_code=plan_code,
            subject=subject,
            details=dict(details),
            person_id=person_id,
            decided_by=decided_by[:120],
            decided_at=now,
        )
        .returning(Decision.id)
    )
    made: int = added.scalar_one()
    return made


async def count_decisions(
    connection: AsyncConnection, kind: str, *, plan_code: str, subject: str
) -> int:
    """Return how many decisions of a kind were ever made about a task or duty, undone ones too."""
    count = select(func.count()).select_from(Decision)
    about = (Decision.kind == kind, Decision.plan_code == plan_code, Decision.subject == subject)
    return await connection.scalar(count.where(*about)) or 0


def standing_condition() -> ColumnElement[bool]:
    """Return the condition on Decision that it was not undone."""
    undoing = aliased(Decision)
    undone = select(undoing.details["undoes"].as_integer()).where(undoing.kind == UNDO)
    return Decision.id.not_in(undone)


async def load_overrides(connection: AsyncConnection) -> Overrides:
    """Return the decisions that change what planning makes, oldest first."""
    rows = await connection.execute(
        select(Decision.kind, Decision.plan_code, Decision.subject, Decision.details)
        .where(Decision.kind.in_((ASSIGN, OPEN_DUTY, CONFIRM_DATE)), standing_condition())
        .order_by(Decision.id)
    )
    assigned: dict[tuple[str, str], list[AssignmentOverride]] = {}
    opened: dict[tuple[str, str], list[OpenedOccurrence]] = {}
    dates: dict[tuple[str, str, str], date] = {}
    for kind, plan_code, subject, details in rows:
        key = (plan_code, subject)
        if kind == ASSIGN:
            since = date.fromisoformat(details["since"])
            item = AssignmentOverride(details["replaces"], details["agency"], since)
            assigned.setdefault(key, []).append(item)
        elif kind == OPEN_DUTY:
            opened.setdefault(key, []).append(
                OpenedOccurrence(
                    details["period"],
                    tuple(details["agencies"]),
                    date.fromisoformat(details["due_on"]),
                    details["words"],
                )
            )
        else:
            dates[*key, details["period"]] = date.fromisoformat(details["due_on"])
    return Overrides(assigned, opened, dates)


async def load_decisions(connection: AsyncConnection) -> Decisions:
    """Return the overrides, with the tracking and closing days of plans and the extended dates."""
    plans = (
        await connection.execute(
            select(Plan.code, Plan.tracked_from, Plan.closed_on).where(Plan.withdrawn_at.is_(None))
        )
    ).all()
    extended = await connection.execute(
        select(
            Plan.code.label("plan"),
            Obligation.code,
            Agency.code.label("owner"),
            Obligation.period,
            Obligation.extended_to,
        )
        .join(Plan, Plan.id == Obligation.plan_id)
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(Obligation.extended_to.is_not(None))
    )
    return Decisions(
        await load_overrides(connection),
        {row.code: row.tracked_from for row in plans},
        {row.code: row.closed_on for row in plans if row.closed_on is not None},
        {(row.plan, row.code, row.owner, row.period): row.extended_to for row in extended},
    )


def decision_details(obligation: Any) -> dict[str, Any]:
    """Return the details by which a decision names its obligation."""
    return {
        "obligation": obligation.id,
        "agency": obligation.owner_code,
        "period": obligation.period,
    }
