"""Items and lists to answer: one item with its choices, a list again, a question which one is meant.

Guarantees:
- Only a caller who may look at an item sees it; only one who may answer gets its buttons.
"""

from __future__ import annotations

from typing import Any

from bot.conversation.context.access import may
from bot.conversation.context.buttons import ButtonRows, open_buttons
from bot.conversation.context.turn import Turn, visible_obligation, visible_obligations
from bot.conversation.decisions import table as decision_table
from bot.conversation.lists.last_list import (
    REPEATED_LIST_KEY,
    ShownList,
    find_list_with_item,
    find_source_list,
)
from jobs.channel import Answer, Button
from jobs.rendering.buttons import ASSIGN_CHOICE, reminder_buttons


async def open_item(
    turn: Turn, obligation_id: int, shown_list: ShownList | None, *, not_understood: bool = False
) -> list[Answer]:
    """Show one item with its four choices, and the way back to its list."""
    obligation = await visible_obligation(turn, obligation_id)
    if obligation is None:
        return [Answer("unknown_item")]
    source = await find_list_with_item(turn, shown_list, obligation_id)
    context: dict[str, object] = {
        "item": obligation.as_item(turn, find_item_number(source or shown_list, obligation_id)),
        "coordinator": obligation.row.coordinator_name or "",
        "not_understood": not_understood,
    }
    back = () if source is None else ((Button("Quay lại", f"back:{source.message_id}"),),)
    waiting = await decision_table.ask_pending_decision(turn, obligation, back=back)
    if waiting is not None:
        return [waiting]
    if obligation.row.state != "open" or not may(turn.caller, "ack", obligation.subject):
        assigns = obligation.row.state == "open" and obligation.may_be_assigned(turn)
        choice = (
            ((Button(ASSIGN_CHOICE[0], f"{ASSIGN_CHOICE[1]}:{obligation_id}"),),) if assigns else ()
        )
        items = (obligation_id,) if choice else ()
        return [Answer("item", {**context, "asks": False}, buttons=choice, items=items)]
    buttons = (*obligation.choices(turn), *back)
    return [
        Answer(
            "item",
            {**context, "asks": True},
            buttons=buttons,
            items=(obligation_id,),
            edits=turn.pressed_message_id,
        )
    ]


async def show_list(turn: Turn, shown_list: ShownList) -> Answer:
    """Show a list again as it is now, with its old numbers."""
    view, ids, buttons = await build_list_view(turn, shown_list)
    if not ids:
        return Answer("unknown_item")
    return Answer("list", view, buttons=buttons, items=ids, edits=turn.pressed_message_id)


async def build_list_view(
    turn: Turn, shown_list: ShownList
) -> tuple[dict[str, Any], tuple[int, ...], ButtonRows]:
    """Return a list as it is now: its template data, its obligations, its buttons.

    Items keep their numbers; buttons that answer need the right to answer.
    """
    visible = await visible_obligations(turn, shown_list.obligation_ids)
    items = [
        visible[obligation_id].as_item(turn, number)
        for number, obligation_id in shown_list.items
        if obligation_id in visible
    ]
    answers = any(may(turn.caller, "ack", each.subject) for each in visible.values())
    buttons = reminder_buttons(shown_list.message_id, items) if answers else open_buttons(items)
    view = {"items": items, "answers": answers, REPEATED_LIST_KEY: shown_list.message_id}
    return view, tuple(visible), buttons


async def ask_with_list(
    turn: Turn, why: str, shown_list: ShownList, number: int | None = None
) -> Answer:
    """Ask which item is meant, or what, and show the list again. why: as templates/ask names it."""
    source = await find_source_list(turn, shown_list)
    view, ids, buttons = await build_list_view(turn, source)
    return Answer("ask", {"why": why, "number": number, **view}, buttons=buttons, items=ids)


def no_list_answer(why: str, number: int | None = None) -> Answer:
    """Say that there is no list to answer ("no_list"), or that the bot reads text only ("not_text")."""
    return Answer("ask", {"why": why, "number": number, "items": [], "answers": True})


async def ask_which_of_several(turn: Turn, obligation_ids: list[int]) -> list[Answer]:
    """Ask which of several obligations with one code is meant, as a list of its own."""
    visible = await visible_obligations(turn, obligation_ids)
    items = [entry.as_item(turn, number) for number, entry in enumerate(visible.values(), 1)]
    if not items:
        return [Answer("unknown_item")]
    context: dict[str, object] = {"why": "which", "number": None, "items": items, "answers": True}
    return [Answer("ask", context, buttons=reminder_buttons(0, items), items=tuple(visible))]


def find_item_number(shown_list: ShownList | None, obligation_id: int) -> int:
    """Return an item's number in a list; 1 outside it."""
    items = shown_list.items if shown_list is not None else ()
    return next((number for number, item in items if item == obligation_id), 1)
