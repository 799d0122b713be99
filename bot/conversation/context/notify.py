"""Notices about an obligation to the coordinator who follows it, or to the leaders who decide on it.

Guarantees:
- Leaders with may_decide get the notices about the coordinating agency's own obligations.
- The chat that caused a notice gets none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.conversation.context.buttons import ButtonRows
from bot.conversation.context.turn import Turn, VisibleObligation
from data.contacts import recipients
from jobs.channel import Answer


async def list_chats_to_notify(turn: Turn, obligation: VisibleObligation) -> Sequence[int]:
    """Return the coordinator's chats, or for its own obligations those of the deciding leaders."""
    subject = obligation.subject
    if subject.coordinator_id is None:
        return []
    today = turn.today
    if subject.is_coordinators_own:
        chosen = await recipients.deciding_leader_recipients(
            turn.connection, subject.province, today=today
        )
    else:
        chosen = await recipients.coordinator_recipients(
            turn.connection, subject.coordinator_id, today=today
        ) or await recipients.agency_recipients(
            turn.connection, subject.coordinator_id, today=today
        )
    return [to.chat_id for to in chosen if to.chat_id != turn.chat.id]


async def coordinator_notices(
    turn: Turn,
    obligation: VisibleObligation,
    template: str,
    context: Mapping[str, Any],
    *,
    buttons: ButtonRows = (),
) -> list[Answer]:
    """Return one notice for each chat to notify.

    A notice with buttons lists the obligation as its only item, so that people may type a choice's number.
    """
    content: dict[str, object] = {
        "item": obligation.as_item(turn, holder=obligation.holder),
        "agency": obligation.holder,
        **context,
    }
    return [
        Answer(
            template,
            content,
            buttons=buttons,
            items=(obligation.id,) if buttons else (),
            to_chat=chat_id,
        )
        for chat_id in await list_chats_to_notify(turn, obligation)
    ]
