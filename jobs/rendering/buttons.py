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
_MOST_NUMBERS = 20  # buttons; the numbers beyond are typed
_CHOICES = (
    (("Đã nhận", "ack"), ("Đang thực hiện", "doing")),
    (("Đã hoàn thành", "done"), ("Xin gia hạn", "more")),
)
_LATE_CHOICES = (_CHOICES[0], (("Đã hoàn thành", "done"), ("Vướng mắc", "blocked")))
_UNDATED_CHOICES = (
    (("Đang thực hiện", "doing"), ("Đã hoàn thành", "done")),
    (("Chưa triển khai", "not_yet"), ("Vướng mắc", "blocked")),
)
_PICTURE = Button("Biểu đồ tuần", "go:bieudo:")
FORM_CHOICE = ("Mẫu báo cáo", "form")
_UNDOES_DECISION = "undecide:"
ASSIGN_CHOICE = ("Giao cơ quan thực hiện", "giveto")


def reminder_buttons(
    message_id: int, items: Sequence[Item], *, more: int = 0, pictured: bool = False
) -> tuple[tuple[Button, ...], ...]:
    """Return the buttons of a list: four for one item, else a number for each and one for all.

    The one for all says "đã nhận", or "đang thực hiện" where no task has a due date to take note of. more: items of
    the list that are not shown yet; pictured: a picture of the week waits to be asked for.
    """
    picture = ((_PICTURE,),) if pictured else ()
    if not items:
        return picture
    if len(items) == 1 and not more:
        (item,) = items
        rights = {"extendable": item["extendable"], "assignable": item["assignable"]}
        rights["forms"] = bool(item.get("forms"))
        return (*item_buttons(item["id"], item["kind"], **rights), *picture)
    numbers = [Button(str(item["number"]), f"open:{item['id']}") for item in items[:_MOST_NUMBERS]]
    rows = number_rows(numbers)
    following = ((next_button(message_id, more),),) if more else ()
    undated = all(item["kind"] == UNDATED for item in items)
    forms = [
        Button(f"Mẫu {item['number']}", f"{FORM_CHOICE[1]}:{item['id']}")
        for item in items
        if item.get("forms")
    ][:_NUMBERS_A_ROW]
    following = (*((tuple(forms),) if forms else ()), *following)
    label, verb = ("Tất cả đang thực hiện", "doingall") if undated else ("Đã nhận tất cả", "ackall")
    return (*rows, *following, (Button(label, f"{verb}:{message_id}"),), *picture)


def next_button(message_id: int, more: int) -> Button:
    """Return the button that shows what follows of a message's list; more: how many items."""
    return Button(f"Xem tiếp ({more})", f"next:{message_id}")


def number_rows(buttons: Sequence[Button]) -> tuple[tuple[Button, ...], ...]:
    """Return the numbers of a list as rows of five buttons."""
    return tuple(map(tuple, chunks(buttons, _NUMBERS_A_ROW)))


def item_buttons(
    obligation_id: int, kind: str, *, extendable: bool, assignable: bool, forms: bool = False
) -> tuple[tuple[Button, ...], ...]:
    """Return the four choices of one item, and a fifth where the reader may assign it to an agency.

    extendable: a later date may still be asked for; else trouble is reported in its place. forms: its report has
    forms, which the last choice opens.
    """
    rows: tuple[tuple[tuple[str, str], ...], ...] = _CHOICES if extendable else _LATE_CHOICES
    if kind == UNDATED:
        rows = _UNDATED_CHOICES
    if assignable:
        rows = (*rows, (ASSIGN_CHOICE,))
    if forms:
        rows = (*rows, (FORM_CHOICE,))
    return tuple(
        tuple(Button(label, f"{verb}:{obligation_id}") for label, verb in row) for row in rows
    )


def parse_buttons(rows: Sequence[Sequence[Sequence[str]]]) -> tuple[tuple[Button, ...], ...]:
    """Return the buttons stored in a message's row."""
    return tuple(tuple(Button(label, action) for label, action in row) for row in rows)


def typed_choices(rows: Sequence[Sequence[Button]]) -> list[Button]:
    """Return the buttons that a channel without buttons shows as numbered choices.

    A list of items has none: there a number means an item. A picture is asked for by its command, and "huỷ"
    undoes a decision.
    """
    buttons = [
        button
        for row in rows
        for button in row
        if button != _PICTURE and not button.action.startswith(_UNDOES_DECISION)
    ]
    if any(button.action.startswith("open:") for button in buttons):
        return []
    return buttons
