"""Notices about an obligation to the coordinator who follows it, or to the leaders who decide on it.

Guarantees:
- Who decides on an obligation gets its notices (context/deciding.py); the chat that caused one gets none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.conversation.context.buttons import UNNUMBERED, ButtonRows
from bot.conversation.context.deciding import list_decider_chats
from bot.conversation.context.turn import Turn, VisibleObligation
from jobs.channel import Answer


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
        **UNNUMBERED,
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
        for chat_id in await list_decider_chats(turn, obligation)
    ]
