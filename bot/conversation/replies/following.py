"""What follows in a list that a message shows only a part of: "Xem tiếp", by button or typed.

Guarantees:
- The items keep the numbers of their list; where a button was pressed they replace what its message shows.
"""

from __future__ import annotations

from bot.conversation.context.pages import page_size
from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import ShownList, list_by_message
from bot.conversation.lists.numbers import list_following
from bot.conversation.replies.show import build_list_view, show_list
from data.text import fold
from jobs.channel import Answer, Button
from jobs.rendering.buttons import next_button

_ITEMS_A_PAGE = 10
_WORDS = frozenset({"xem tiep", "tiep", "tiep theo", "xem them"})


def asks_for_following(text: str) -> bool:
    """Tell whether words ask for what follows in the list: "xem tiếp"."""
    return fold(text).strip(" .") in _WORDS


async def show_following(turn: Turn, list_id: int, shown_list: ShownList | None) -> list[Answer]:
    """Show the next items of a list with their numbers; after the last one say so, with its beginning.

    list_id: the message that lists them all. shown_list: the message that was answered, which may show a later
    part of that list.
    """
    origin = await list_by_message(turn, list_id)
    if origin is None:
        return [Answer("unknown_item")]
    last = max(number for number, _ in origin.items)
    if shown_list is not None and shown_list.origin_id == origin.message_id:
        last = max([last, *(number for number, _ in shown_list.items)])
    following = await list_following(turn, origin, last)
    page = following[: page_size(turn.max_length, _ITEMS_A_PAGE)]
    view = await build_list_view(turn, origin, page)
    if not view.items:
        return [await show_list(turn, origin, ended=True)]
    more = len(following) - len(page)
    ways = [next_button(origin.message_id, more)] if more else []
    ways.append(Button("Quay lại", f"back:{origin.message_id}"))
    context = {**view.context, "more": more}
    buttons = (*view.buttons, tuple(ways))
    return [Answer("list", context, buttons, view.items, edits=turn.pressed_message_id)]
