"""Items and lists to answer: one item with its choices, a list again, a question which one is meant.

Guarantees:
- Only a caller who may look at an item sees it; only one who may answer gets its buttons.
- A list shown again keeps its numbers; a question about the words of a morning shows all its pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.conversation.context.access import may
from bot.conversation.context.buttons import UNNUMBERED, ButtonRows, open_buttons
from bot.conversation.context.pages import page_size
from bot.conversation.context.turn import Turn, visible_obligation, visible_obligations
from bot.conversation.decisions import table as decision_table
from bot.conversation.lists.last_list import (
    ShownList,
    find_list_with_item,
    find_source_list,
)
from bot.conversation.lists.numbers import (
    Meaning,
    list_following,
    list_numbered_items,
    resolve_number,
)
from jobs.channel import Answer, Button
from jobs.rendering.buttons import ASSIGN_CHOICE, next_button, reminder_buttons

_FRAME, _LINE = 700, 120  # UTF-16 units of a question's own words, and of a short line
_FULL_LINES = 10  # a longer list is shown in short lines
_NO_LIST: dict[str, object] = {
    "items": [],
    "answers": True,
    "left_out": 0,
    "short": False,
    "words": "",
}


@dataclass(frozen=True, slots=True)
class ListView:
    """A list as it is now: its template data, its obligations, its buttons."""

    context: dict[str, Any]
    items: tuple[int, ...]
    buttons: ButtonRows


async def open_item(
    turn: Turn, obligation_id: int, shown_list: ShownList | None, *, not_understood: bool = False
) -> list[Answer]:
    """Show one item with its four choices, and the way back to its list."""
    obligation = await visible_obligation(turn, obligation_id)
    if obligation is None:
        return [Answer("unknown_item")]
    source = await find_list_with_item(turn, shown_list, obligation_id)
    listed = source or shown_list
    number = find_item_number(listed, obligation_id)
    numbers = {} if listed is None else listed.numbers
    context: dict[str, object] = {
        "item": obligation.as_item(turn, number),
        "coordinator": obligation.row.coordinator_name or "",
        "not_understood": not_understood,
        "own": may(turn.caller, "ack", obligation.subject),
        **numbers,
    }
    ways = [] if source is None else [Button("Quay lại", f"back:{source.message_id}")]
    back = (tuple(ways),) if ways else ()
    content = Button("Nội dung", f"text:{obligation_id}")
    waiting = await decision_table.ask_pending_decision(turn, obligation, back=back)
    if waiting is not None:
        return [replace(waiting, context={**waiting.context, **(numbers or UNNUMBERED)})]
    if obligation.row.state != "open" or not may(turn.caller, "ack", obligation.subject):
        assigns = obligation.row.state == "open" and obligation.may_be_assigned(turn)
        choice = (
            ((Button(ASSIGN_CHOICE[0], f"{ASSIGN_CHOICE[1]}:{obligation_id}"),),) if assigns else ()
        )
        judged = obligation.row.state == "submitted" and may(turn.caller, "xacnhan")
        items = (obligation_id,) if choice or judged else ()  # "ok" means this one
        return [Answer("item", {**context, "asks": False}, buttons=choice, items=items)]
    buttons = (*obligation.choices(turn), (*ways, content))
    return [
        Answer(
            "item",
            {**context, "asks": True},
            buttons=buttons,
            items=(obligation_id,),
            edits=turn.pressed_message_id,
        )
    ]


async def show_list(turn: Turn, shown_list: ShownList, *, ended: bool = False) -> Answer:
    """Show a list again as it is now, with its old numbers. ended: what follows was asked for, and nothing does."""
    view = await build_list_view(turn, shown_list)
    if not view.items:
        return Answer("unknown_item")
    last = max(number for number, _ in shown_list.items)
    more = len(await list_following(turn, shown_list, last)) if last else 0
    buttons = (*view.buttons, *(((next_button(shown_list.message_id, more),),) if more else ()))
    context = {**view.context, "more": more, "ended": ended}
    return Answer("list", context, buttons, view.items, edits=turn.pressed_message_id)


async def build_list_view(
    turn: Turn,
    shown_list: ShownList,
    items: Sequence[tuple[int, int]] | None = None,
    *,
    most: int | None = None,
) -> ListView:
    """Return a list as it is now; items keep their numbers, and buttons that answer need the right to answer.

    items: (number, obligation id) in place of the list's own. most: lines shown; the others keep their numbers.
    """
    numbered = shown_list.items if items is None else items
    visible = await visible_obligations(turn, [obligation_id for _, obligation_id in numbered])
    context = shown_list.numbers
    if len({number for number, _ in numbered}) < len(numbered):  # two mornings of one day
        numbered = [(place, item) for place, (_, item) in enumerate(numbered, 1)]
        context = {}
    lines = [
        visible[obligation_id].as_item(turn, number)
        for number, obligation_id in numbered
        if obligation_id in visible
    ]
    shown = lines if most is None else lines[:most]
    answers = any(may(turn.caller, "ack", each.subject) for each in visible.values())
    message_id = shown_list.message_id if items is None else 0
    buttons = reminder_buttons(message_id, shown) if answers else open_buttons(shown)
    view = {
        "items": shown,
        "answers": answers,
        "left_out": len(lines) - len(shown),
        "short": len(shown) > page_size(turn.max_length, _FULL_LINES),
        **context,
    }
    return ListView(view, tuple(line["id"] for line in shown), buttons)


async def ask_with_list(
    turn: Turn, why: str, shown_list: ShownList, number: int | None = None, *, words: str = ""
) -> Answer:
    """Ask which item is meant, or what, and show the list again. why: as templates/ask names it.

    words: those that are shown again, because they are not the sender's own.

    Of a morning's pages it shows all, the most urgent items first, unless one of them was replied to.
    """
    source = await find_source_list(turn, shown_list)
    if source.broadcast_on is None or shown_list.answers_it:
        view = await build_list_view(turn, source)
    else:
        every = await list_numbered_items(turn, source)
        pairs = [(item.number, item.obligation_id) for item in every if item.state == "open"]
        most = max(1, (turn.max_length - _FRAME) // _LINE)
        view = await build_list_view(turn, source, pairs or source.items, most=most)
    context = {"why": why, "number": number, "words": words, **view.context}
    return Answer("ask", context, view.buttons, view.items)


async def ask_doubtful(turn: Turn, shown_list: ShownList, number: int | None) -> Answer:
    """Ask what is meant while nobody knows which list the sender sees; number: as typed, if any."""
    if number is not None:
        meaning = await resolve_number(turn, shown_list, number)
        if len(meaning.obligation_ids) > 1:
            return await ask_which_of_several(turn, meaning, number)
    return await ask_with_list(turn, "doubtful", shown_list, number)


async def ask_number(
    turn: Turn, shown_list: ShownList | None, meaning: Meaning, number: int | None
) -> Answer:
    """Ask what a number or code means that has no sure meaning; number: None for a code."""
    if len(meaning.obligation_ids) > 1:
        return await ask_which_of_several(turn, meaning, number)
    if shown_list is None:
        return no_list_answer("no_list", number)
    if meaning.is_doubtful:
        return await ask_doubtful(turn, shown_list, None)
    return await ask_with_list(
        turn, "no_code" if number is None else "no_number", shown_list, number
    )


def no_list_answer(
    why: str, number: int | None = None, *, words: str = "", follows: bool = False
) -> Answer:
    """Say that there is no list to answer ("no_list"), or that the bot reads text only ("not_text").

    follows: to one who follows plans, and answers for no agency in particular.
    """
    context = {"why": why, "number": number, **_NO_LIST, "words": words, "follows": follows}
    return Answer("ask", context)


async def ask_which_of_several(turn: Turn, meaning: Meaning, number: int | None) -> Answer:
    """Ask which of several obligations one number or code means, as a list of its own."""
    why = "doubtful" if meaning.is_doubtful else "which" if number is None else "number"
    return await ask_with_items(turn, why, meaning.obligation_ids, number)


async def ask_with_items(
    turn: Turn,
    why: str,
    obligation_ids: Sequence[int],
    number: int | None = None,
    *,
    words: str = "",
) -> Answer:
    """Ask about some obligations, as a list of its own."""
    visible = await visible_obligations(turn, obligation_ids)
    items = [entry.as_item(turn, place) for place, entry in enumerate(visible.values(), 1)]
    if not items:
        return Answer("unknown_item")
    context = {"why": why, "number": number, **_NO_LIST, "items": items, "words": words}
    return Answer("ask", context, reminder_buttons(0, items), tuple(visible))


async def find_list_to_show(
    turn: Turn, shown_list: ShownList | None, obligation_ids: Sequence[int]
) -> ShownList | None:
    """Return the list of several that shows one of the obligations; this one, or a page of its morning."""
    if shown_list is None:
        return None
    source = await find_source_list(turn, shown_list)
    for candidate in (source, await find_list_with_item(turn, source, obligation_ids[0])):
        if candidate is not None and set(obligation_ids) & set(candidate.obligation_ids):
            return candidate if len(candidate.items) > 1 else None
    return None


def find_item_number(shown_list: ShownList | None, obligation_id: int) -> int:
    """Return an item's number in a list, 0 if it has none there; without any list it is the first."""
    if shown_list is None:
        return 1
    return next((number for number, item in shown_list.items if item == obligation_id), 0)
