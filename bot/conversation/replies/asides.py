"""Words beside the answers: an objection, remind me later, a correction, a farewell, a question for the registry."""

from __future__ import annotations

from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import ShownList
from bot.conversation.reader.understand import Understanding
from bot.conversation.replies.facts import answer_from_registry
from bot.conversation.replies.later import answer_snooze, answer_typed_correction
from bot.conversation.replies.leaving import answer_leaving
from bot.conversation.replies.objection import answer_objection
from jobs.channel import Answer


async def answer_aside(
    turn: Turn, reading: Understanding, shown_list: ShownList | None
) -> list[Answer] | None:
    """Answer words that are no answer about a task in themselves; None for all others."""
    return (
        await answer_objection(turn, reading, shown_list)
        or await answer_snooze(turn, shown_list)
        or await answer_typed_correction(turn, reading, shown_list)
        or await answer_leaving(turn, reading)
        or await answer_from_registry(turn, reading, shown_list)
    )
