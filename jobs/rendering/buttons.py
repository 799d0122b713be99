"""Buttons under lists and items, and the typed choices of channels without buttons.

Guarantees:
- An action names its obligation or message by id: a button keeps its meaning while the list changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from data.db.statements import chunks
from data.rules.ladder import UNDATED
from jobs.channel import Button
from jobs.rendering.items import Item

_NUMBERS_A_ROW = 5
_CHOICES = (
    (("Đã nhận", "ack"), ("Đang làm", "doing")),
    (("Đã xong", "done"), ("Xin gia hạn", "more")),
)
_LATE_CHOICES = (_CHOICES[0], (("Đã xong", "done"), ("Vướng mắc", "blocked")))
_UNDATED_CHOICES = (
    (("Đang làm", "doing"), ("Đã xong", "done")),
    (("Chưa làm", "not_yet"), ("Vướng mắc", "blocked")),
)
ASSIGN_CHOICE = ("Giao cơ quan thực hiện", "giveto")


def reminder_buttons(message_id: int, items: Sequence[Item]) -> tuple[tuple[Button, ...], ...]:
    """Return the buttons of a list: four for one item, else a number for each and one for all.

    The one for all says "đã nhận", or "đang làm" where no task has a due date to take note of.
    """
    if not items:
        return ()
    if len(items) == 1:
        (item,) = items
        rights = {"extendable": item["extendable"], "assignable": item["assignable"]}
        return item_buttons(item["id"], item["kind"], **rights)
    numbers = [Button(str(item["number"]), f"open:{item['id']}") for item in items]
    rows = number_rows(numbers)
    if all(item["kind"] == UNDATED for item in items):
        return (*rows, (Button("Tất cả đang làm", f"doingall:{message_id}"),))
    return (*rows, (Button("Đã nhận tất cả", f"ackall:{message_id}"),))


def number_rows(buttons: Sequence[Button]) -> tuple[tuple[Button, ...], ...]:
    """Return the numbers of a list as rows of five buttons."""
    return tuple(map(tuple, chunks(buttons, _NUMBERS_A_ROW)))


def item_buttons(
    obligation_id: int, kind: str, *, extendable: bool, assignable: bool
) -> tuple[tuple[Button, ...], ...]:
    """Return the four choices of one item, and a fifth where the reader may assign it to an agency.

    extendable: a later date may still be asked for; else trouble is reported in its place.
    """
    rows: tuple[tuple[tuple[str, str], ...], ...] = _CHOICES if extendable else _LATE_CHOICES
    if kind == UNDATED:
        rows = _UNDATED_CHOICES
    if assignable:
        rows = (*rows, (ASSIGN_CHOICE,))
    return tuple(
        tuple(Button(label, f"{verb}:{obligation_id}") for label, verb in row) for row in rows
    )


def parse_buttons(rows: Sequence[Sequence[Sequence[str]]]) -> tuple[tuple[Button, ...], ...]:
    """Return the buttons stored in a message's row."""
    return tuple(tuple(Button(label, action) for label, action in row) for row in rows)


def typed_choices(rows: Sequence[Sequence[Button]]) -> list[str]:
    """Return the labels that a channel without buttons shows as numbered choices.

    A list of items has none: there a number means an item.
    """
    buttons = [button for row in rows for button in row]
    if any(button.action.startswith("open:") for button in buttons):
        return []
    return [button.label for button in buttons]
