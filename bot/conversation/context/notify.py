"""Telling at once who follows or decides on an obligation.

Promises that what concerns the coordinating agency's own work goes to the leaders who may decide, and
that nobody is told of what they did themselves in the same chat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.conversation.context.turn import Turn, VisibleObligation
from data.contacts import recipients
from jobs.channel import Answer, Button


async def list_chats_to_notify(turn: Turn, known: VisibleObligation) -> Sequence[int]:
    """Return the chats to be told: the coordinator's, or for its own work the deciding leaders'."""
    subject = known.subject
    if subject.coordinator_id is None:
        return []
    if subject.holder_id == subject.coordinator_id:
        found = await recipients.deciding_leader_recipients(turn.connection, subject.province)
    else:
        found = await recipients.coordinator_recipients(turn.connection, subject.coordinator_id)
        found = found or await recipients.agency_recipients(turn.connection, subject.coordinator_id)
    return [place.chat_id for place in found if place.chat_id != turn.chat.id]


async def coordinator_notices(
    turn: Turn,
    known: VisibleObligation,
    template: str,
    context: Mapping[str, Any],
    *,
    buttons: tuple[tuple[Button, ...], ...] = (),
) -> list[Answer]:
    """Return one notice of an obligation for each listener.

    With buttons the notice is a menu of this one item, so that its choices can be typed as numbers too.
    """
    content: dict[str, object] = {
        "item": {**known.as_item(turn, 1), "holder": known.holder},
        "agency": known.holder,
        **context,
    }
    return [
        Answer(
            template,
            content,
            buttons=buttons,
            items=(known.row.id,) if buttons else (),
            to_chat=chat_id,
        )
        for chat_id in await list_chats_to_notify(turn, known)
    ]
