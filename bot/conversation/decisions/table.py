"""Tables of decisions: by button, and by the question whose typed answer decides.

A new kind of decision is one line in each.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.conversation.context.buttons import ButtonRows
from bot.conversation.context.turn import Turn, VisibleObligation
from bot.conversation.decisions import (
    cause,
    completion,
    dispute,
    extension,
    files,
    forms,
    question,
    undo,
)
from bot.conversation.decisions.common import UNDO_DECISION_VERB, DecisionDialogHandler
from jobs.channel import Answer

# A button's verb → its handler, with the row id after the verb ("confirm:12").
DECISION_BUTTON_ACTIONS: dict[str, Callable[[Turn, int], Awaitable[list[Answer]]]] = {
    "waiting": completion.show_waiting_completions,
    "confirm": completion.confirm_completion,
    "confirmall": completion.confirm_listed_completions,
    "return": completion.ask_return_reason,
    "files": files.send_evidence_files,
    "filesbefore": files.send_earlier_files,
    "form": forms.send_obligation_forms,
    "formfile": forms.open_form,
    "formdrop": forms.remove_duty_form,
    "grant": extension.grant_extension,
    "grantyes": extension.grant_extension_after_warning,
    "refuse": extension.ask_refusal_reason,
    "offer": extension.ask_offered_date,
    "keep": dispute.ask_keep_reason,
    "giveto": dispute.ask_new_agency,
    UNDO_DECISION_VERB: undo.undo_decision,
    "causeyes": cause.ask_ground_of_acceptance,
    "causeno": cause.ask_ground_of_refusal,
    "answer": question.ask_answer,
}

# A question (data.models.Dialog.asks) → the handler of the words typed.
DECISION_DIALOG_HANDLERS: dict[str, DecisionDialogHandler] = {
    completion.RETURN_REASON_QUESTION: completion.return_completion,
    extension.REFUSAL_REASON_QUESTION: extension.refuse_extension,
    extension.OFFERED_DATE_QUESTION: extension.offer_other_date,
    extension.DECISION_DOCUMENT_QUESTION: extension.decide_by_document,
    dispute.KEEP_REASON_QUESTION: dispute.keep_with_agency,
    dispute.NEW_AGENCY_QUESTION: dispute.give_to_agency,
    cause.ACCEPTED_CAUSE_QUESTION: cause.accept_explained_cause,
    cause.REFUSED_CAUSE_QUESTION: cause.refuse_explained_cause,
    question.ANSWER_QUESTION_DIALOG: question.take_answer,
}


async def ask_pending_decision(
    turn: Turn, obligation: VisibleObligation, *, back: ButtonRows = ()
) -> Answer | None:
    """Show the decision that an obligation needs from the caller, with its choices; None without one.

    back: the way back to the list it was opened from.
    """
    for ask in (
        completion.ask_completion_decision,
        extension.ask_extension_decision,
        dispute.ask_dispute_decision,
    ):
        answer = await ask(turn, obligation, back=back)
        if answer is not None:
            return answer
    return None
