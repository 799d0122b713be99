"""What agencies answer: the four buttons, their typed equivalents, and taking back.

Promises that what is not surely understood is asked, never recorded; that a number means what was
shown last; and that among people talking in a group nothing is recorded unasked. What an answer does
stands in answering.py, what is shown in listing.py.
"""

from __future__ import annotations

from bot.conversation import queries
from bot.conversation.access import may
from bot.conversation.answering import acknowledge_all, answer, undo, undo_last
from bot.conversation.listing import ask_again, open_item, show_list
from bot.conversation.menus import Menu, item_at, listed, menu_of
from bot.conversation.turn import Turn
from bot.conversation.understanding import Reading, read
from data.folding import fold
from jobs.channel import Answer

_LONGEST_KEY = 18  # digits of a row's id


async def pressed(turn: Turn) -> list[Answer]:
    """Answer a button: its key is looked up and judged, never trusted."""
    return await _act(turn, turn.incoming.text, await menu_of(turn))


async def typed(turn: Turn) -> list[Answer]:
    """Answer typed words: a label or number of the menu shown, or an answer to an item."""
    text = turn.incoming.text
    menu = await menu_of(turn)
    reading = read(text)
    if turn.caller.in_group and (menu is None or not menu.answers_it):
        # People talk among themselves: only a number opens an item, nothing is recorded.
        if menu is None or reading.number is None:
            return []
        obligation_id = await item_at(turn, menu, reading.number)
        return [] if obligation_id is None else await open_item(turn, obligation_id, menu)
    if reading.intent == "undo":
        return await undo_last(turn, menu)
    for button in menu.buttons if menu is not None else ():
        if not button.label.isdecimal() and fold(button.label) == fold(text):
            return await _act(turn, button.action, menu)
    if menu is None:
        return [Answer("ask", {"why": "no_list", "number": reading.number, "items": []})]
    return await _typed_of_menu(turn, reading, menu)


async def _typed_of_menu(turn: Turn, reading: Reading, menu: Menu) -> list[Answer]:
    number = reading.number
    if reading.intent == "open" and number is not None:
        choice = menu.choice(number)
        if choice is not None:
            return await _act(turn, choice, menu)
    if reading.intent == "ackall" and menu.only is None:
        return await acknowledge_all(turn, menu)
    obligation_id = menu.only if number is None else await item_at(turn, menu, number)
    if obligation_id is None:
        if number is not None:
            why = "no_number"
        else:
            why = "not_understood" if reading.intent == "unclear" else "which"
        return [await ask_again(turn, why, menu, number)]
    match reading.intent:
        case "open":
            return await open_item(turn, obligation_id, menu)
        case "unclear":
            return await open_item(turn, obligation_id, menu, not_understood=True)
        case "ackall":
            return await answer(turn, "ack", obligation_id, menu)
    about = menu if obligation_id == menu.only else None
    return await answer(turn, reading.intent, obligation_id, about, percent=reading.percent)


async def _act(turn: Turn, action: str, menu: Menu | None) -> list[Answer]:
    verb, _, argument = action.partition(":")
    if verb == "page":
        name = argument.partition(":")[0]
        allowed = name in ("viec", "status") and may(turn.caller, name)
        return await queries.turn_page(turn, argument) if allowed else [Answer("unknown_item")]
    if not argument.isdecimal() or len(argument) > _LONGEST_KEY:
        return [Answer("unknown_item")]
    key = int(argument)
    match verb:
        case "open":
            return await open_item(turn, key, menu)
        case "back":
            shown = await listed(turn, key)
            return [await show_list(turn, shown)] if shown else [Answer("unknown_item")]
        case "ackall":
            shown = await listed(turn, key) if key else menu
            return await acknowledge_all(turn, shown) if shown else [Answer("unknown_item")]
        case "undo":
            return await undo(turn, key, menu)
        case "ack" | "doing" | "done" | "more":
            about = menu if menu is not None and menu.only == key else None
            return await answer(turn, verb, key, about)
    return [Answer("unknown_item")]
