"""The reason of a decision: said with it at once, or typed when asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bot.conversation.context.deciding import role_deciding_on
from bot.conversation.context.turn import Turn
from bot.conversation.decisions.common import (
    announce_decision,
    callers_origin,
    load_for_decision,
    nothing_to_decide,
    reopen_decision_dialog,
)
from jobs.channel import Answer
from jobs.planning.rungs import recompute

_LONGEST_REASON = 4000  # characters
_SHORTEST_REASON = 3  # characters


def parse_typed_reason(turn: Turn, words: str | None = None) -> str | None:
    """Return the reason typed, or None where it is too short. words: those of the message that give it."""
    words = " ".join((turn.incoming.text if words is None else words).split())[:_LONGEST_REASON]
    return words if len(words) >= _SHORTEST_REASON else None


async def decide_with_reason(
    turn: Turn, dialog: Any, record: Callable[..., Awaitable[bool]], what: str, *, about: str
) -> list[Answer]:
    """Take the reason typed, record the decision with it, and tell both sides; see decide_for_reason."""
    reason = parse_typed_reason(turn)
    if reason is None:
        return await reopen_decision_dialog(turn, dialog, "reason")
    return await decide_for_reason(
        turn, dialog.obligation_id, record, what, about=about, reason=reason
    )


async def decide_for_reason(
    turn: Turn,
    obligation_id: int,
    record: Callable[..., Awaitable[bool]],
    what: str,
    *,
    about: str,
    reason: str,
) -> list[Answer]:
    """Record a decision with its reason, and tell both sides.

    record: writes the decision down; False where it comes too late (data.progress.decisions). what: as
    templates/decided names it. about: as templates/nothing_to_decide names it.
    """
    obligation = await load_for_decision(turn, obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    if not await record(
        turn.connection,
        obligation.row,
        reason=reason,
        person_id=turn.caller.person_id,
        decided_by=role_deciding_on(turn, obligation).agency,
        now=turn.now,
        origin=callers_origin(turn),
    ):
        return [await nothing_to_decide(turn, obligation, about)]
    await recompute(turn.connection, turn.registry, [obligation.id], today=turn.today)
    return await announce_decision(turn, obligation, what, reason=reason)
