"""The buttons under lists and items, and what a channel without buttons shows in their place.

Promises that each action names its obligation or message by id, so that a button means the same however
the list around it changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from data.db.statements import chunks
from data.rules.ladder import UNDATED
from jobs.channel import Button
from jobs.rendering.items import Item

_NUMBERS_A_ROW = 5


def reminder_buttons(message_id: int, items: Sequence[Item]) -> tuple[tuple[Button, ...], ...]:
    """Return the buttons of a list: four for one item, else a number each and one for all.

    For all is "đã nhận", or of tasks without a due date, where nothing is to be received, "đang làm".
    """
    if not items:
        return ()
    if len(items) == 1:
        return item_buttons(items[0]["id"], items[0]["kind"])
    numbers = [Button(str(item["number"]), f"open:{item['id']}") for item in items]
    rows = number_rows(numbers)
    if all(item["kind"] == UNDATED for item in items):
        return (*rows, (Button("Tất cả đang làm", f"doingall:{message_id}"),))
    return (*rows, (Button("Đã nhận tất cả", f"ackall:{message_id}"),))


def number_rows(buttons: Sequence[Button]) -> tuple[tuple[Button, ...], ...]:
    """Return buttons that bear a list's numbers, five a row."""
    return tuple(map(tuple, chunks(buttons, _NUMBERS_A_ROW)))


def item_buttons(obligation_id: int, kind: str) -> tuple[tuple[Button, ...], ...]:
    """Return the four choices of one item; one that never falls due has no later date to ask for."""
    if kind == UNDATED:
        return (
            (
                Button("Đang làm", f"doing:{obligation_id}"),
                Button("Đã xong", f"done:{obligation_id}"),
            ),
            (
                Button("Chưa làm", f"not_yet:{obligation_id}"),
                Button("Vướng mắc", f"blocked:{obligation_id}"),
            ),
        )
    return (
        (Button("Đã nhận", f"ack:{obligation_id}"), Button("Đang làm", f"doing:{obligation_id}")),
        (
            Button("Đã xong", f"done:{obligation_id}"),
            Button("Xin gia hạn", f"more:{obligation_id}"),
        ),
    )


def parse_buttons(rows: Sequence[Sequence[Sequence[str]]]) -> tuple[tuple[Button, ...], ...]:
    """Return the buttons kept in a message's row."""
    return tuple(tuple(Button(label, action) for label, action in row) for row in rows)


def typed_choices(rows: Sequence[Sequence[Button]]) -> list[str]:
    """Return the labels that a channel without buttons shows as numbered choices.

    Lists of items are left out: there a number means an item.
    """
    buttons = [button for row in rows for button in row]
    if any(button.action.startswith("open:") for button in buttons):
        return []
    return [button.label for button in buttons]
