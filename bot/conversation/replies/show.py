"""Showing items to be answered: one with its four choices, or the list it stands in.

Promises that an item is shown only to who may look at it, with buttons only to who may answer.
"""

from __future__ import annotations

from typing import Any

from bot.conversation.context.access import may
from bot.conversation.context.pages import Rows
from bot.conversation.context.turn import Turn, look_up
from bot.conversation.decisions import table as verdicts
from bot.conversation.lists.last_list import AGAIN, Menu, list_with, listed
from bot.conversation.queries import tasks as queries
from jobs.channel import Answer, Button
from jobs.rendering.buttons import item_buttons


async def open_item(
    turn: Turn, obligation_id: int, menu: Menu | None, *, not_understood: bool = False
) -> list[Answer]:
    """Show one item with its four choices, and the way back to the list it stood in."""
    known = (await look_up(turn, [obligation_id])).get(obligation_id)
    if known is None:
        return [Answer("unknown_item")]
    behind = await list_with(turn, menu, obligation_id)
    context: dict[str, object] = {
        "item": known.line(turn, number_in(behind or menu, obligation_id)),
        "coordinator": known.row.coordinator_name or "",
        "not_understood": not_understood,
    }
    back = () if behind is None else ((Button("Quay lại", f"back:{behind.message_id}"),),)
    waiting = await verdicts.to_decide(turn, known, back=back)
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
            edits=turn.pressed,
        )
    ]


async def show_list(turn: Turn, menu: Menu) -> Answer:
    """Show a list again as it stands now, with the numbers it had."""
    shown, ids, buttons = await listing(turn, menu)
    if not ids:
        return Answer("unknown_item")
    return Answer("list", shown, buttons=buttons, items=ids, edits=turn.pressed)


async def listing(turn: Turn, menu: Menu) -> tuple[dict[str, Any], tuple[int, ...], Rows]:
    """Return a menu's list as it stands now: what templates show of it, its ids, and its buttons.

    Its items keep the numbers they had; buttons that answer are for who may answer.
    """
    known = await look_up(turn, [obligation_id for _, obligation_id in menu.items])
    items = [
        known[obligation_id].line(turn, number)
        for number, obligation_id in menu.items
        if obligation_id in known
    ]
    answers = any(may(turn.caller, "ack", entry.subject) for entry in known.values())
    buttons = (
        queries.list_buttons(items, message_id=menu.message_id)
        if answers
        else queries.open_buttons(items)
    )
    return {"items": items, "answers": answers, AGAIN: menu.message_id}, tuple(known), buttons


async def ask_again(turn: Turn, why: str, menu: Menu, number: int | None) -> Answer:
    """Ask which item is meant, or what, by showing the list again."""
    source = (await listed(turn, menu.list_id) if menu.list_id is not None else None) or menu
    shown, ids, buttons = await listing(turn, source)
    return Answer("ask", {"why": why, "number": number, **shown}, buttons=buttons, items=ids)


def nothing_listed(why: str, number: int | None = None) -> Answer:
    """Say that there is no list to answer ("no_list"), or that nothing could be read ("not_text")."""
    return Answer("ask", {"why": why, "number": number, "items": [], "answers": True})


async def show_several(turn: Turn, obligation_ids: list[int]) -> list[Answer]:
    """Ask which of several is meant: the items that one code names, as a list of their own."""
    known = await look_up(turn, obligation_ids)
    items = [entry.line(turn, number) for number, entry in enumerate(known.values(), 1)]
    if not items:
        return [Answer("unknown_item")]
    context: dict[str, object] = {"why": "which", "number": None, "items": items, "answers": True}
    return [Answer("ask", context, buttons=queries.list_buttons(items), items=tuple(known))]


def number_in(menu: Menu | None, obligation_id: int) -> int:
    """Return an item's number in a menu; 1 where it does not stand there."""
    items = menu.items if menu is not None else ()
    return next((number for number, item in items if item == obligation_id), 1)
