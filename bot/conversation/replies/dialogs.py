"""Answers to what was asked: the next words of a person in a chat belong to the open question.

Promises that a command or a button known wins over an open question, that "huỷ" or "thôi" ends one, and
that in a group only a reply to the bot's message answers it. Each kind of question has one function here
that takes the words; it returns None where they answer something else, and then the question stays open.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bot.conversation.context.turn import Turn
from bot.conversation.decisions import table as verdicts
from bot.conversation.replies import evidence as documenting
from bot.conversation.replies import extension as extending
from bot.conversation.replies import problem as reporting
from bot.conversation.replies.record import EVIDENCE
from bot.conversation.targets import ask as target_asking
from bot.conversation.targets import record as target_saying
from data.progress import dialogs
from data.text import fold
from jobs.channel import Answer

Handler = Callable[[Turn, Any], Awaitable[list[Answer] | None]]

# What was asked (data.models.Dialog.asks) → what takes the words.
HANDLERS: dict[str, Handler] = {
    extending.UNTIL: extending.until_given,
    extending.REASON: extending.reason_given,
    reporting.REASON: reporting.blocked_reason_given,
    EVIDENCE: documenting.document_given,
    target_asking.WHICH: target_asking.which_given,
    target_saying.AGAIN: target_asking.value_given,
    **verdicts.ASKED,
}
# Asked beside an answer that is recorded already: "huỷ" means that answer, not the question.
_BESIDE = frozenset({EVIDENCE})
_ENDS = frozenset({"thoi", "thoi khong can", "bo qua", "thoi a", "khong can", "khong can nua"})
_TAKES_BACK = frozenset({"huy", "huy bo", "huy a"})
_HAS_NONE = frozenset({"khong", "khong co", "khong a", "khong co a", "chua co", "chua co a"})


def takes_back(text: str) -> bool:
    """Tell whether words mean "huỷ"."""
    return fold(text) in _TAKES_BACK


async def ended(turn: Turn) -> list[Answer] | None:
    """End the open question where the words say so; None where none is open or they say else."""
    dialog = await _open(turn)
    if dialog is None:
        return None
    words = fold(turn.incoming.text)
    beside = dialog.asks in _BESIDE
    if words in _ENDS or (words in _HAS_NONE and beside) or (words in _TAKES_BACK and not beside):
        await dialogs.close(turn.connection, dialog.id)
        return [Answer("dialog_ended", {"beside": beside})]
    return None


async def answered(turn: Turn) -> list[Answer] | None:
    """Let the open question take the words; None where none is open or they answer something else."""
    dialog = await _open(turn)
    handler = HANDLERS.get(dialog.asks) if dialog is not None else None
    if dialog is None or handler is None:
        return None
    await dialogs.close(turn.connection, dialog.id)
    answers = await handler(turn, dialog)
    if answers is None:
        await dialogs.reopen(turn.connection, dialog)
    return answers


async def forget(turn: Turn) -> None:
    """Drop the open question: a command or a press turned to something else."""
    dialog = await dialogs.asked(
        turn.connection, chat_id=turn.chat.id, person_id=turn.caller.person_id, now=turn.now
    )
    if dialog is not None:
        await dialogs.close(turn.connection, dialog.id)


async def _open(turn: Turn) -> Any:
    if turn.caller.in_group and turn.incoming.reply_to is None:
        return None  # people talk among themselves
    return await dialogs.asked(
        turn.connection, chat_id=turn.chat.id, person_id=turn.caller.person_id, now=turn.now
    )
