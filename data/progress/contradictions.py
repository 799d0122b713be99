"""Answers that say otherwise than a colleague's answer about the same obligation. Reads only."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.models import StatusReply
from data.progress.undo import UNDO_WINDOW

_RANKS = {"not_started": 0, "in_progress": 1, "completed": 2}  # of progress
_ANSWERS = (*_RANKS, "blocked", "extension", "dispute")


class Contradiction(NamedTuple):
    """A reply, and the earlier one of a colleague that says otherwise."""

    reply: Any
    earlier: Any


async def find_contradictions(
    connection: AsyncConnection, reply_ids: Collection[int]
) -> list[Contradiction]:
    """Return those of some replies that contradict a colleague, each with the colleague's reply.

    That is the last one of another person about the same obligation that was not taken back.
    """
    if not reply_ids:
        return []
    chosen = await connection.execute(select(StatusReply).where(StatusReply.id.in_(reply_ids)))
    replies = [row for row in chosen if row.person_id is not None and row.said in _ANSWERS]
    if not replies:
        return []
    undoing = aliased(StatusReply)
    undone = exists().where(
        undoing.undoes_id == StatusReply.id, undoing.obligation_id == StatusReply.obligation_id
    )
    rows = await connection.execute(
        select(StatusReply)
        .where(
            StatusReply.obligation_id.in_({row.obligation_id for row in replies}),
            StatusReply.said.in_(_ANSWERS),
            StatusReply.person_id.is_not(None),
            ~undone.correlate(StatusReply),
        )
        .order_by(StatusReply.id.desc())
    )
    stand = rows.all()
    pairs = [
        Contradiction(reply, earlier)
        for reply in replies
        if (earlier := next((row for row in stand if _is_before(row, reply)), None)) is not None
    ]
    return [pair for pair in pairs if contradicts(*pair)]


def _is_before(row: Any, reply: Any) -> bool:
    """Tell whether a row is an earlier reply of another person about the same obligation."""
    return bool(
        row.id < reply.id
        and row.obligation_id == reply.obligation_id
        and row.person_id != reply.person_id
    )


def contradicts(reply: Any, earlier: Any) -> bool:
    """Tell whether a reply says otherwise than an earlier one: within a day, or by a step back.

    Progress that is reported further on another day contradicts nobody, nor does what follows a return.
    """
    returned_at = reply.before.get("returned_at")
    if returned_at is not None and datetime.fromisoformat(returned_at) >= earlier.said_at:
        return False
    percents = (earlier.percent, reply.percent)
    if reply.said == earlier.said and (None in percents or percents[0] == percents[1]):
        return False
    if reply.said_at - earlier.said_at <= UNDO_WINDOW or earlier.said == "completed":
        return True
    if reply.said == earlier.said:
        return bool(reply.percent < earlier.percent)
    return _RANKS.get(reply.said, 2) < _RANKS.get(earlier.said, 0)
