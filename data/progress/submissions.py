"""Submitted and disputed obligations: list, confirm, return, keep with their agency.

Guarantees: each change is recorded in the decision log, in the same transaction.
origin: where something is decided that may be undone (data/progress/decision_undo.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Agency, Decision, Obligation, Person, Plan
from data.progress.decision_undo import Origin, undo_details
from data.progress.decisions import (
    AUTOMATIC_DECIDER,
    CONFIRM,
    decision_details,
    record_decision,
    standing_condition,
)


async def list_submitted_ids(
    connection: AsyncConnection, condition: ColumnElement[bool]
) -> Sequence[int]:
    """Return the ids of submitted obligations, the longest waiting first."""
    rows = await connection.execute(
        select(Obligation.id)
        .where(condition, Obligation.state == "submitted")
        .order_by(Obligation.submitted_at, Obligation.id)
    )
    return list(rows.scalars())


async def count_submitted(
    connection: AsyncConnection, plan_ids: Collection[int]
) -> list[tuple[str, int]]:
    """Return how many submissions of other agencies wait in some plans, by the name of the coordinating agency."""
    rows = await connection.execute(
        select(Agency.name, func.count())
        .select_from(Obligation)
        .join(Plan, Plan.id == Obligation.plan_id)
        .join(Agency, Agency.id == Plan.coordinator_id)
        .where(
            Obligation.plan_id.in_(plan_ids),
            Obligation.state == "submitted",
            Obligation.agency_id != Plan.coordinator_id,
        )
        .group_by(Agency.name)
        .order_by(Agency.name)
    )
    return [(name, count) for name, count in rows]


async def confirm_submission(
    connection: AsyncConnection,
    obligation: Any,
    *,
    person_id: int | None,
    decided_by: str,
    now: datetime,
    origin: Origin | None = None,
) -> bool:
    """Confirm a submission; returns False, and does nothing, where the obligation is not submitted.

    obligation: any row with id, code, period, plan_code and owner_code. It keeps the confirming person's
    name until that person is erased.
    """
    name = await _confirmer_name(connection, person_id, otherwise=decided_by)
    return await _change_and_record(
        connection,
        obligation,
        CONFIRM,
        Obligation.state == "submitted",
        values={
            "state": "confirmed",
            "confirmed_at": now,
            "confirmed_by": name[:120],
            "disputed_at": None,
            "extension_asked_at": None,
            "remind_on": None,
            "rung": None,
        },
        details={"by_itself": decided_by == AUTOMATIC_DECIDER},
        person_id=person_id,
        decided_by=decided_by,
        now=now,
        origin=origin,
    )


async def return_submission(
    connection: AsyncConnection,
    obligation: Any,
    *,
    reason: str,
    person_id: int | None,
    decided_by: str,
    now: datetime,
    origin: Origin | None = None,
) -> bool:
    """Return a submission with a reason, which opens the obligation again; False where it is not submitted.

    Call jobs.planning.rungs.recompute afterwards, in the same transaction.
    """
    return await _change_and_record(
        connection,
        obligation,
        "return",
        Obligation.state == "submitted",
        values={
            "state": "open",
            "returned_at": now,
            "submitted_at": None,
            "done_on": None,
            "acknowledged_until": None,
        },
        details={"reason": reason},
        person_id=person_id,
        decided_by=decided_by,
        now=now,
        origin=origin,
    )


async def reject_dispute(
    connection: AsyncConnection,
    obligation: Any,
    *,
    reason: str,
    person_id: int | None,
    decided_by: str,
    now: datetime,
    origin: Origin | None = None,
) -> bool:
    """Leave a disputed obligation with its agency, with a reason; False where it is not disputed."""
    return await _change_and_record(
        connection,
        obligation,
        "keep",
        Obligation.disputed_at.is_not(None),
        Obligation.state.in_(("open", "submitted")),
        values={"disputed_at": None, "acknowledged_until": None},
        details={"reason": reason},
        person_id=person_id,
        decided_by=decided_by,
        now=now,
        origin=origin,
    )


async def anonymize_confirmations(connection: AsyncConnection, person_id: int) -> None:
    """Replace a person's name by the agency's in the confirmations they gave."""
    rows = await connection.execute(
        select(Decision.details, Decision.decided_by).where(
            Decision.person_id == person_id, Decision.kind == CONFIRM, standing_condition()
        )
    )
    for row in rows.all():
        await connection.execute(
            update(Obligation)
            .where(Obligation.id == row.details["obligation"], Obligation.confirmed_by.is_not(None))
            .values(confirmed_by=row.decided_by)
        )


async def _confirmer_name(
    connection: AsyncConnection, person_id: int | None, *, otherwise: str
) -> str:
    """Return a confirming person's name, or `otherwise` where none is known."""
    if person_id is None:
        return otherwise
    name = await connection.scalar(select(Person.name).where(Person.id == person_id))
    return name or otherwise


async def _change_and_record(
    connection: AsyncConnection,
    obligation: Any,
    kind: str,
    *conditions: ColumnElement[bool],
    values: Mapping[str, Any],
    details: Mapping[str, Any],
    person_id: int | None,
    decided_by: str,
    now: datetime,
    origin: Origin | None = None,
) -> bool:
    undoing = await undo_details(connection, origin, obligation.id)
    changed = await connection.execute(
        update(Obligation).where(Obligation.id == obligation.id, *conditions).values(values)
    )
    if not changed.rowcount:
        return False
    await record_decision(
        connection,
        kind,
        plan_code=obligation.plan_code,
        subject=obligation.code,
        details={**decision_details(obligation), **details, **undoing},
        person_id=person_id,
        decided_by=decided_by,
        now=now,
    )
    return True
