"""What a typed number means: the last list shown in a chat, or the message replied to.

Promises that a number means a choice only where a menu of one item was shown last, and an item
otherwise; that a list which may have arrived or not is asked about, never guessed at; that a list sent in
several pages is one list; and that a list shown again, after an answer or
a question, keeps the numbers it had. Reads only.
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
from jobs.rendering.renderer import REMINDER

REPEATED_LIST_KEY = (
    "again"  # in a message's context: the id of the message whose list it shows again
)


@dataclass(frozen=True, slots=True)
class ShownList:
    """A message that listed items: (number, obligation id) each, and its buttons as shown.

    answers_it: the person replied to this very message or pressed its button. undated: it lists tasks
    without a due date, and nothing else. is_page: others were sent with it, numbered on. doubtful: it
    may not have arrived, and then the person sees an older list.
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
    def only_item(self) -> int | None:
        """Return the one obligation it is about, or None where it lists several."""
        return self.items[0][1] if len(self.items) == 1 else None

    @property
    def list_id(self) -> int | None:
        """Return the message with the list from which this item's menu was opened, if any."""
        return self._key_of("back")

    @property
    def explanation_id(self) -> int | None:
        """Return the explanation that it asks for, if any."""
        return self._key_of("explain")

    def _key_of(self, wanted: str) -> int | None:
        for button in self.buttons:
            verb, _, argument = button.action.partition(":")
            if verb == wanted and argument.isdecimal():
                return int(argument)
        return None

    def find_action(self, number: int) -> str | None:
        """Return the action that a number chooses in a menu of one item; on a page it means an item."""
        if self.only_item is None or self.is_page or not 1 <= number <= len(self.buttons):
            return None
        return self.buttons[number - 1].action


async def last_shown_list(turn: Turn) -> ShownList | None:
    """Return the menu that a text or press refers to; None where nothing was listed yet."""
    if turn.incoming.reply_to is not None:
        rows = await turn.connection.execute(
            select(Message)
            .where(Message.chat_id == turn.chat.id, Message.remote_id == turn.incoming.reply_to)
            .order_by(Message.id.desc())  # an edit is a later row at the same place
            .limit(1)
        )
        row = rows.one_or_none()
        if row is not None:
            menu = await _load_list(turn, row, answers_it=True)
            if menu is not None:
                return menu
    if turn.incoming.kind == "action":
        return None
    last = turn.chat.last_menu_message_id
    unsure = await turn.connection.scalar(
        select(Message.id)
        .join(MessageItem, MessageItem.message_id == Message.id)
        .where(
            Message.chat_id == turn.chat.id,
            Message.state == "uncertain",
            Message.id > (last or 0),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    if unsure is None:
        return None if last is None else await list_by_message(turn, last)
    menu = await list_by_message(turn, unsure)
    return None if menu is None else replace(menu, doubtful=True)


async def list_by_message(turn: Turn, message_id: int) -> ShownList | None:
    """Return the menu of one of this chat's messages; None for another chat's, or one without items."""
    rows = await turn.connection.execute(
        select(Message).where(Message.id == message_id, Message.chat_id == turn.chat.id)
    )
    row = rows.one_or_none()
    return None if row is None else await _load_list(turn, row, answers_it=False)


async def find_list_with_item(
    turn: Turn, menu: ShownList | None, obligation_id: int
) -> ShownList | None:
    """Return the list that an item stands in, seen from a menu: its own, or another page of that morning."""
    if menu is None:
        return None
    source = menu
    if menu.only_item is not None:
        source = (
            await list_by_message(turn, menu.list_id) if menu.list_id is not None else None
        ) or menu
    if source.broadcast_on is None or any(item == obligation_id for _, item in source.items):
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


async def find_item(turn: Turn, menu: ShownList, number: int) -> int | None:
    """Return the obligation that a number means, or None.

    Looked for in the menu, in the list it was opened from, and in the other pages of one morning.
    """
    source: ShownList | None = menu
    if menu.list_id is not None:
        source = await list_by_message(turn, menu.list_id) or menu
    assert source is not None
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


async def find_broadcast_day(turn: Turn, menu: ShownList) -> date | None:
    """Return the day of the morning's list that a menu is a page of, or answers an item of.

    An answer about one item of the chat's latest list leaves that list open to the next answer; of an
    older list it does not: what stands there may have changed.
    """
    if menu.broadcast_on is not None or menu.only_item is None:
        return menu.broadcast_on
    latest = (
        select(func.max(Message.broadcast_on))
        .where(Message.chat_id == turn.chat.id, Message.state == "sent")
        .scalar_subquery()
    )
    found: date | None = await turn.connection.scalar(
        select(Message.broadcast_on)
        .join(MessageItem, MessageItem.message_id == Message.id)
        .where(
            Message.chat_id == turn.chat.id,
            Message.broadcast_on == latest,
            MessageItem.obligation_id == menu.only_item,
        )
        .limit(1)
    )
    return found


async def _load_list(turn: Turn, row: Row[Any], *, answers_it: bool) -> ShownList | None:
    origin = row.context.get(REPEATED_LIST_KEY)
    if origin is not None:
        shown = await list_by_message(turn, origin)
        if shown is None:
            return None
        keys = tuple(button for line in parse_buttons(row.buttons) for button in line)
        return replace(shown, buttons=keys, answers_it=answers_it)
    found = await turn.connection.execute(
        select(MessageItem.position, MessageItem.obligation_id, Obligation.kind)
        .join(Obligation, Obligation.id == MessageItem.obligation_id)
        .where(MessageItem.message_id == row.id)
        .order_by(MessageItem.position)
    )
    lines = found.all()
    items = tuple((int(line.position), int(line.obligation_id)) for line in lines)
    if not items:
        return None
    rows = parse_buttons(row.buttons)
    if row.template == REMINDER and len(items) == 1:
        # A reminder's buttons are made when it is sent.
        rows = item_buttons(items[0][1], lines[0].kind)
    return ShownList(
        message_id=row.id,
        items=items,
        buttons=tuple(button for line in rows for button in line),
        broadcast_on=row.broadcast_on,
        undated=all(line.kind == UNDATED for line in lines),
        is_page=row.pages > 1,
        answers_it=answers_it,
    )
