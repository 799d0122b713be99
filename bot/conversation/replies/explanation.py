"""The agency's explanation (giải trình): ask for its words, file them, notify the coordinator.

Guarantees:
- An explanation is filed once.
- The chat that asked for it and the coordinator get a notice.
"""

from __future__ import annotations

from typing import Any

from bot.conversation.context.buttons import UNNUMBERED
from bot.conversation.context.deciding import list_decider_chats
from bot.conversation.context.pages import split_words
from bot.conversation.context.turn import Turn, VisibleObligation
from bot.conversation.decisions.cause import cause_decision_buttons
from bot.conversation.decisions.common import (
    open_decision_dialog,
    outcome_context,
    reopen_decision_dialog,
)
from bot.conversation.reader.understand import Understanding
from bot.conversation.replies.questions import words_continued
from bot.conversation.replies.record import load_for_reply
from data.progress import explanations
from data.progress.outcomes import Outcome
from jobs.channel import Answer

EXPLANATION_QUESTION = "explanation"
MAX_EXPLANATION_LENGTH = 4096  # characters: what a message can bring
_LEAST_WORDS = 4  # of an explanation typed without pressing the button first


async def ask_explanation(turn: Turn, explanation_id: int) -> list[Answer]:
    """Ask for the words of an explanation."""
    loaded = await _load_open_explanation(turn, explanation_id)
    if isinstance(loaded, Answer):
        return [loaded]
    obligation, _ = loaded
    return [
        await open_decision_dialog(
            turn, EXPLANATION_QUESTION, obligation, explanation=explanation_id
        )
    ]


async def take_explanation(turn: Turn, dialog: Any) -> list[Answer]:
    """File the explanation typed."""
    if len(turn.incoming.text.split()) < 2:
        return await reopen_decision_dialog(turn, dialog, "reason")
    return await file_typed_explanation(turn, dialog.details["explanation"])


def is_explanation(reading: Understanding) -> bool:
    """Tell whether words typed under a request to explain are an explanation, and no other reply."""
    return (
        len((reading.note or "").split()) >= _LEAST_WORDS
        and not reading.tasks
        and reading.intent in ("unclear", "status")
        and reading.status != "completed"
    )


async def file_typed_explanation(turn: Turn, explanation_id: int) -> list[Answer]:
    """File the typed words as an explanation, and notify who asked for it."""
    words = turn.incoming.text.strip()[:MAX_EXPLANATION_LENGTH]
    loaded = await _load_open_explanation(turn, explanation_id)
    if isinstance(loaded, Answer):
        return [loaded]
    obligation, request = loaded
    await explanations.record_explanation(
        turn.connection, explanation_id, words=words, person_id=turn.caller.person_id, now=turn.now
    )
    first, *others = split_words(words)
    context: dict[str, object] = {
        "agency": obligation.holder,
        "item": obligation.as_item(turn, holder=""),
        "question": request.question,
        "words": first,
        "parts": 1 + len(others),
        "length": len(words),
        "notice": False,
    }
    deciders = await list_decider_chats(turn, obligation)
    answers = [Answer("explained", context)]
    for chat in dict.fromkeys((request.asked_chat_id, *deciders)):
        if chat is None or chat == turn.chat.id:
            continue
        decides = chat in deciders
        notice = Answer(
            "explained",
            {**context, "notice": True, **UNNUMBERED},
            buttons=cause_decision_buttons(obligation.id) if decides else (),
            items=(obligation.id,) if decides else (),
            to_chat=chat,
        )
        answers += [notice, *words_continued(obligation.holder, others, to_chat=chat)]
    return answers


async def _load_open_explanation(
    turn: Turn, explanation_id: int
) -> tuple[VisibleObligation, Any] | Answer:
    """Return an open request and its obligation if the caller may answer it, else the refusal."""
    request = await explanations.find_explanation(turn.connection, explanation_id)
    if request is None:
        return Answer("unknown_item")
    obligation = await load_for_reply(turn, "doing", request.obligation_id)
    if isinstance(obligation, Answer):
        return obligation
    request = await explanations.find_explanation(turn.connection, explanation_id)
    assert request is not None  # read again now that its obligation is locked
    if request.state != "asked":
        outcome = Outcome("answered", obligation.holder, request.answered_at)
        decided = outcome_context(outcome)
        return Answer("explanation_filed", {"item": obligation.as_item(turn), "decided": decided})
    if request.asked_person_id is not None and request.asked_person_id == turn.caller.person_id:
        who = obligation.row.coordinator_name or ""
        return Answer("not_allowed", {"why": "own_question", "coordinator": who, "command": ""})
    return obligation, request
