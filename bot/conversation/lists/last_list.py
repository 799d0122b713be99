"""The list that words refer to: the last one that surely arrived before them, or the message replied to.

Guarantees:
- A list that may have arrived since, or that arrived after the words, makes the answer doubtful: the bot asks.
- Under one page of several, words mean its only item where they are a reply to it, and else no item.
- A list shown again keeps its numbers, and an item opened from a list has its number there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Row, or_, select

from bot.conversation.context.buttons import ORIGIN_KEY
from bot.conversation.context.turn import Turn
from data.models import Message, MessageItem, Obligation
from data.outbox.arrivals import (
    ARRIVED,
    MAY_HAVE_ARRIVED,
    find_unsure_list,
    was_sent_after,
)
from data.progress.forms import has_forms
from data.rules.ladder import UNDATED
from jobs.channel import Button
from jobs.rendering.buttons import item_buttons, parse_buttons
from jobs.rendering.reminder import REMINDER, is_shown, reminder_rights

# Where messages that are no lists name obligations: only a reply to one means what it names.
_NAMES_ITEMS = ("items", "lines", "recorded", "left", "taken_back")
# Only those meant to answer them see what they ask.
_QUESTIONS = frozenset({"ask_reason", "ask_until", "ask_decision", "preview"})
_OF_TASK = frozenset({"id", "period", "kind"})  # tells a task's line from any other with an id
_HAS_ITEMS = select(MessageItem.id).where(MessageItem.message_id == Message.id).exists()
_EXPLAINS = "explain:"  # a button of a request to explain


@dataclass(frozen=True, slots=True)
class ShownList:
    """A message that listed items, (number, obligation id) each, and its buttons.

    A number of 0: the item stands there without one. origin_id: the list whose numbers it shows, maybe its
    own; 0: it shows none. broadcast_on: the morning that the numbers are of. undated: all its tasks have no
    due date. is_page: other pages were sent with it, numbered on. in_place: it replaced an earlier message.
    answers_it: the sender replied to this message or pressed its button. doubtful: words need not mean it.
    """

    message_id: int
    origin_id: int
    items: tuple[tuple[int, int], ...]
    buttons: tuple[Button, ...]
    broadcast_on: date | None
    undated: bool
    is_page: bool
    in_place: bool
    answers_it: bool
    doubtful: bool = False

    @property
    def obligation_ids(self) -> list[int]:
        """Return the obligations listed, in order."""
        return [obligation_id for _, obligation_id in self.items]

    @property
    def only_item(self) -> int | None:
        """Return the obligation that words without a number mean; None where they may mean several."""
        alone = len(self.items) == 1 and (self.answers_it or not self.is_page)
        return self.items[0][1] if alone else None

    @property
    def is_opened(self) -> bool:
        """Tell whether it shows a single item that was opened from a list."""
        return len(self.items) == 1 and self.origin_id not in (0, self.message_id)

    @property
    def numbers(self) -> dict[str, object]:
        """Return what the context of a message needs that shows these numbers again."""
        return {ORIGIN_KEY: self.origin_id}

    @property
    def explanation_id(self) -> int | None:
        """Return the one explanation that this message asks for, if any."""
        asked = self._find_rows(_EXPLAINS)
        return asked[0] if len(asked) == 1 else None

    def find_explained(self, number: int) -> str | None:
        """Return the action that explains the item with a number, where several explanations are asked for."""
        asked = (each for each in self.buttons if each.action.startswith(_EXPLAINS))
        return next((each.action for each in asked if each.label == str(number)), None)

    def find_row(self, verb: str) -> int | None:
        """Return the row of the first button with a verb; None without such a button."""
        return next(iter(self._find_rows(f"{verb}:")), None)

    def _find_rows(self, start: str) -> list[int]:
        actions = [each.action for each in self.buttons if each.action.startswith(start)]
        return [int(row) for action in actions if (row := action[len(start) :]).isdecimal()]

    def find_action(self, number: int) -> str | None:
        """Return the button's action that a number chooses under a single item; on a page None."""
        if self.only_item is None or self.is_page or not 1 <= number <= len(self.buttons):
            return None
        return self.buttons[number - 1].action


async def last_shown_list(turn: Turn) -> ShownList | None:
    """Return the list that a text or button refers to; None before the first list.

    A doubtful one is the latest that the sender may have seen. Words in reply to a message that is not
    known here, maybe one without a receipt, mean none surely.
    """
    replied = await _list_replied_to(turn)
    if replied is not None or turn.incoming.kind == "action":
        return replied
    last = await _load_message(turn, turn.chat.last_menu_message_id)
    unsure_id = await find_unsure_list(turn.connection, turn.chat.id, after=last)
    shown = await _load_message(turn, unsure_id) or last
    if shown is None:
        return None
    found = await _load_list(turn, shown, answers_it=False)
    doubtful = unsure_id is not None or turn.incoming.reply_to is not None
    if not doubtful and turn.event_id is not None:
        doubtful = await was_sent_after(turn.connection, shown, turn.event_id)
    return replace(found, doubtful=doubtful) if found is not None else None


async def list_by_message(turn: Turn, message_id: int) -> ShownList | None:
    """Return the list of one of this chat's messages; None for another chat's or one without items."""
    row = await _load_message(turn, message_id)
    return None if row is None else await _load_list(turn, row, answers_it=False)


async def find_source_list(turn: Turn, shown_list: ShownList) -> ShownList:
    """Return the list from which a single item was opened; any other list is its own source."""
    if not shown_list.is_opened:
        return shown_list
    return await list_by_message(turn, shown_list.origin_id) or shown_list


async def find_list_with_item(
    turn: Turn, shown_list: ShownList | None, obligation_id: int
) -> ShownList | None:
    """Return the list that shows an item: this one, its source, or another page of that morning.

    Without such a list it returns the source, from which a single item's menu leads back.
    """
    if shown_list is None:
        return None
    source = await find_source_list(turn, shown_list)
    if source.broadcast_on is None or obligation_id in source.obligation_ids:
        return source if len(source.items) > 1 or source.is_page else None
    message_id = await turn.connection.scalar(
        select(Message.id)
        .join(MessageItem, MessageItem.message_id == Message.id)
        .where(
            Message.chat_id == turn.chat.id,
            Message.broadcast_on == source.broadcast_on,
            MessageItem.obligation_id == obligation_id,
        )
        .order_by(ARRIVED.desc(), Message.id)
        .limit(1)
    )
    return source if message_id is None else await list_by_message(turn, message_id)


async def list_earlier_lists(turn: Turn, shown_list: ShownList, most: int) -> list[ShownList]:
    """Return the last lists that surely arrived before this one and its morning, the latest first."""
    other_morning = Message.broadcast_on.is_distinct_from(shown_list.broadcast_on)
    rows = await turn.connection.execute(
        select(Message)
        .where(
            Message.chat_id == turn.chat.id,
            ARRIVED,
            Message.id < shown_list.message_id,
            Message.id != shown_list.origin_id,
            _HAS_ITEMS,
            *([other_morning] if shown_list.broadcast_on is not None else []),
        )
        .order_by(Message.id.desc())
        .limit(most)
    )
    loaded = [await _load_list(turn, row, answers_it=False) for row in rows.all()]
    return [each for each in loaded if each is not None]


async def find_lowest_list(turn: Turn, shown_list: ShownList) -> ShownList | None:
    """Return the list that stands lowest in the chat, where an older message was changed since; else None."""
    if not shown_list.in_place or shown_list.answers_it:
        return None
    rows = await turn.connection.execute(
        select(Message)
        .where(
            Message.chat_id == turn.chat.id,
            ARRIVED,
            Message.edits.is_(None),
            _HAS_ITEMS,
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    return None if row is None else await _load_list(turn, row, answers_it=False)


async def _list_replied_to(turn: Turn) -> ShownList | None:
    if turn.incoming.reply_to is None:
        return None
    rows = await turn.connection.execute(
        select(Message)
        .where(Message.chat_id == turn.chat.id, Message.remote_id == turn.incoming.reply_to)
        .order_by(Message.id.desc())  # an edit is a later row at the same place
        .limit(1)
    )
    row = rows.one_or_none()
    return None if row is None else await _load_list(turn, row, answers_it=True)


async def _load_message(turn: Turn, message_id: int | None) -> Row[Any] | None:
    if message_id is None:
        return None
    rows = await turn.connection.execute(
        select(Message).where(Message.id == message_id, Message.chat_id == turn.chat.id)
    )
    return rows.one_or_none()


async def _load_list(turn: Turn, row: Row[Any], *, answers_it: bool) -> ShownList | None:
    """Return a message as a list: its items with the numbers that it shows.

    1. Read the items that it shows; of a confirmation or notice that was replied to, the one it names.
    2. Where it shows another list again, take their numbers and the morning from that one.
    """
    listed = await turn.connection.execute(  # 1
        select(MessageItem.position, MessageItem.obligation_id, Obligation.kind)
        .join(Obligation, Obligation.id == MessageItem.obligation_id)
        .where(MessageItem.message_id == row.id)
        .order_by(MessageItem.position)
    )
    lines = [line for line in listed if is_shown(row.context, line.position)]
    items = [(int(line.position), int(line.obligation_id)) for line in lines]
    if not items and answers_it and row.template not in _QUESTIONS:
        items = _named_item(row.context)
    if not items:
        return None
    origin_id = row.context.get(ORIGIN_KEY, row.id)
    is_page, broadcast_on = row.pages > 1 or await _has_other_page(turn, row), row.broadcast_on
    if origin_id != row.id and lines:  # 2
        origin = await _load_message(turn, origin_id)
        numbers: Mapping[int, int] = {}
        if origin is not None:
            numbers = await _load_numbers(turn, origin)
            is_page = origin.pages > 1 and bool(row.context.get("items"))
            broadcast_on = await _still_latest(turn, origin.broadcast_on)
        items = [(numbers.get(obligation_id, 0), obligation_id) for _, obligation_id in items]
    rows = parse_buttons(row.buttons)
    if row.template == REMINDER and len(items) == 1:
        # The sender makes a reminder's buttons.
        rights = reminder_rights(row.context, items[0][1])
        rights["forms"] = await has_forms(turn.connection, items[0][1])
        rows = item_buttons(items[0][1], lines[0].kind, **rights)
    return ShownList(
        message_id=row.id,
        origin_id=origin_id,
        items=tuple(items),
        buttons=tuple(button for line in rows for button in line),
        broadcast_on=broadcast_on,
        undated=bool(lines) and all(line.kind == UNDATED for line in lines),
        is_page=is_page,
        in_place=row.edits is not None,
        answers_it=answers_it,
    )


async def _has_other_page(turn: Turn, row: Row[Any]) -> bool:
    """Tell whether another list of that morning may stand in the chat: of another province, or rerouted."""
    if row.broadcast_on is None:
        return False
    other = await turn.connection.scalar(
        select(Message.id)
        .where(
            Message.chat_id == turn.chat.id,
            Message.broadcast_on == row.broadcast_on,
            Message.id != row.id,
            or_(ARRIVED, MAY_HAVE_ARRIVED),
            _HAS_ITEMS,
        )
        .limit(1)
    )
    return other is not None


async def _still_latest(turn: Turn, morning: date | None) -> date | None:
    """Return a morning if no later one arrived in this chat: numbers of an older one may have changed."""
    if morning is None:
        return None
    later = await turn.connection.scalar(
        select(Message.id)
        .where(Message.chat_id == turn.chat.id, ARRIVED, Message.broadcast_on > morning)
        .limit(1)
    )
    return morning if later is None else None


async def _load_numbers(turn: Turn, origin: Row[Any]) -> dict[int, int]:
    """Return the number of each obligation in a list, and in the other pages of its morning."""
    of_morning = (Message.chat_id == turn.chat.id) & (Message.broadcast_on == origin.broadcast_on)
    rows = await turn.connection.execute(
        select(MessageItem.obligation_id, MessageItem.position)
        .join(Message, Message.id == MessageItem.message_id)
        .where(Message.id == origin.id if origin.broadcast_on is None else of_morning)
        .order_by(Message.id != origin.id, Message.id)
    )
    numbers: dict[int, int] = {}
    for row in rows:
        numbers.setdefault(int(row.obligation_id), int(row.position))
    return numbers


def _named_item(context: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the one item that a confirmation or notice names, without a number; several are no list."""
    named = [context.get("item")]
    for key in _NAMES_ITEMS:
        lines = context.get(key)  # of a target's messages "taken_back" is true or false
        named += lines if isinstance(lines, list | tuple) else ()
    ids = {int(each["id"]) for each in named if isinstance(each, Mapping) and set(each) >= _OF_TASK}
    return [(0, obligation_id) for obligation_id in ids] if len(ids) == 1 else []
