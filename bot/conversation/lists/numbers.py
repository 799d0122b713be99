"""What a typed number means: one item of a list that surely arrived, or several things to ask about.

Guarantees:
- A number is only taken from a message that surely arrived; the messages of one morning are one list.
- An item behind "Xem tiếp" has its number once a message showed it.
- Where two lists that the sender may see give a number to different items, it means neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, or_, select

from bot.conversation.context.buttons import ORIGIN_KEY
from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import (
    ShownList,
    find_lowest_list,
    list_earlier_lists,
)
from data.models import Message, MessageItem, Obligation
from data.outbox.arrivals import ARRIVED, MAY_HAVE_ARRIVED
from data.rules.ladder import UNDATED

_LISTS_BACK = 5  # among which the one before an unnumbered message is looked for


class NumberedItem(NamedTuple):
    """An obligation and its number in a chat. is_sure: the message that shows it surely arrived."""

    number: int
    obligation_id: int
    kind: str
    state: str
    is_sure: bool


class Meaning(NamedTuple):
    """What a number or code may mean. is_sure: its one obligation is surely meant.

    is_doubtful: one of them stands in a message that may not have arrived.
    """

    obligation_ids: list[int]
    is_sure: bool
    is_doubtful: bool = False


async def list_numbered_items(turn: Turn, shown_list: ShownList) -> list[NumberedItem]:
    """Return what the numbers mean that a list shows, with its origin and all pages of its morning.

    What a message itself shows goes before what it only continues.
    """
    parts: list[ColumnElement[bool]] = [
        Message.id.in_({shown_list.message_id, shown_list.origin_id})
    ]
    if shown_list.broadcast_on is not None:
        parts.append(Message.broadcast_on == shown_list.broadcast_on)
    rows = await turn.connection.execute(
        select(
            Message.id,
            Message.state.label("arrival"),
            Message.context["shown"].as_integer().label("shown"),
            MessageItem.position,
            MessageItem.obligation_id,
            Obligation.kind,
            Obligation.state,
        )
        .join(MessageItem, MessageItem.message_id == Message.id)
        .join(Obligation, Obligation.id == MessageItem.obligation_id)
        .where(
            Message.chat_id == turn.chat.id,
            or_(*parts),
            or_(ARRIVED, MAY_HAVE_ARRIVED),  # a page that nobody tried to send has shown nothing
        )
        .order_by(MessageItem.position, Message.id)
    )
    shown = {obligation_id: number for number, obligation_id in shown_list.items}
    own: list[NumberedItem] = []
    others: list[NumberedItem] = []
    every = rows.all()
    hidden = [row for row in every if row.shown is not None and row.position > row.shown]
    seen = await _list_seen(turn, {row.id for row in hidden}) if hidden else {}
    for row in every:
        is_own = row.id == shown_list.message_id
        if row.shown is not None and row.position > row.shown:
            arrived = seen.get((row.id, row.obligation_id))
            if arrived is not None and not (is_own and row.obligation_id in shown):
                item = NumberedItem(row.position, row.obligation_id, row.kind, row.state, arrived)
                others.append(item)
            continue
        number = shown.get(row.obligation_id, 0) if is_own else row.position
        arrived = not shown_list.doubtful if is_own else row.arrival == "sent"
        item = NumberedItem(number, row.obligation_id, row.kind, row.state, arrived)
        (own if is_own else others).append(item)
    if shown_list.answers_it or shown_list.origin_id != shown_list.message_id:
        taken = {item.number for item in own}
        others = [item for item in others if item.number not in taken]
    known = {(item.number, item.obligation_id) for item in (*own, *others) if item.is_sure}
    found = {
        (item.number, item.obligation_id): item
        for item in (*own, *others)
        if item.number and (item.is_sure or (item.number, item.obligation_id) not in known)
    }
    return sorted(found.values())


async def resolve_number(turn: Turn, shown_list: ShownList, number: int) -> Meaning:
    """Return what a number means to somebody who may see this list last.

    Without a sure meaning, the same number in the list before is one of the things it may mean.
    """
    meant = [item for item in await list_numbered_items(turn, shown_list) if item.number == number]
    sure = _unique(item.obligation_id for item in meant if item.is_sure)
    unsure = _unique(item.obligation_id for item in meant if not item.is_sure)
    lowest = await find_lowest_list(turn, shown_list)
    if len(sure) == 1 and not shown_list.doubtful:
        below = [] if lowest is None else [key for place, key in lowest.items if place == number]
        found = _unique([*sure, *below])
        return Meaning(found, is_sure=len(found) == 1)
    earlier: list[int] = []
    shows_none = all(not place for place, _ in shown_list.items)
    if shown_list.doubtful or unsure or shows_none:
        earlier = await _find_in_list_before(turn, shown_list, number)
    alone = shown_list.obligation_ids if shows_none and earlier else []
    found = _unique([*sure, *unsure, *earlier, *alone])
    is_doubtful = shown_list.doubtful or bool(unsure)
    return Meaning(found, shows_none and len(found) == 1 and not is_doubtful, is_doubtful)


async def list_all_items(
    turn: Turn, shown_list: ShownList | None, *, undated_too: bool = False
) -> tuple[list[tuple[int, int]], bool]:
    """Return (number, obligation id) of a list with all of its morning, and whether all surely arrived.

    In reply to a message, or by its button, it means what that message shows. The tasks without a due date are a
    list apart: "tất cả" means them where no other stands there, or once no item with a date is open any more;
    undated_too: or where it is said that work goes on, which is true of both.
    """
    if shown_list is None:
        return [], True
    every = await list_numbered_items(turn, shown_list)
    if shown_list.answers_it:
        own = set(shown_list.items)
        if not all(number for number, _ in own):  # it shows none
            return list(shown_list.items), True
        every = [each for each in every if (each.number, each.obligation_id) in own]
    undated = [item for item in every if item.kind == UNDATED]
    dated = [item for item in every if item.kind != UNDATED]
    if not undated_too:
        alone = shown_list.undated or all(item.state != "open" for item in dated)
        every = undated if undated and alone else dated
    pairs = [(item.number, item.obligation_id) for item in every if item.is_sure]
    return list(dict.fromkeys(pairs)), all(item.is_sure for item in every)


async def list_following(turn: Turn, shown_list: ShownList, after: int) -> list[tuple[int, int]]:
    """Return (number, obligation id) of the open items that a list holds after a number, shown or not."""
    rows = await turn.connection.execute(
        select(MessageItem.position, MessageItem.obligation_id)
        .join(Obligation, Obligation.id == MessageItem.obligation_id)
        .where(
            MessageItem.message_id == shown_list.message_id,
            MessageItem.position > after,
            Obligation.state == "open",
        )
        .order_by(MessageItem.position)
    )
    return [(int(row.position), int(row.obligation_id)) for row in rows]


async def _list_seen(turn: Turn, message_ids: set[int]) -> dict[tuple[int, int], bool]:
    """Return what later messages showed of lists that show only a part: (list, obligation) to surely arrived."""
    origin_id = Message.context[ORIGIN_KEY].as_integer()
    rows = await turn.connection.execute(
        select(origin_id.label("origin_id"), MessageItem.obligation_id, Message.state)
        .join(MessageItem, MessageItem.message_id == Message.id)
        .where(
            Message.chat_id == turn.chat.id,
            Message.id > min(message_ids),
            origin_id.in_(message_ids),
            or_(ARRIVED, MAY_HAVE_ARRIVED),
        )
    )
    seen: dict[tuple[int, int], bool] = {}
    for row in rows:
        key = (row.origin_id, row.obligation_id)
        seen[key] = seen.get(key, False) or row.state == "sent"
    return seen


async def _find_in_list_before(turn: Turn, shown_list: ShownList, number: int) -> list[int]:
    """Return the obligation that a number had in the last list before, if it had one."""
    for earlier in await list_earlier_lists(turn, shown_list, _LISTS_BACK):
        numbers = [place for place, _ in earlier.items]
        if any(numbers):
            return [key for place, key in earlier.items if place == number]
    return []


def _unique(ids: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(ids))
