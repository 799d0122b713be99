"""Showing items to be answered: one with its four choices, or the list it stands in.

Promises that an item is shown only to who may look at it, with buttons only to who may answer.
"""

from __future__ import annotations

from typing import Any

from bot.conversation.context.access import may
from bot.conversation.context.pages import ButtonRows
from bot.conversation.context.turn import Turn, visible_obligations
from bot.conversation.decisions import table as decision_table
from bot.conversation.lists.last_list import (
    REPEATED_LIST_KEY,
    ShownList,
    find_list_with_item,
    list_by_message,
)
from bot.conversation.queries import tasks as tasks_query
from jobs.channel import Answer, Button
from jobs.rendering.buttons import item_buttons


async def open_item(
    turn: Turn, obligation_id: int, menu: ShownList | None, *, not_understood: bool = False
) -> list[Answer]:
    """Show one item with its four choices, and the way back to the list it stood in."""
    known = (await visible_obligations(turn, [obligation_id])).get(obligation_id)
    if known is None:
        return [Answer("unknown_item")]
    behind = await find_list_with_item(turn, menu, obligation_id)
    context: dict[str, object] = {
        "item": known.as_item(turn, find_item_number(behind or menu, obligation_id)),
        "coordinator": known.row.coordinator_name or "",
        "not_understood": not_understood,
    }
    back = () if behind is None else ((Button("Quay lại", f"back:{behind.message_id}"),),)
    waiting = await decision_table.ask_pending_decision(turn, known, back=back)
    if waiting is not None:
        return [waiting]
    if known.row.state != "open" or not may(turn.caller, "ack", known.subject):
        return [Answer("item", {**context, "asks": False})]
    buttons = (*item_buttons(obligation_id, known.row.kind), *back)
    return [
        Answer(
            "item",
            {**context, "asks": True},
            buttons=buttons,
            items=(obligation_id,),
            edits=turn.pressed_message_id,
        )
    ]


async def show_list(turn: Turn, menu: ShownList) -> Answer:
    """Show a list again as it stands now, with the numbers it had."""
    shown, ids, buttons = await build_list_view(turn, menu)
    if not ids:
        return Answer("unknown_item")
    return Answer("list", shown, buttons=buttons, items=ids, edits=turn.pressed_message_id)


async def build_list_view(
    turn: Turn, menu: ShownList
) -> tuple[dict[str, Any], tuple[int, ...], ButtonRows]:
    """Return a menu's list as it stands now: what templates show of it, its ids, and its buttons.

    Its items keep the numbers they had; buttons that answer are for who may answer.
    """
    known = await visible_obligations(turn, [obligation_id for _, obligation_id in menu.items])
    items = [
        known[obligation_id].as_item(turn, number)
        for number, obligation_id in menu.items
        if obligation_id in known
    ]
    answers = any(may(turn.caller, "ack", entry.subject) for entry in known.values())
    buttons = (
        tasks_query.list_buttons(items, message_id=menu.message_id)
        if answers
        else tasks_query.open_buttons(items)
    )
    return (
        {"items": items, "answers": answers, REPEATED_LIST_KEY: menu.message_id},
        tuple(known),
        buttons,
    )


async def ask_with_list(turn: Turn, why: str, menu: ShownList, number: int | None) -> Answer:
    """Ask which item is meant, or what, by showing the list again."""
    source = (
        await list_by_message(turn, menu.list_id) if menu.list_id is not None else None
    ) or menu
    shown, ids, buttons = await build_list_view(turn, source)
    return Answer("ask", {"why": why, "number": number, **shown}, buttons=buttons, items=ids)


def no_list_answer(why: str, number: int | None = None) -> Answer:
    """Say that there is no list to answer ("no_list"), or that nothing could be read ("not_text")."""
    return Answer("ask", {"why": why, "number": number, "items": [], "answers": True})


async def ask_which_of_several(turn: Turn, obligation_ids: list[int]) -> list[Answer]:
    """Ask which of several is meant: the items that one code names, as a list of their own."""
    known = await visible_obligations(turn, obligation_ids)
    items = [entry.as_item(turn, number) for number, entry in enumerate(known.values(), 1)]
    if not items:
        return [Answer("unknown_item")]
    context: dict[str, object] = {"why": "which", "number": None, "items": items, "answers": True}
    return [Answer("ask", context, buttons=tasks_query.list_buttons(items), items=tuple(known))]


def find_item_number(menu: ShownList | None, obligation_id: int) -> int:
    """Return an item's number in a menu; 1 where it does not stand there."""
    items = menu.items if menu is not None else ()
    return next((number for number, item in items if item == obligation_id), 1)
