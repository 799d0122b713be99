"""Undo of a reply within 24 hours.

Guarantees:
- The obligation is restored to its state before the reply; an extension request made by it is withdrawn.
- No undo after a coordinator acted on the reply, or after a later reply.
- The reply stays on record: an undo is a reply of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, exists, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.models import Obligation, StatusReply
from data.progress import extensions
from data.progress.replies import (
    PASSED_ON,
    find_reply,
    insert_reply,
    lock_obligation,
    lock_obligations,
    passed_on_condition,
    said_by_condition,
    snapshot_columns,
    snapshot_value,
)

UNDO_WINDOW = timedelta(hours=24)
_EVENT_ID_RANGE = 1000  # replies of one event have ids this close
_NO_ANSWER = ("undo", *PASSED_ON)


class CannotUndo(Exception):
    """The reply cannot be undone; `why` names the rule that forbids it."""

    def __init__(
        self,
        why: Literal["nothing", "too_late", "acted_on", "answered_since"],
        obligation_id: int | None = None,
    ) -> None:
        super().__init__(why)
        self.why = why
        self.obligation_id = obligation_id


async def undo_reply(
    connection: AsyncConnection,
    *,
    reply_id: int,
    person_id: int | None,
    chat_id: int | None,
    event_id: int | None,
    now: datetime,
    is_alone: bool = False,
) -> list[Row[Any]]:
    """Undo a reply with all others of the same event ("đã nhận tất cả"), or none of them.

    is_alone: undo this one only. Returns the undone replies. Raises CannotUndo.
    """
    first = await find_reply(connection, reply_id)
    if first is None or first.said in _NO_ANSWER:
        raise CannotUndo("nothing")
    replies = [first]
    if first.event_id is not None and not is_alone:
        rows = await connection.execute(
            select(StatusReply)
            # One event's replies have neighbouring ids; the bounds avoid a scan of the table.
            .where(StatusReply.id.between(reply_id - _EVENT_ID_RANGE, reply_id + _EVENT_ID_RANGE))
            .where(StatusReply.event_id == first.event_id, StatusReply.said.not_in(_NO_ANSWER))
            .order_by(StatusReply.id)
        )
        replies = list(rows.all())
    await lock_obligations(connection, [reply.obligation_id for reply in replies])
    for reply in replies:
        obligation = await lock_obligation(connection, reply.obligation_id)
        await _refuse_undo(connection, reply, obligation, now)
    for reply in replies:
        obligation = await lock_obligation(connection, reply.obligation_id)
        await insert_reply(
            connection,
            obligation,
            said="undo",
            undoes_id=reply.id,
            person_id=person_id,
            chat_id=chat_id,
            event_id=event_id,
            said_at=now,
        )
        asked = await extensions.find_extension_by_reply(connection, reply.id)
        if asked is not None:
            await extensions.withdraw_extension(connection, asked.id)
        values = snapshot_columns(reply.before)
        for flag in ("extension_asked_at", "disputed_at"):
            if getattr(obligation, flag) is None:
                values[flag] = None  # the request or dispute was decided meanwhile
        await connection.execute(
            update(Obligation).where(Obligation.id == obligation.id).values(values)
        )
    return replies


async def find_last_reply_in_chat(
    connection: AsyncConnection,
    *,
    chat_id: int,
    person_id: int | None,
    since: datetime,
    about: Collection[int] = (),
) -> Row[Any] | None:
    """Return the last reply of a person in a chat since an instant, including undos; None without one.

    about: of these obligations alone, if any are named.
    Where the last one is an undo, nothing more is to be undone: a "huỷ" sent twice undoes one reply. Questions
    and what took them back are left out.
    """
    rows = await connection.execute(
        select(StatusReply)
        .where(StatusReply.chat_id == chat_id, said_by_condition(person_id))
        .where(StatusReply.said_at >= since, ~passed_on_condition())
        .where(StatusReply.obligation_id.in_(about) if about else true())
        .order_by(StatusReply.id.desc())
        .limit(1)
    )
    return rows.one_or_none()


async def _refuse_undo(
    connection: AsyncConnection, reply: Row[Any], obligation: Row[Any], now: datetime
) -> None:
    undone = await connection.scalar(
        select(
            exists()
            .where(StatusReply.undoes_id == reply.id)
            .where(StatusReply.obligation_id == reply.obligation_id)
        )
    )
    if undone:
        raise CannotUndo("nothing")
    if now - reply.said_at > UNDO_WINDOW:
        raise CannotUndo("too_late")
    acted = (
        obligation.state not in ("open", "submitted")
        or (obligation.returned_at is not None and obligation.returned_at >= reply.said_at)
        or snapshot_value(obligation.extended_to) != reply.before.get("extended_to")
        or (reply.said == "dispute" and obligation.disputed_at is None)
    )
    asked = await extensions.find_extension_by_reply(connection, reply.id)
    if asked is not None and asked.state not in extensions.OPEN_EXTENSION_STATES:
        acted = True
    if acted:
        raise CannotUndo("acted_on", reply.obligation_id)
    later = aliased(StatusReply)
    answered = await connection.scalar(
        select(
            exists().where(
                StatusReply.obligation_id == reply.obligation_id,
                StatusReply.id > reply.id,
                StatusReply.said.not_in(_NO_ANSWER),
                ~exists()
                .where(later.undoes_id == StatusReply.id)
                .where(later.obligation_id == reply.obligation_id)
                .correlate(StatusReply),
            )
        )
    )
    if answered:
        raise CannotUndo("answered_since")
