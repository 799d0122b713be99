"""The table of decisions: what a button decides, and what takes the words that a decision asked for.

A new kind of decision is one line here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.conversation.context.pages import ButtonRows
from bot.conversation.context.turn import Turn, VisibleObligation
from bot.conversation.decisions import completion as completion_decision
from bot.conversation.decisions import dispute as dispute_decision
from bot.conversation.decisions import explanation as explanation_decision
from bot.conversation.decisions import extension as extension_decision
from bot.conversation.decisions.common import DecisionDialogHandler
from bot.conversation.lists.last_list import ShownList
from jobs.channel import Answer


async def _waiting(turn: Turn, page: int, menu: ShownList | None) -> list[Answer]:
    return await completion_decision.show_waiting_page(turn, page)


# A button's verb → what it does with the row's id that stands behind it.
DECISION_BUTTON_ACTIONS: dict[
    str, Callable[[Turn, int, ShownList | None], Awaitable[list[Answer]]]
] = {
    "waiting": _waiting,
    "confirm": completion_decision.handle_confirm,
    "confirmall": completion_decision.handle_confirm_all,
    "return": completion_decision.handle_return,
    "grant": extension_decision.handle_grant,
    "grantyes": extension_decision.handle_grant_anyway,
    "refuse": extension_decision.handle_refuse,
    "offer": extension_decision.handle_offer,
    "take": extension_decision.handle_accept_offer,
    "leave": extension_decision.handle_decline_offer,
    "keep": dispute_decision.handle_keep,
    "giveto": dispute_decision.handle_give_to,
    "explain": explanation_decision.handle_explain,
}

# What was asked (data.models.Dialog.asks) → what takes the words.
DECISION_DIALOG_HANDLERS: dict[str, DecisionDialogHandler] = {
    completion_decision.RETURN_REASON_QUESTION: completion_decision.take_return_reason,
    extension_decision.REFUSAL_REASON_QUESTION: extension_decision.take_refusal_reason,
    extension_decision.OFFERED_DATE_QUESTION: extension_decision.take_offered_date,
    extension_decision.DECISION_DOCUMENT_QUESTION: extension_decision.take_decision_document,
    dispute_decision.KEEP_REASON_QUESTION: dispute_decision.take_keep_reason,
    dispute_decision.NEW_AGENCY_QUESTION: dispute_decision.take_new_agency,
    explanation_decision.EXPLANATION_QUESTION: explanation_decision.take_explanation,
}


async def ask_pending_decision(
    turn: Turn, known: VisibleObligation, *, back: ButtonRows = ()
) -> Answer | None:
    """Return what an item asks of a caller who decides on it, with its choices; None: nothing.

    back: the way back to the list it was opened from.
    """
    for of in (
        completion_decision.ask_completion_decision,
        extension_decision.ask_extension_decision,
        dispute_decision.ask_dispute_decision,
    ):
        answer = await of(turn, known, back=back)
        if answer is not None:
            return answer
    return None
