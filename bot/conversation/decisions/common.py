"""What every decision uses: who may take it, how it is said back, and who hears of it.

Promises that an obligation is decided on only by who may (access.may, "decide"), under the person's
name, and that its agency hears of it in its own chats. Writes down no decision itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import false, or_

from bot.conversation.context.access import may
from bot.conversation.context.pages import ButtonRows
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from data.contacts.recipients import agency_recipients, coordinator_recipients
from data.progress import decisions, dialogs
from jobs.channel import Answer, Button
from jobs.rendering.buttons import NUMBERS_A_ROW

DecisionDialogHandler = Callable[
    [Turn, Any], Awaitable[list[Answer]]
]  # of the words that answer a dialog

MAX_DECISION_REASON = 1000
MIN_DECISION_REASON = 3


async def load_for_decision(turn: Turn, obligation_id: int) -> VisibleObligation | Answer:
    """Return an obligation that the caller may decide on, or the answer that says why not."""
    known = (await visible_obligations(turn, [obligation_id])).get(obligation_id)
    if known is None:
        return Answer("unknown_item")
    if not may(turn.caller, "decide", known.subject):
        own = known.subject.holder_id == known.subject.coordinator_id
        return Answer(
            "cannot_decide", {"own": own, "coordinator": known.row.coordinator_name or ""}
        )
    return known


def deciding_agency(turn: Turn) -> str:
    """Return for whom the caller decides: an agency's name."""
    return next((enrolled.agency for enrolled in turn.caller.enrolments), "")


async def list_other_agency_chats(
    turn: Turn, agency_id: int | None, *, own: bool = False
) -> list[int]:
    """Return the chats in which an agency hears of a decision, without this one.

    own: of what the coordinating agency owes itself, its coordinators hear as well as its focal points.
    """
    if agency_id is None:
        return []
    found = await agency_recipients(turn.connection, agency_id)
    if own or not found:
        found = [*found, *await coordinator_recipients(turn.connection, agency_id)]
    chats = dict.fromkeys(place.chat_id for place in found)
    return [chat_id for chat_id in chats if chat_id != turn.chat.id]


async def decision_notices(
    turn: Turn,
    known: Sequence[VisibleObligation],
    what: str,
    *,
    buttons: ButtonRows = (),
    **more: Any,
) -> list[Answer]:
    """Return the notices of a decision: one for each chat of the agencies concerned.

    With buttons a notice is a menu of its items, so that its choices can be typed as numbers too.
    """
    by_holder: dict[int | None, list[VisibleObligation]] = {}
    for entry in known:
        by_holder.setdefault(entry.subject.holder_id, []).append(entry)
    notices: list[Answer] = []
    for holder_id, entries in by_holder.items():
        context: dict[str, object] = {
            "what": what,
            "agency": entries[0].holder,
            "items": [{**e.as_item(turn, n), "holder": ""} for n, e in enumerate(entries, 1)],
            "by": _coordinator_of(entries[0]),
            "reason": "",
            "until": "",
            "document": "",
            **more,
        }
        ids = tuple(entry.row.id for entry in entries) if buttons else ()
        notices.extend(
            Answer("notice_decision", context, buttons, items=ids, to_chat=chat_id)
            for chat_id in await list_other_agency_chats(turn, holder_id, own=_is_own(entries[0]))
        )
    return notices


def _is_own(known: VisibleObligation) -> bool:
    return known.subject.holder_id == known.subject.coordinator_id


def _coordinator_of(known: VisibleObligation) -> str:
    return "lãnh đạo" if _is_own(known) else (known.row.coordinator_name or "cơ quan theo dõi")


async def open_decision_dialog(
    turn: Turn, asks: str, known: VisibleObligation, *, again: str = "", **details: Any
) -> Answer:
    """Ask the caller for words that a decision needs; the next ones typed here are the answer.

    again: what was wrong with the words just typed, as templates/ask_decision names it.
    """
    await dialogs.open_dialog(
        turn.connection,
        chat_id=turn.chat.id,
        person_id=turn.caller.person_id,
        asks=asks,
        obligation_id=known.row.id,
        details=details,
        now=turn.now,
    )
    context: dict[str, object] = {
        "asks": asks,
        "again": again,
        "in_group": turn.caller.in_group,
        "item": known.as_item(turn, 1),
        "until": "",
        "onward": "",
        "onward_on": "",
        "found": [],
    }
    return Answer("ask_decision", {**context, **details})


async def reopen_decision_dialog(turn: Turn, dialog: Any, again: str, **more: Any) -> list[Answer]:
    """Ask once more what was not understood."""
    known = (await visible_obligations(turn, [dialog.obligation_id])).get(dialog.obligation_id)
    if known is None:
        return [Answer("unknown_item")]
    details = {**dialog.details, **more}
    return [await open_decision_dialog(turn, dialog.asks, known, again=again, **details)]


def parse_typed_reason(turn: Turn) -> str | None:
    """Return the reason typed, or None where there is as good as none."""
    words = " ".join(turn.incoming.text.split())[:MAX_DECISION_REASON]
    return words if len(words) >= MIN_DECISION_REASON else None


async def decision_confirmation(
    turn: Turn, known: VisibleObligation, what: str, **more: Any
) -> Answer:
    """Say back a decision to who took it, with the item as it stands now."""
    now = (await visible_obligations(turn, [known.row.id])).get(known.row.id, known)
    context: dict[str, object] = {
        "what": what,
        "item": now.as_item(turn, 1),
        "agency": known.holder,
        "told": bool(await list_other_agency_chats(turn, known.subject.holder_id)),
        "reason": "",
        "until": "",
        "document": "",
        "waiting": 0,
    }
    return Answer("decided", {**context, **more}, edits=turn.pressed_message_id)


async def caller_decides_condition(turn: Turn) -> Any:
    """Return the condition on Obligation that the caller decides on it."""
    conditions = []
    for enrolled in turn.caller.enrolments:
        leads = enrolled.role == "leader" and enrolled.may_decide
        if enrolled.role == "coordinator" or leads:
            conditions.append(
                await decisions.decidable_condition(
                    turn.connection,
                    turn.holders(enrolled.province),
                    enrolled.province,
                    coordinator_id=None if leads else enrolled.agency_id,
                )
            )
    return or_(*conditions) if conditions else false()


def item_number_buttons(ids: Sequence[int]) -> ButtonRows:
    """Return the buttons by which the items of a list are opened, by their numbers."""
    numbers = [Button(str(number), f"open:{key}") for number, key in enumerate(ids, 1)]
    return tuple(
        tuple(numbers[start : start + NUMBERS_A_ROW])
        for start in range(0, len(numbers), NUMBERS_A_ROW)
    )
