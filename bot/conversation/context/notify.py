"""Notices about an obligation to the coordinator who follows it, or to the leaders who decide on it.

Guarantees:
- Who decides on an obligation gets its notices (context/deciding.py); the chat that caused one gets none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.conversation.context.buttons import UNNUMBERED, ButtonRows, evidence_button
from bot.conversation.context.deciding import list_decider_chats
from bot.conversation.context.turn import Turn, VisibleObligation
from data.models import Obligation
from data.progress.evidence import count_evidence
from jobs.channel import Answer


async def coordinator_notices(
    turn: Turn,
    obligation: VisibleObligation,
    template: str,
    context: Mapping[str, Any],
    *,
    buttons: ButtonRows = (),
) -> list[Answer]:
    """Return one notice for each chat to notify; where files are kept with the obligation, it opens them.

    A notice with buttons lists the obligation as its only item, so that people may type a choice's number.
    """
    files = await count_evidence(turn.connection, Obligation.id == obligation.id)
    buttons = (*buttons, *evidence_button(obligation.id, files.get(obligation.id, 0)))
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
