"""Status replies: record an agency's answer, apply it to the obligation, lock obligations.

Guarantees:
- Replies are append-only, each with the obligation's state before it, for undo (data/progress/undo.py).
- A repeated reply changes nothing.
- A completion is only submitted; another agency confirms it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.db.statements import chunks
from data.models import Obligation, StatusReply
from data.registry.workdays import Workdays
from data.rules.ladder import held_until

ReplyKind = Literal[
    "acknowledge",
    "not_started",
    "in_progress",
    "completed",
    "blocked",
    "extension",
    "dispute",
    "question",
]

# What changes nothing: it goes to who follows the plan, and an answer comes back (questions.py).
PASSED_ON = ("question", "objection")

_SNAPSHOT_DATES = ("acknowledged_until", "done_on", "extended_to")
_SNAPSHOT_INSTANTS = (
    "blocked_at",
    "disputed_at",
    "extension_asked_at",
    "returned_at",
    "submitted_at",
)
_SNAPSHOT_COLUMNS = ("state", "percent", "progress", *_SNAPSHOT_DATES, *_SNAPSHOT_INSTANTS)


class ObligationNotOpen(Exception):
    """The obligation takes no such reply; show its state."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


async def record_reply(
    connection: AsyncConnection,
    *,
    obligation_id: int,
    said: ReplyKind,
    percent: int | None = None,
    until: date | None = None,
    document: str | None = None,
    document_on: date | None = None,
    note: str | None = None,
    person_id: int | None,
    chat_id: int | None,
    event_id: int | None,
    now: datetime,
    today: date,
    workdays: Workdays,
    adds_to: int | None = None,
) -> int | None:
    """Record a reply and apply it to the obligation; returns its id, or None for a repeated one.

    Raises ObligationNotOpen where the obligation is confirmed, withdrawn or superseded, and for an
    acknowledgement or extension of a submitted one. "in_progress" opens a submitted one again.
    until: of an extension the day asked for, of an acknowledgement the day from which to be reminded again.
    A completion that is said once more keeps the document and the day of the first, unless it names others.
    adds_to: the id of a reply that this one only adds to (a document's number to a completion); undoing
    this one undoes both.
    Call jobs.planning.rungs.recompute afterwards, in the same transaction.
    """
    obligation = await lock_obligation(connection, obligation_id)
    _refuse_closed(obligation, said)
    if said == "completed" and obligation.state == "submitted" and not (document or document_on):
        document, document_on = await _load_standing_document(connection, obligation_id)
    done_on = document_on or obligation.done_on or today  # a day that stands moves by another alone
    changes = _changes(said, percent, until, done_on, now=now, today=today, workdays=workdays)
    words = (percent, until, document, document_on, note)
    if await _is_repeated(connection, obligation, said, words, changes):
        return None
    reply_id = await insert_reply(
        connection,
        obligation,
        said=said,
        percent=percent,
        until=until,
        document=document,
        document_on=document_on,
        note=note,
        person_id=person_id,
        chat_id=chat_id,
        event_id=event_id,
        said_at=now,
        adds_to=adds_to,
    )
    if changes:
        await connection.execute(
            update(Obligation).where(Obligation.id == obligation_id).values(changes)
        )
    return reply_id


async def _load_standing_document(
    connection: AsyncConnection, obligation_id: int
) -> tuple[str | None, date | None]:
    """Return number and day of the document by which a submitted obligation is completed."""
    undoing = aliased(StatusReply)
    rows = await connection.execute(
        select(StatusReply.document, StatusReply.document_on)
        .where(
            StatusReply.obligation_id == obligation_id,
            StatusReply.said == "completed",
            ~select(undoing.id).where(undoing.undoes_id == StatusReply.id).exists(),
        )
        .order_by(StatusReply.id.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    return (None, None) if row is None else (row.document, row.document_on)


def _refuse_closed(obligation: Row[Any], said: str) -> None:
    if obligation.state not in ("open", "submitted"):
        raise ObligationNotOpen(obligation.state)
    if obligation.state == "submitted" and said in ("acknowledge", "extension"):
        raise ObligationNotOpen(obligation.state)


def _changes(
    said: ReplyKind,
    percent: int | None,
    until: date | None,
    done_on: date,
    *,
    now: datetime,
    today: date,
    workdays: Workdays,
) -> dict[str, Any]:
    match said:
        case "acknowledge":
            return {"acknowledged_until": held_until(today, workdays, remind_on=until)}
        case "not_started" | "in_progress":
            # A report on progress acknowledges too: it holds the next rungs back.
            changes: dict[str, Any] = {
                "state": "open",
                "submitted_at": None,
                "done_on": None,
                "progress": said,
                "blocked_at": None,
                "acknowledged_until": held_until(today, workdays),
            }
            if percent is not None:
                changes["percent"] = percent
            return changes
        case "completed":
            return {
                "state": "submitted",
                "submitted_at": now,
                "done_on": done_on,
                "blocked_at": None,
                "returned_at": None,
                "remind_on": None,
                "rung": None,
            }
        case "blocked":
            return {"blocked_at": now, "acknowledged_until": held_until(today, workdays)}
        case "extension":
            return {"extension_asked_at": now}
        case "dispute":
            return {"disputed_at": now}
        case "question":  # it changes nothing
            return {}


async def _is_repeated(
    connection: AsyncConnection,
    obligation: Row[Any],
    said: ReplyKind,
    words: tuple[Any, ...],
    changes: dict[str, Any],
) -> bool:
    """Tell whether the last reply was the same, and its effect still holds."""
    last = await find_last_reply(connection, obligation.id)
    if last is None or last.said != said:
        return False
    if (last.percent, last.until, last.document, last.document_on, last.note) != words:
        return False
    if said == "completed":
        return bool(obligation.state == "submitted")
    flags = {"blocked": "blocked_at", "extension": "extension_asked_at", "dispute": "disputed_at"}
    if said in flags:
        return getattr(obligation, flags[said]) is not None
    # "đã nhận" or "đang làm" on a later day holds rungs back anew.
    return said != "question" and all(
        getattr(obligation, name) == value for name, value in changes.items()
    )


def _snapshot(obligation: Row[Any]) -> dict[str, Any]:
    return {name: snapshot_value(getattr(obligation, name)) for name in _SNAPSHOT_COLUMNS}


async def load_snapshot(connection: AsyncConnection, obligation_id: int) -> dict[str, Any]:
    """Lock an obligation and return its columns that a decision may change, for its undoing."""
    obligation = await lock_obligation(connection, obligation_id)
    return {**_snapshot(obligation), "late_told": obligation.late_told}


def snapshot_columns(before: dict[str, Any]) -> dict[str, Any]:
    """Return an obligation's columns from the snapshot before a reply, without the granted date."""
    values: dict[str, Any] = {
        name: before.get(name) for name in _SNAPSHOT_COLUMNS if name != "extended_to"
    }
    for name in _SNAPSHOT_DATES:
        if values.get(name) is not None:
            values[name] = date.fromisoformat(values[name])
    for name in _SNAPSHOT_INSTANTS:
        if values.get(name) is not None:
            values[name] = datetime.fromisoformat(values[name])
    return values


def snapshot_value(value: Any) -> Any:
    """Return a column's value in the form that a snapshot stores."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


async def lock_obligation(connection: AsyncConnection, obligation_id: int) -> Row[Any]:
    """Return an existing obligation's row, locked until the caller's write transaction ends.

    So the second of two simultaneous replies sees the effect of the first.
    """
    rows = await connection.execute(
        select(Obligation).where(Obligation.id == obligation_id).with_for_update(key_share=True)
    )
    return rows.one()


async def lock_obligations(connection: AsyncConnection, obligation_ids: Sequence[int]) -> None:
    """Lock obligations until the caller's write transaction ends, to check many before changing any."""
    for some in chunks(sorted(obligation_ids)):
        await connection.execute(
            select(Obligation.id)
            .where(Obligation.id.in_(some))
            .order_by(Obligation.id)
            .with_for_update(key_share=True)
        )


async def find_reply(connection: AsyncConnection, reply_id: int) -> Row[Any] | None:
    """Return one reply, or None for an unknown id."""
    rows = await connection.execute(select(StatusReply).where(StatusReply.id == reply_id))
    return rows.one_or_none()


async def find_last_reply(connection: AsyncConnection, obligation_id: int) -> Row[Any] | None:
    """Return the last reply of an obligation, including undos; None without one."""
    rows = await connection.execute(
        select(StatusReply)
        .where(StatusReply.obligation_id == obligation_id)
        .order_by(StatusReply.id.desc())
        .limit(1)
    )
    return rows.one_or_none()


def said_by_condition(person_id: int | None) -> ColumnElement[bool]:
    """Return the condition on StatusReply that a person said it; None: somebody without a name here."""
    if person_id is None:
        return StatusReply.person_id.is_(None)
    return StatusReply.person_id == person_id


def passed_on_condition() -> ColumnElement[bool]:
    """Return the condition on StatusReply that it is a question or an objection, or takes one back."""
    question = aliased(StatusReply)
    taken_back = exists().where(question.id == StatusReply.undoes_id, question.said.in_(PASSED_ON))
    return StatusReply.said.in_(PASSED_ON) | taken_back.correlate(StatusReply)


async def insert_reply(
    connection: AsyncConnection,
    obligation: Row[Any],
    *,
    adds_to: int | None = None,
    **values: Any,
) -> int:
    """Insert one reply with a snapshot of the obligation before it; returns the reply's id.

    adds_to: a reply whose snapshot is used instead; see record_reply.
    """
    before = _snapshot(obligation)
    if adds_to is not None:
        earlier = await find_reply(connection, adds_to)
        before = before if earlier is None else earlier.before
    added = await connection.execute(
        insert(StatusReply)
        .values(
            obligation_id=obligation.id,
            assignment_id=obligation.assignment_id,
            agency_id=obligation.agency_id,
            before=before,
            **values,
        )
        .returning(StatusReply.id)
    )
    made: int = added.scalar_one()
    return made
