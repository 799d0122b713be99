"""The open question and the next words typed: answer it, cancel it, or leave it open.

Guarantees:
- A command or a button wins over an open question; "huỷ" or "thôi" ends it.
- In a group only a reply to the bot's message answers it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from bot.conversation.context.dialogs import find_open_question
from bot.conversation.context.turn import Turn
from bot.conversation.decisions.question import ANSWER_QUESTION_DIALOG
from bot.conversation.decisions.table import DECISION_DIALOG_HANDLERS
from bot.conversation.replies import evidence, explanation, extension, facts, leaving, problem
from bot.conversation.replies.record import EVIDENCE_QUESTION
from bot.conversation.targets.ask import (
    TARGET_CHOICE_QUESTION,
    take_target_choice,
    take_target_value,
)
from bot.conversation.targets.record import TARGET_VALUE_QUESTION
from data.progress import dialogs
from data.text import fold
from jobs.channel import Answer

DialogHandler = Callable[[Turn, Any], Awaitable[list[Answer] | None]]

# A question (data.models.Dialog.asks) → the handler of the words typed. A handler returns None where the
# words answer something else; the question then stays open.
DIALOG_HANDLERS: dict[str, DialogHandler] = {
    extension.EXTENSION_DATE_QUESTION: extension.take_extension_date,
    extension.EXTENSION_REASON_QUESTION: extension.take_extension_reason,
    problem.BLOCKED_REASON_QUESTION: problem.take_blocked_reason,
    explanation.EXPLANATION_QUESTION: explanation.take_explanation,
    leaving.LEAVING_QUESTION: leaving.take_leaving_choice,
    facts.QUESTION_TO_ASK: facts.take_question,
    EVIDENCE_QUESTION: evidence.take_evidence_document,
    TARGET_CHOICE_QUESTION: take_target_choice,
    TARGET_VALUE_QUESTION: take_target_value,
    **DECISION_DIALOG_HANDLERS,
}
# The reply is recorded before these are asked: "huỷ" means the reply, not the question.
_OPTIONAL_QUESTIONS = frozenset({EVIDENCE_QUESTION})
_CANCEL_WORDS = frozenset(
    {"thoi", "thoi khong can", "bo qua", "thoi a", "khong can", "khong can nua"}
)
_RETRACTION = re.compile(
    r"(?:da |xin |cho |em )*huy(?: bo| di)?(?: giup| gium| ho)?(?: em| minh)?(?: a| nhe| nha| voi)*"
)
_NONE_WORDS = frozenset({"khong", "khong co", "khong a", "khong co a", "chua co", "chua co a"})


def is_retraction(text: str) -> bool:
    """Tell whether words mean "huỷ"."""
    return _RETRACTION.fullmatch(fold(text)) is not None


async def cancel_open_question(
    turn: Turn, text: str, *, surely_meant: bool = False
) -> list[Answer] | None:
    """End the open question where the words cancel it; None where they do not or none is open.

    surely_meant: for the bot, also in a group.
    """
    dialog = await (find_open_question(turn) if surely_meant else _find_question_to_answer(turn))
    if dialog is None:
        return None
    words = fold(text)
    optional = dialog.asks in _OPTIONAL_QUESTIONS
    cancels = words in _NONE_WORDS if optional else is_retraction(text)
    # "Không cần" may be the answer to a question.
    if cancels or (words in _CANCEL_WORDS and dialog.asks != ANSWER_QUESTION_DIALOG):
        await dialogs.close_dialog(turn.connection, dialog.id)
        return [Answer("dialog_ended", {"beside": optional})]
    return None


async def answer_open_question(turn: Turn) -> list[Answer] | None:
    """Answer the open question with the words; None where they answer something else or none is open."""
    dialog = await _find_question_to_answer(turn)
    handler = DIALOG_HANDLERS.get(dialog.asks) if dialog is not None else None
    if dialog is None or handler is None:
        return None
    await dialogs.close_dialog(turn.connection, dialog.id)
    answers = await handler(turn, dialog)
    if answers is None:
        await dialogs.reopen_dialog(turn.connection, dialog)
    return answers


async def _find_question_to_answer(turn: Turn) -> Any:
    if turn.caller.in_group and turn.incoming.reply_to is None:
        return None  # people talk among themselves
    return await find_open_question(turn)
