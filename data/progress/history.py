"""History of a task, report or agency: replies, decisions, requests, explanations, answers; newest first.

Guarantees: undone replies are included, and marked as undone.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.models import (
    Agency,
    Assignment,
    Decision,
    Explanation,
    ExtensionRequest,
    Obligation,
    Person,
    StatusReply,
)
from data.progress.decisions import UNDO
from data.progress.questions import ANSWER_QUESTION


async def load_history(
    connection: AsyncConnection,
    condition: ColumnElement[bool],
    *,
    offset: int = 0,
    limit: int = 10,
) -> tuple[int, list[Any]]:
    """Return how many entries the obligations of a condition have, and a page of them.

    Each row: at, what, agency (short name), code, period, person (None: erased, or a group), percent,
    until, document, document_on, note, undone.
    """
    parts = union_all(*(each.where(condition) for each in _PARTS)).subquery()
    rows = await connection.execute(
        select(
            parts,
            func.count().over().label("total"),
            Agency.short.label("agency"),
            Person.name.label("person"),
        )
        .join(Agency, Agency.id == parts.c.agency_id)
        .outerjoin(Person, Person.id == parts.c.person_id)
        .order_by(parts.c.at.desc(), parts.c.place.desc())
        .offset(offset)
        .limit(limit)
    )
    page = list(rows)
    if page or not offset:
        return (int(page[0].total) if page else 0), page
    total = await connection.scalar(select(func.count()).select_from(parts))
    return int(total or 0), []  # beyond the last page


def in_task_condition(task_id: int) -> ColumnElement[bool]:
    """Return the condition on Obligation that it is a part of a task."""
    return Obligation.assignment_id.in_(select(Assignment.id).where(Assignment.task_id == task_id))


def in_duty_condition(duty_id: int) -> ColumnElement[bool]:
    """Return the condition on Obligation that it is an occurrence of a report duty."""
    return Obligation.duty_id == duty_id


def _replies() -> Any:
    undoing = aliased(StatusReply)
    undone = select(undoing.id).where(undoing.undoes_id == StatusReply.id).exists()
    return select(
        StatusReply.said_at.label("at"),
        StatusReply.id.label("place"),
        StatusReply.said.label("what"),
        StatusReply.agency_id.label("agency_id"),
        StatusReply.person_id.label("person_id"),
        Obligation.code.label("code"),
        Obligation.period.label("period"),
        StatusReply.percent.label("percent"),
        StatusReply.until.label("until"),
        StatusReply.document.label("document"),
        StatusReply.document_on.label("document_on"),
        StatusReply.note.label("note"),
        undone.label("undone"),
    ).join(Obligation, Obligation.id == StatusReply.obligation_id)


def _select_decisions() -> list[Any]:
    request = ExtensionRequest
    asked = _row(request.decided_at, request.id, literal("extension_") + request.state, None)
    confirmed = _row(Obligation.confirmed_at, Obligation.id, literal("confirmed"), None)
    undone = _row(Decision.decided_at, Decision.id, literal("decision_undone"), Decision.person_id)
    returned = _row(Obligation.returned_at, Obligation.id, literal("returned"), None)
    return [
        asked.add_columns(
            *_words(until=request.granted_until, note=Decision.details["reason"].as_string())
        )
        .join(Obligation, Obligation.id == request.obligation_id)
        .outerjoin(Decision, Decision.id == request.decision_id)
        .where(request.decided_at.is_not(None)),
        confirmed.add_columns(*_words(note=Obligation.confirmed_by)).where(
            Obligation.confirmed_at.is_not(None)
        ),
        undone.add_columns(*_words(note=Decision.details["what"].as_string()))
        .join(Obligation, Obligation.id == Decision.details["obligation"].as_integer())
        .where(Decision.kind == UNDO),
        returned.add_columns(*_words()).where(
            Obligation.returned_at.is_not(None), Obligation.state == "open"
        ),
    ]


def _select_explanations() -> list[Any]:
    withdrawn = Explanation.state == "withdrawn"
    asked = _row(
        Explanation.asked_at,
        Explanation.id,
        literal("explanation_asked"),
        Explanation.asked_person_id,
    )
    answered = _row(
        Explanation.answered_at,
        Explanation.id,
        literal("explanation_answered"),
        Explanation.answered_person_id,
    )
    return [
        asked.add_columns(*_words(note=Explanation.question, undone=withdrawn)).join(
            Obligation, Obligation.id == Explanation.obligation_id
        ),
        answered.add_columns(*_words(note=Explanation.answer))
        .join(Obligation, Obligation.id == Explanation.obligation_id)
        .where(Explanation.answered_at.is_not(None)),
    ]


def _select_question_answers() -> Any:
    answered = _row(Decision.decided_at, Decision.id, literal("question_answered"), None)
    return (
        answered.add_columns(*_words(note=Decision.details["words"].as_string()))
        .join(Obligation, Obligation.id == Decision.details["obligation"].as_integer())
        .where(Decision.kind == ANSWER_QUESTION)
    )


def _row(at: Any, place: Any, what: Any, person: Any) -> Any:
    return select(
        at.label("at"),
        place.label("place"),
        what.label("what"),
        Obligation.agency_id.label("agency_id"),
        (null() if person is None else person).label("person_id"),
        Obligation.code.label("code"),
        Obligation.period.label("period"),
    )


def _words(*, until: Any = None, note: Any = None, undone: Any = None) -> list[Any]:
    return [
        null().label("percent"),
        (null() if until is None else until).label("until"),
        null().label("document"),
        null().label("document_on"),
        (null() if note is None else note).label("note"),
        (literal(False) if undone is None else undone).label("undone"),
    ]


# Built once, without the condition: building takes longer than running.
_PARTS = (_replies(), *_select_decisions(), *_select_explanations(), _select_question_answers())
