"""Buttons under lists, and the numbers before their items: by number, pages, commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.conversation.context.pages import ListPage
from jobs.channel import Button
from jobs.rendering.buttons import number_rows

ButtonRows = tuple[tuple[Button, ...], ...]

# In a message's context: the id of the list whose numbers it shows again; 0: its items stand without numbers.
ORIGIN_KEY = "again"
UNNUMBERED: dict[str, object] = {ORIGIN_KEY: 0}

_LONGEST_ACTION = 64  # bytes


def page_buttons(name: str, page: int, pages: int, words: str = "") -> ButtonRows:
    """Return the row that leads to the pages before and after, if there are any.

    words: those after the command; too long ones leave the button out, and people type the page.
    """
    row = []
    for number, label in ((page - 1, "◀ Trang trước"), (page + 1, "Trang sau ▶")):
        action = f"page:{name}:{number}" + (f":{words}" if words else "")
        if 1 <= number <= pages and len(action.encode()) <= _LONGEST_ACTION:
            row.append(Button(label, action))
    return (tuple(row),) if row else ()


def following_button(name: str, at: ListPage, total: int, words: str = "") -> ButtonRows:
    """Return the rows that lead to the page after, "Xem tiếp (12)", and to the one before."""
    rows: ButtonRows = ()
    left = total - at.number * at.size
    for number, label in ((at.number + 1, f"Xem tiếp ({left})"), (at.number - 1, "Xem lại")):
        action = f"page:{name}:{number}" + (f":{words}" if words else "")
        if 1 <= number <= at.count and len(action.encode()) <= _LONGEST_ACTION:
            rows = (*rows, (Button(label, action),))
    return rows


def numbered_buttons(name: str, lines: Sequence[tuple[int, str]]) -> ButtonRows:
    """Return a numbered button for each line, (number, words), which runs a command as if typed."""
    actions = [(str(number), f"go:{name}:{words}") for number, words in lines]
    keys = [Button(label, key) for label, key in actions if len(key.encode()) <= _LONGEST_ACTION]
    return number_rows(keys)


def command_button(label: str, name: str, words: str) -> ButtonRows:
    """Return a row with a button that runs a command as if typed; none if its action is too long."""
    action = f"go:{name}:{words}"
    return ((Button(label, action),),) if len(action.encode()) <= _LONGEST_ACTION else ()


def evidence_button(obligation_id: int, count: int, label: str = "Mở minh chứng") -> ButtonRows:
    """Return the row that sends an obligation's files; none without files."""
    return ((Button(label, f"files:{obligation_id}"),),) if count else ()


def open_buttons(items: Sequence[dict[str, Any]]) -> ButtonRows:
    """Return a numbered button for each line, which opens its item."""
    keys = [Button(str(item["number"]), f"open:{item['id']}") for item in items]
    return number_rows(keys)
