"""The table of decisions: what a button decides, and what takes the words that a decision asked for.

A new kind of decision is one line here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.conversation.context.pages import Rows
from bot.conversation.context.turn import Known, Turn
from bot.conversation.decisions import completion as deciding
from bot.conversation.decisions import dispute as settling
from bot.conversation.decisions import explanation as explaining
from bot.conversation.decisions import extension as granting
from bot.conversation.decisions.common import Handler
from bot.conversation.lists.last_list import Menu
from jobs.channel import Answer


async def _waiting(turn: Turn, page: int, menu: Menu | None) -> list[Answer]:
    return await deciding.waiting_page(turn, page)


# A button's verb → what it does with the row's id that stands behind it.
VERBS: dict[str, Callable[[Turn, int, Menu | None], Awaitable[list[Answer]]]] = {
    "waiting": _waiting,
    "confirm": deciding.confirm,
    "confirmall": deciding.confirm_all,
    "return": deciding.send_back,
    "grant": granting.grant,
    "grantyes": granting.grant_anyway,
    "refuse": granting.refuse,
    "offer": granting.offer,
    "take": granting.take,
    "leave": granting.leave,
    "keep": settling.keep,
    "giveto": settling.give_to,
    "explain": explaining.explain,
}

# What was asked (data.models.Dialog.asks) → what takes the words.
ASKED: dict[str, Handler] = {
    deciding.RETURN: deciding.reason_given,
    granting.REFUSAL: granting.refusal_given,
    granting.OFFER: granting.date_given,
    granting.DOCUMENT: granting.document_given,
    settling.KEEP: settling.keep_reason_given,
    settling.GIVE: settling.agency_given,
    explaining.EXPLAIN: explaining.explanation_given,
}


async def to_decide(turn: Turn, known: Known, *, back: Rows = ()) -> Answer | None:
    """Return what an item asks of a caller who decides on it, with its choices; None: nothing.

    back: the way back to the list it was opened from.
    """
    for of in (deciding.to_decide, granting.to_decide, settling.to_decide):
        answer = await of(turn, known, back=back)
        if answer is not None:
            return answer
    return None
