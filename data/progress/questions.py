"""Questions and objections of focal points that were passed on, and what the coordinator answered.

Guarantees: a question is a reply that changes nothing, an answer is a decision; both are append-only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.models import Decision, StatusReply
from data.progress.decisions import record_decision
from data.progress.replies import PASSED_ON, insert_reply, lock_obligation, said_by_condition

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


async def find_last_question_in_chat(
    connection: AsyncConnection, *, chat_id: int, person_id: int | None, since: datetime
) -> Row[Any] | None:
    """Return the last question or objection of a person in a chat since an instant that stands; None without one."""
    withdrawal = aliased(StatusReply)
    rows = await connection.execute(
        select(StatusReply)
        .where(StatusReply.chat_id == chat_id, said_by_condition(person_id))
        .where(
            StatusReply.said_at >= since,
            StatusReply.said.in_(PASSED_ON),
            ~exists().where(withdrawal.undoes_id == StatusReply.id).correlate(StatusReply),
        )
        .order_by(StatusReply.id.desc())
        .limit(1)
    )
    return rows.one_or_none()


async def list_withdrawn_questions(
    connection: AsyncConnection, question_ids: Sequence[int]
) -> set[int]:
    """Return those of some questions that who asked took back."""
    if not question_ids:
        return set()
    rows = await connection.scalars(
        select(StatusReply.undoes_id).where(StatusReply.undoes_id.in_(question_ids))
    )
    return {key for key in rows if key is not None}


async def withdraw_question(
    connection: AsyncConnection,
    question: Row[Any],
    *,
    person_id: int | None,
    chat_id: int,
    event_id: int | None,
    now: datetime,
) -> None:
    """Record that a question is taken back; lock it first (lock_question). It stays on record."""
    values: dict[str, Any] = {
        "said": "undo",
        "undoes_id": question.id,
        "person_id": person_id,
        "chat_id": chat_id,
        "event_id": event_id,
        "said_at": now,
    }
    if question.obligation_id is not None:
        obligation = await lock_obligation(connection, question.obligation_id)
        await insert_reply(connection, obligation, **values)
        return
    await connection.execute(
        insert(StatusReply).values(agency_id=question.agency_id, before={}, **values)
    )


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
