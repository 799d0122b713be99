"""Questions and objections of focal points that were passed on, and what the coordinator answered.

Guarantees: a question is a reply that changes nothing, an answer is a decision; both are append-only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Decision, StatusReply
from data.progress.decisions import record_decision
from data.progress.replies import PASSED_ON, insert_reply, lock_obligation

ANSWER_QUESTION = "answer_question"  # Decision.kind


async def record_question(
    connection: AsyncConnection,
    *,
    obligation_id: int | None,
    agency_id: int,
    words: str,
    person_id: int | None,
    chat_id: int,
    event_id: int | None,
    now: datetime,
    said: Literal["question", "objection"] = "question",
) -> int:
    """Record a question, or an objection to figures; returns its id.

    obligation_id: what it is about; None: it names nothing.
    agency_id: who asks; of a question about an obligation its owner is kept.
    """
    values: dict[str, Any] = {
        "said": said,
        "note": words,
        "person_id": person_id,
        "chat_id": chat_id,
        "event_id": event_id,
        "said_at": now,
    }
    if obligation_id is not None:
        obligation = await lock_obligation(connection, obligation_id)
        return await insert_reply(connection, obligation, **values)
    added = await connection.execute(
        insert(StatusReply)
        .values(agency_id=agency_id, before={}, **values)
        .returning(StatusReply.id)
    )
    made: int = added.scalar_one()
    return made


async def lock_question(connection: AsyncConnection, question_id: int) -> Row[Any] | None:
    """Return a question, locked until the transaction ends, so that of two answers one is the first."""
    rows = await connection.execute(
        select(StatusReply)
        .where(StatusReply.id == question_id, StatusReply.said.in_(PASSED_ON))
        .with_for_update(key_share=True)
    )
    return rows.one_or_none()


async def find_question_answer(connection: AsyncConnection, question_id: int) -> Row[Any] | None:
    """Return the first answer to a question (data.models.Decision); None without one."""
    rows = await connection.execute(
        select(Decision)
        .where(
            Decision.kind == ANSWER_QUESTION,
            Decision.details["question"].as_integer() == question_id,
        )
        .order_by(Decision.id)
        .limit(1)
    )
    return rows.one_or_none()


async def list_answered_questions(
    connection: AsyncConnection, question_ids: Sequence[int]
) -> set[int]:
    """Return those of some questions that have an answer."""
    if not question_ids:
        return set()
    number = Decision.details["question"].as_integer()
    rows = await connection.scalars(
        select(number).where(Decision.kind == ANSWER_QUESTION, number.in_(question_ids))
    )
    return set(rows)


async def record_question_answer(
    connection: AsyncConnection,
    question_id: int,
    *,
    words: str,
    plan_code: str,
    subject: str,
    obligation_id: int | None,
    person_id: int | None,
    answered_by: str,
    now: datetime,
) -> int:
    """Record an answer; returns its id. answered_by: the agency that answers."""
    return await record_decision(
        connection,
        ANSWER_QUESTION,
        plan_code=plan_code,
        subject=subject,
        details={"question": question_id, "words": words, "obligation": obligation_id},
        person_id=person_id,
        decided_by=answered_by,
        now=now,
    )
