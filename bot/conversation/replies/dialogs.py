"""Answers to what was asked: the next words of a person in a chat belong to the open question.

Promises that a command or a button known wins over an open question, that "huỷ" or "thôi" ends one, and
that in a group only a reply to the bot's message answers it. Each kind of question has one function here
that takes the words; it returns None where they answer something else, and then the question stays open.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bot.conversation.context.turn import Turn
from bot.conversation.decisions import table as decision_table
from bot.conversation.replies import evidence as evidence_reply
from bot.conversation.replies import extension as extension_reply
from bot.conversation.replies import problem as problem_reply
from bot.conversation.replies.record import EVIDENCE_QUESTION
from bot.conversation.targets import ask as target_ask
from bot.conversation.targets import record as target_record
from data.progress import dialogs
from data.text import fold
from jobs.channel import Answer

DialogHandler = Callable[[Turn, Any], Awaitable[list[Answer] | None]]

# What was asked (data.models.Dialog.asks) → what takes the words.
DIALOG_HANDLERS: dict[str, DialogHandler] = {
    extension_reply.EXTENSION_DATE_QUESTION: extension_reply.take_extension_date,
    extension_reply.EXTENSION_REASON_QUESTION: extension_reply.take_extension_reason,
    problem_reply.BLOCKED_REASON_QUESTION: problem_reply.take_blocked_reason,
    EVIDENCE_QUESTION: evidence_reply.take_evidence_document,
    target_ask.TARGET_CHOICE_QUESTION: target_ask.take_target_choice,
    target_record.TARGET_VALUE_QUESTION: target_ask.take_target_value,
    **decision_table.DECISION_DIALOG_HANDLERS,
}
# Asked beside an answer that is recorded already: "huỷ" means that answer, not the question.
_OPTIONAL_QUESTIONS = frozenset({EVIDENCE_QUESTION})
_CANCEL_WORDS = frozenset(
    {"thoi", "thoi khong can", "bo qua", "thoi a", "khong can", "khong can nua"}
)
_RETRACTION_WORDS = frozenset({"huy", "huy bo", "huy a"})
_NONE_WORDS = frozenset({"khong", "khong co", "khong a", "khong co a", "chua co", "chua co a"})


def is_retraction(text: str) -> bool:
    """Tell whether words mean "huỷ"."""
    return fold(text) in _RETRACTION_WORDS


async def cancel_open_question(turn: Turn) -> list[Answer] | None:
    """End the open question where the words say so; None where none is open or they say else."""
    dialog = await _find_open_question(turn)
    if dialog is None:
        return None
    words = fold(turn.incoming.text)
    beside = dialog.asks in _OPTIONAL_QUESTIONS
    if (
        words in _CANCEL_WORDS
        or (words in _NONE_WORDS and beside)
        or (words in _RETRACTION_WORDS and not beside)
    ):
        await dialogs.close_dialog(turn.connection, dialog.id)
        return [Answer("dialog_ended", {"beside": beside})]
    return None


async def answer_open_question(turn: Turn) -> list[Answer] | None:
    """Let the open question take the words; None where none is open or they answer something else."""
    dialog = await _find_open_question(turn)
    handler = DIALOG_HANDLERS.get(dialog.asks) if dialog is not None else None
    if dialog is None or handler is None:
        return None
    await dialogs.close_dialog(turn.connection, dialog.id)
    answers = await handler(turn, dialog)
    if answers is None:
        await dialogs.reopen_dialog(turn.connection, dialog)
    return answers


async def close_open_question(turn: Turn) -> None:
    """Drop the open question: a command or a press turned to something else."""
    dialog = await dialogs.find_open_dialog(
        turn.connection, chat_id=turn.chat.id, person_id=turn.caller.person_id, now=turn.now
    )
    if dialog is not None:
        await dialogs.close_dialog(turn.connection, dialog.id)


async def _find_open_question(turn: Turn) -> Any:
    if turn.caller.in_group and turn.incoming.reply_to is None:
        return None  # people talk among themselves
    return await dialogs.find_open_dialog(
        turn.connection, chat_id=turn.chat.id, person_id=turn.caller.person_id, now=turn.now
    )
