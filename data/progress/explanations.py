"""Explanation requests (giải trình) and their answers.

Guarantees: one open request per obligation; a recorded answer never changes.
A request that was taken back is "withdrawn" and stays on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Explanation, Obligation
from data.progress.decision_undo import Origin, undo_details
from data.progress.decisions import decision_details, record_decision
from data.progress.replies import lock_obligation

ACCEPT_CAUSE, REFUSE_CAUSE = "accept_cause", "refuse_cause"  # Decision.kind


async def request_explanation(
    connection: AsyncConnection,
    *,
    obligation_id: int,
    agency_id: int,
    question: str,
    asked_by: str,
    person_id: int | None,
    chat_id: int | None,
    now: datetime,
) -> int | None:
    """Ask an agency for an explanation; returns its id, or None where a request is open already.

    agency_id: the holder of the obligation; asked_by: the name of the agency that asks; chat_id: where the
    answer is announced.
    """
    await lock_obligation(connection, obligation_id)
    if await find_open_explanation(connection, obligation_id) is not None:
        return None
    added = await connection.execute(
        insert(Explanation)
        .values(
            obligation_id=obligation_id,
            agency_id=agency_id,
            question=question,
            asked_at=now,
            asked_by=asked_by[:120],
            asked_person_id=person_id,
            asked_chat_id=chat_id,
        )
        .returning(Explanation.id)
    )
    made: int = added.scalar_one()
    return made


async def find_explanation(connection: AsyncConnection, explanation_id: int) -> Row[Any] | None:
    """Return one explanation, or None for an unknown id."""
    rows = await connection.execute(
        select(Explanation.__table__).where(Explanation.id == explanation_id)
    )
    return rows.one_or_none()


async def find_open_explanation(connection: AsyncConnection, obligation_id: int) -> Row[Any] | None:
    """Return the request about an obligation that was not answered yet; None without one."""
    rows = await connection.execute(
        select(Explanation.__table__).where(
            Explanation.obligation_id == obligation_id, Explanation.state == "asked"
        )
    )
    return rows.one_or_none()


async def record_explanation(
    connection: AsyncConnection,
    explanation_id: int,
    *,
    words: str,
    person_id: int | None,
    now: datetime,
) -> bool:
    """Record an answer; returns False, and changes nothing, where there is one already."""
    changed = await connection.execute(
        update(Explanation)
        .where(Explanation.id == explanation_id, Explanation.state == "asked")
        .values(state="answered", answer=words, answered_at=now, answered_person_id=person_id)
    )
    return bool(changed.rowcount)


async def list_open_explanations(
    connection: AsyncConnection, condition: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    """Return the open requests about the obligations of a condition, oldest first."""
    rows = await connection.execute(
        select(Explanation.__table__)
        .join(Obligation, Obligation.id == Explanation.obligation_id)
        .where(condition, Explanation.state == "asked")
        .order_by(Explanation.asked_at, Explanation.id)
    )
    return rows.all()


async def is_explained(connection: AsyncConnection, obligation_id: int) -> bool:
    """Tell whether an agency explained an obligation."""
    found = await connection.scalar(
        select(Explanation.id)
        .where(Explanation.obligation_id == obligation_id, Explanation.state == "answered")
        .limit(1)
    )
    return found is not None


async def accept_cause(
    connection: AsyncConnection,
    obligation: Any,
    *,
    reason: str,
    person_id: int | None,
    decided_by: str,
    now: datetime,
    origin: Origin | None = None,
) -> bool:
    """Record that the cause an agency gave is accepted as objective; False where it gave none.

    reason: the ground, say a document. The last decision on a cause counts.
    """
    return await _decide_cause(
        connection, obligation, ACCEPT_CAUSE, reason, person_id, decided_by, now, origin
    )


async def refuse_cause(
    connection: AsyncConnection,
    obligation: Any,
    *,
    reason: str,
    person_id: int | None,
    decided_by: str,
    now: datetime,
    origin: Origin | None = None,
) -> bool:
    """Record that the cause an agency gave is not accepted; False where it gave none."""
    return await _decide_cause(
        connection, obligation, REFUSE_CAUSE, reason, person_id, decided_by, now, origin
    )


async def _decide_cause(
    connection: AsyncConnection,
    obligation: Any,
    kind: str,
    reason: str,
    person_id: int | None,
    decided_by: str,
    now: datetime,
    origin: Origin | None,
) -> bool:
    await lock_obligation(connection, obligation.id)
    if not await is_explained(connection, obligation.id):
        return False
    await record_decision(
        connection,
        kind,
        plan_code=obligation.plan_code,
        subject=obligation.code,
        details={
            **decision_details(obligation),
            "reason": reason,
            **await undo_details(connection, origin),
        },
        person_id=person_id,
        decided_by=decided_by,
        now=now,
    )
    return True
