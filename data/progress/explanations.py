"""Explanations (giải trình): asked of an agency about what it owes, answered once, and filed.

Promises one open question an obligation, and that an answer, once given, stays as it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Explanation, Obligation


async def request_explanation(
    connection: AsyncConnection,
    *,
    obligation_id: int,
    agency_id: int,
    question: str,
    person_id: int | None,
    chat_id: int | None,
    now: datetime,
) -> int | None:
    """Ask an agency for an explanation; returns its id, or None where one is asked for already.

    agency_id: who has the obligation in hand; chat_id: where the answer is told.
    """
    standing = await connection.scalar(
        select(Explanation.id).where(
            Explanation.obligation_id == obligation_id, Explanation.state == "asked"
        )
    )
    if standing is not None:
        return None
    added = await connection.execute(
        insert(Explanation)
        .values(
            obligation_id=obligation_id,
            agency_id=agency_id,
            question=question,
            asked_at=now,
            asked_person_id=person_id,
            asked_chat_id=chat_id,
        )
        .returning(Explanation.id)
    )
    made: int = added.scalar_one()
    return made


async def find_explanation(connection: AsyncConnection, explanation_id: int) -> Row[Any] | None:
    """Return one explanation, or None where there is none of that id."""
    rows = await connection.execute(
        select(Explanation.__table__).where(Explanation.id == explanation_id)
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
    """File an answer; returns False, and changes nothing, where one was filed already."""
    changed = await connection.execute(
        update(Explanation)
        .where(Explanation.id == explanation_id, Explanation.state == "asked")
        .values(state="answered", answer=words, answered_at=now, answered_person_id=person_id)
    )
    return bool(changed.rowcount)


async def list_open_explanations(
    connection: AsyncConnection, condition: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    """Return the open questions about obligations of which a condition holds, oldest first."""
    rows = await connection.execute(
        select(Explanation.__table__)
        .join(Obligation, Obligation.id == Explanation.obligation_id)
        .where(condition, Explanation.state == "asked")
        .order_by(Explanation.asked_at, Explanation.id)
    )
    return rows.all()
