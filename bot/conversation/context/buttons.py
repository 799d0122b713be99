"""Buttons under lists, and the numbers before their items: by number, pages, commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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


def command_button(label: str, name: str, words: str) -> ButtonRows:
    """Return a row with a button that runs a command as if typed; none if its action is too long."""
    action = f"go:{name}:{words}"
    return ((Button(label, action),),) if len(action.encode()) <= _LONGEST_ACTION else ()


def open_buttons(items: Sequence[dict[str, Any]]) -> ButtonRows:
    """Return a numbered button for each line, which opens its item."""
    keys = [Button(str(item["number"]), f"open:{item['id']}") for item in items]
    return number_rows(keys)
