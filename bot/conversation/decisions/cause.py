"""Causes of lateness: accept the one that an explanation gives as objective, or not, with the ground typed.

Guarantees: the agency gets the decision with its ground; the explanation itself stays as it was given.
"""

from __future__ import annotations

from typing import Any

from bot.conversation.context.buttons import ButtonRows
from bot.conversation.context.turn import Turn
from bot.conversation.decisions.common import (
    decide_with_reason,
    load_for_decision,
    nothing_to_decide,
    open_decision_dialog,
)
from data.progress import explanations
from jobs.channel import Answer, Button

ACCEPTED_CAUSE_QUESTION = "accepted_cause"
REFUSED_CAUSE_QUESTION = "refused_cause"


def cause_decision_buttons(obligation_id: int) -> ButtonRows:
    """Return the two choices of a decision on the cause that an explanation gives."""
    return (
        (Button("Chấp nhận nguyên nhân khách quan", f"causeyes:{obligation_id}"),),
        (Button("Không chấp nhận nguyên nhân", f"causeno:{obligation_id}"),),
    )


async def ask_ground_of_acceptance(turn: Turn, obligation_id: int) -> list[Answer]:
    """Ask by which document, or why, a cause is accepted."""
    return await _ask(turn, obligation_id, ACCEPTED_CAUSE_QUESTION)


async def ask_ground_of_refusal(turn: Turn, obligation_id: int) -> list[Answer]:
    """Ask why a cause is not accepted."""
    return await _ask(turn, obligation_id, REFUSED_CAUSE_QUESTION)


async def accept_explained_cause(turn: Turn, dialog: Any) -> list[Answer]:
    """Accept a cause, on the ground typed."""
    return await decide_with_reason(
        turn, dialog, explanations.accept_cause, "cause_accepted", about="explanation"
    )


async def refuse_explained_cause(turn: Turn, dialog: Any) -> list[Answer]:
    """Do not accept a cause, on the ground typed."""
    return await decide_with_reason(
        turn, dialog, explanations.refuse_cause, "cause_refused", about="explanation"
    )


async def _ask(turn: Turn, obligation_id: int, question: str) -> list[Answer]:
    obligation = await load_for_decision(turn, obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    if not await explanations.is_explained(turn.connection, obligation_id):
        return [await nothing_to_decide(turn, obligation, "explanation")]
    return [await open_decision_dialog(turn, question, obligation)]
