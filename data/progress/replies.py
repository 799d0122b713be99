"""What agencies say of their obligations, and what that changes.

Promises that every answer is kept for good (StatusReply is append-only) with the state it found, so
that it can be taken back (data/progress/undo.py), and that saying the same thing twice changes nothing. A
completion is only ever *submitted* here: what counts as hoàn thành is confirmed by somebody else. Never
reckons reminders: the caller has them recomputed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

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
    """The obligation takes no answers any more; tell the person its state."""

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
    """Record an answer and apply it to the obligation; returns the reply's id.

    None: it had been said already and nothing changed. Raises NotOpen where the obligation is confirmed,
    withdrawn or superseded, and for what makes no sense of a submitted one: an acknowledgement or a
    request for more time. Saying "in progress" of a submitted one corrects it: it is open again.
    adds_to: the id of the answer that this one only adds to (a document's number to a completion), so that
    taking this one back takes back both.
    Call jobs.planning.rungs.recompute afterwards, in the same transaction.
    """
    obligation = await lock_obligation(connection, obligation_id)
    _refuse_closed(obligation, said)
    changes = _changes(said, percent, document_on, now=now, today=today, workdays=workdays)
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


# ------------------------------------------------------------------ how an answer changes things


def _refuse_closed(obligation: Row[Any], said: str) -> None:
    if obligation.state not in ("open", "submitted"):
        raise ObligationNotOpen(obligation.state)
    if obligation.state == "submitted" and said in ("acknowledge", "extension"):
        raise ObligationNotOpen(obligation.state)


def _changes(
    said: ReplyKind,
    percent: int | None,
    document_on: date | None,
    *,
    now: datetime,
    today: date,
    workdays: Workdays,
) -> dict[str, Any]:
    match said:
        case "acknowledge":
            return {"acknowledged_until": held_until(today, workdays)}
        case "not_started" | "in_progress":
            # Who tells where things stand has also received: the next rungs are held back.
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
                "done_on": document_on or today,
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
        case "question":  # kept with the rest of what was said; it changes nothing
            return {}


async def _is_repeated(
    connection: AsyncConnection,
    obligation: Row[Any],
    said: ReplyKind,
    words: tuple[Any, ...],
    changes: dict[str, Any],
) -> bool:
    """Tell whether the last answer said just this, and its effect still stands."""
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
    # "đã nhận" or "đang làm" on a later day holds the rungs back anew.
    return said != "question" and all(
        getattr(obligation, name) == value for name, value in changes.items()
    )


def _snapshot(obligation: Row[Any]) -> dict[str, Any]:
    return {name: snapshot_value(getattr(obligation, name)) for name in _SNAPSHOT_COLUMNS}


def snapshot_columns(before: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of an obligation as an answer found them; what was granted since is left."""
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
    """Return a column's value as a snapshot keeps it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


# ------------------------------------------------------------------ rows


async def lock_obligation(connection: AsyncConnection, obligation_id: int) -> Row[Any]:
    """Return an obligation's row, held until the caller's write transaction ends; it must exist.

    So of two answers at once the second is judged by what the first made of it.
    """
    rows = await connection.execute(
        select(Obligation).where(Obligation.id == obligation_id).with_for_update(key_share=True)
    )
    return rows.one()


async def lock_obligations(connection: AsyncConnection, obligation_ids: Sequence[int]) -> None:
    """Keep obligations as they are until the caller's write transaction ends, save by its own hand.

    For what judges many before it changes any.
    """
    for some in chunks(sorted(obligation_ids)):
        await connection.execute(
            select(Obligation.id)
            .where(Obligation.id.in_(some))
            .order_by(Obligation.id)
            .with_for_update(key_share=True)
        )


async def find_reply(connection: AsyncConnection, reply_id: int) -> Row[Any] | None:
    """Return one answer as it was recorded, or None where there is none of that id."""
    rows = await connection.execute(select(StatusReply).where(StatusReply.id == reply_id))
    return rows.one_or_none()


async def find_last_reply(connection: AsyncConnection, obligation_id: int) -> Row[Any] | None:
    """Return the last answer of an obligation, an undo too; None where there is none."""
    rows = await connection.execute(
        select(StatusReply)
        .where(StatusReply.obligation_id == obligation_id)
        .order_by(StatusReply.id.desc())
        .limit(1)
    )
    return rows.one_or_none()


async def insert_reply(
    connection: AsyncConnection,
    obligation: Row[Any],
    *,
    adds_to: int | None = None,
    **values: Any,
) -> int:
    """Write down one answer, with the obligation as it stood before; returns the reply's id.

    adds_to: an answer whose own "before" is kept in place of the present state; see record.
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
