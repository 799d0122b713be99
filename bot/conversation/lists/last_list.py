"""The list that a typed number refers to: the last one shown in a chat, or the message replied to.

Guarantees:
- A number chooses a button only after a list of one item; otherwise it means an item.
- A list that may not have arrived is marked doubtful, so that the bot asks.
- Pages of one morning are one list, and a list shown again keeps its numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Row, func, select

from bot.conversation.context.turn import Turn
from data.models import Message, MessageItem, Obligation
from data.rules.ladder import UNDATED
from jobs.channel import Button
from jobs.rendering.buttons import item_buttons, parse_buttons
from jobs.rendering.reminder import REMINDER, reminder_rights

REPEATED_LIST_KEY = "again"  # in a message's context: the id of the message whose list it repeats


@dataclass(frozen=True, slots=True)
class ShownList:
    """A message that listed items, (number, obligation id) each, and its buttons.

    answers_it: the sender replied to this message or pressed its button. undated: all its tasks have no
    due date. is_page: other pages were sent with it, numbered on. doubtful: it may not have arrived.
    """

    message_id: int  # of the list as first shown
    items: tuple[tuple[int, int], ...]
    buttons: tuple[Button, ...]
    broadcast_on: date | None
    undated: bool
    is_page: bool
    answers_it: bool
    doubtful: bool = False

    @property
    def obligation_ids(self) -> list[int]:
        """Return the obligations listed, in order."""
        return [obligation_id for _, obligation_id in self.items]

    @property
    def only_item(self) -> int | None:
        """Return the obligation of a list of one item, else None."""
        return self.items[0][1] if len(self.items) == 1 else None

    @property
    def list_id(self) -> int | None:
        """Return the message whose list this single item was opened from, if any."""
        return self._key_of("back")

    @property
    def explanation_id(self) -> int | None:
        """Return the explanation that this message asks for, if any."""
        return self._key_of("explain")

    def _key_of(self, wanted: str) -> int | None:
        for button in self.buttons:
            verb, _, argument = button.action.partition(":")
            if verb == wanted and argument.isdecimal():
                return int(argument)
        return None

    def find_action(self, number: int) -> str | None:
        """Return the button's action that a number chooses under a single item; on a page None."""
        if self.only_item is None or self.is_page or not 1 <= number <= len(self.buttons):
            return None
        return self.buttons[number - 1].action


async def last_shown_list(turn: Turn) -> ShownList | None:
    """Return the list that a text or button refers to; None before the first list."""
    if turn.incoming.reply_to is not None:
        rows = await turn.connection.execute(
            select(Message)
            .where(Message.chat_id == turn.chat.id, Message.remote_id == turn.incoming.reply_to)
            .order_by(Message.id.desc())  # an edit is a later row at the same place
            .limit(1)
        )
        row = rows.one_or_none()
        if row is not None:
            shown_list = await _load_list(turn, row, answers_it=True)
            if shown_list is not None:
                return shown_list
    if turn.incoming.kind == "action":
        return None
    last = turn.chat.last_menu_message_id
    unsure = await turn.connection.scalar(
        select(Message.id)
        .join(MessageItem, MessageItem.message_id == Message.id)
        .where(
            Message.chat_id == turn.chat.id, Message.state == "uncertain", Message.id > (last or 0)
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    if unsure is None:
        return None if last is None else await list_by_message(turn, last)
    shown_list = await list_by_message(turn, unsure)
    return None if shown_list is None else replace(shown_list, doubtful=True)


async def list_by_message(turn: Turn, message_id: int) -> ShownList | None:
    """Return the list of one of this chat's messages; None for another chat's or one without items."""
    rows = await turn.connection.execute(
        select(Message).where(Message.id == message_id, Message.chat_id == turn.chat.id)
    )
    row = rows.one_or_none()
    return None if row is None else await _load_list(turn, row, answers_it=False)


async def find_source_list(turn: Turn, shown_list: ShownList) -> ShownList:
    """Return the list from which a single item was opened; any other list is its own source."""
    if shown_list.list_id is None:
        return shown_list
    return await list_by_message(turn, shown_list.list_id) or shown_list


async def find_list_with_item(
    turn: Turn, shown_list: ShownList | None, obligation_id: int
) -> ShownList | None:
    """Return the list that holds an item: this one, its source, or another page of that morning."""
    if shown_list is None:
        return None
    source = (
        shown_list if shown_list.only_item is None else await find_source_list(turn, shown_list)
    )
    if source.broadcast_on is None or obligation_id in source.obligation_ids:
        return source if source.only_item is None or source.is_page else None
    message_id = await turn.connection.scalar(
        select(Message.id)
        .join(MessageItem, MessageItem.message_id == Message.id)
        .where(
            Message.chat_id == turn.chat.id,
            Message.broadcast_on == source.broadcast_on,
            MessageItem.obligation_id == obligation_id,
        )
        .limit(1)
    )
    return source if message_id is None else await list_by_message(turn, message_id)


async def find_item(turn: Turn, shown_list: ShownList, number: int) -> int | None:
    """Return the obligation of a number in the list's source, or in another page of that morning."""
    source = await find_source_list(turn, shown_list)
    for position, obligation_id in source.items:
        if position == number:
            return obligation_id
    morning = await find_broadcast_day(turn, source)
    if morning is None:
        return None
    return await turn.connection.scalar(
        select(MessageItem.obligation_id)
        .join(Message, Message.id == MessageItem.message_id)
        .where(
            Message.chat_id == turn.chat.id,
            Message.broadcast_on == morning,
            MessageItem.position == number,
        )
        .limit(1)
    )


async def find_broadcast_day(turn: Turn, shown_list: ShownList) -> date | None:
    """Return the day of the morning's list that this is a page of, or whose item it shows.

    A single item counts only for the chat's latest morning: numbers of an older list may have changed.
    """
    if shown_list.broadcast_on is not None or shown_list.only_item is None:
        return shown_list.broadcast_on
    latest = (
        select(func.max(Message.broadcast_on))
        .where(Message.chat_id == turn.chat.id, Message.state == "sent")
        .scalar_subquery()
    )
    day: date | None = await turn.connection.scalar(
        select(Message.broadcast_on)
        .join(MessageItem, MessageItem.message_id == Message.id)
        .where(
            Message.chat_id == turn.chat.id,
            Message.broadcast_on == latest,
            MessageItem.obligation_id == shown_list.only_item,
        )
        .limit(1)
    )
    return day


async def _load_list(turn: Turn, row: Row[Any], *, answers_it: bool) -> ShownList | None:
    origin = row.context.get(REPEATED_LIST_KEY)
    if origin is not None:
        shown = await list_by_message(turn, origin)
        if shown is None:
            return None
        buttons = tuple(button for line in parse_buttons(row.buttons) for button in line)
        return replace(shown, buttons=buttons, answers_it=answers_it)
    listed = await turn.connection.execute(
        select(MessageItem.position, MessageItem.obligation_id, Obligation.kind)
        .join(Obligation, Obligation.id == MessageItem.obligation_id)
        .where(MessageItem.message_id == row.id)
        .order_by(MessageItem.position)
    )
    lines = listed.all()
    items = tuple((int(line.position), int(line.obligation_id)) for line in lines)
    if not items:
        return None
    rows = parse_buttons(row.buttons)
    if row.template == REMINDER and len(items) == 1:
        # The sender makes a reminder's buttons.
        rights = reminder_rights(row.context, items[0][1])
        rows = item_buttons(items[0][1], lines[0].kind, **rights)
    return ShownList(
        message_id=row.id,
        items=items,
        buttons=tuple(button for line in rows for button in line),
        broadcast_on=row.broadcast_on,
        undated=all(line.kind == UNDATED for line in lines),
        is_page=row.pages > 1,
        answers_it=answers_it,
    )
