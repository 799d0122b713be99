"""What was decided on several obligations, as a preview shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.conversation.context.preview import Deed
from bot.conversation.context.turn import Turn, VisibleObligation
from bot.conversation.decisions.common import list_other_agency_chats
from jobs.channel import Answer


async def deed_on_obligations(
    turn: Turn,
    act: str,
    about: Mapping[str, Any],
    obligations: Sequence[VisibleObligation],
    answers: list[Answer],
    exactly: Any,
    *,
    sends: bool = True,
    is_small: bool,
) -> Deed:
    """Return what was decided on obligations as a preview shows it; see context/preview.Deed.

    answers: the first is the caller's, the notices follow.
    """
    one_each = list({each.subject.holder_id: each for each in obligations}.values())
    silent = [
        each.holder
        for each in one_each
        if not await list_other_agency_chats(
            turn, each.subject.holder_id, own=each.subject.is_coordinators_own
        )
    ]
    return Deed(
        answers,
        act,
        about,
        [(each.row.province, each.holder_code, each.holder) for each in one_each],
        exactly,
        letter=next((each for each in answers if each.to_chat is not None), None),
        silent=silent,
        sends=sends,
        is_small=is_small,
    )
