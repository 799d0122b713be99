"""What words mean under the last message whose buttons run commands or answer questions: number, label, "xem tiếp".

Guarantees:
- A later list of items, an open question, or words in a group that answer no message: they mean none of these.
- Only a button of a message that surely arrived before the words is found.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from bot.conversation.context.preview import waits_for_words
from bot.conversation.context.turn import Turn
from bot.conversation.lists.references import parse_item_number
from data.models import Message
from data.outbox.arrivals import ARRIVED, was_sent_after
from data.text import fold
from jobs.channel import Button
from jobs.rendering.buttons import parse_buttons, typed_choices

_COMMANDS = ("go:", "page:", "answer:")
_MOST_LATER = 4  # messages without any button that may stand under it
_FOLLOWING = ("xem tiep", "tiep", "trang sau")


async def find_menu_action(turn: Turn) -> str:
    """Return the action of a command's button that words choose by number or label; "" for other words."""
    if turn.incoming.kind != "text" or (turn.caller.in_group and not turn.incoming.reply_to):
        return ""
    folded, number = fold(turn.incoming.text), parse_item_number(turn.incoming.text)
    if len(folded) > 60 or await waits_for_words(turn):
        return ""
    buttons = await _last_menu(turn)
    return _choose(buttons, folded, number, types_choices=turn.types_choices)


async def asks_beyond_menu(turn: Turn) -> bool:
    """Tell whether words ask for what follows under the last message of commands, and nothing does."""
    if turn.incoming.kind != "text" or turn.caller.in_group:
        return False
    if fold(turn.incoming.text) not in _FOLLOWING or await waits_for_words(turn):
        return False
    buttons = await _last_menu(turn)
    return bool(buttons) and not any(fold(b.label).startswith("xem tiep") for b in buttons)


def _choose(
    buttons: Sequence[Button], folded: str, number: int | None, *, types_choices: bool
) -> str:
    numbered = {button.label: button.action for button in buttons if button.label.isdecimal()}
    if number is not None:
        if numbered:
            return numbered.get(str(number), "")
        chosen = types_choices and 1 <= number <= len(buttons)
        return buttons[number - 1].action if chosen else ""
    for button in buttons:
        if not button.label.isdecimal() and fold(button.label) == folded:
            return button.action
    if folded in _FOLLOWING:
        return next((b.action for b in buttons if fold(b.label).startswith("xem tiep")), "")
    return ""


async def _last_menu(turn: Turn) -> Sequence[Button]:
    """Return the buttons of the last message of commands, or of the one replied to; none after a list."""
    where = [Message.chat_id == turn.chat.id, ARRIVED]
    if turn.incoming.reply_to is not None:
        where.append(Message.remote_id == turn.incoming.reply_to)
    elif turn.chat.last_menu_message_id is not None:
        where.append(Message.id > turn.chat.last_menu_message_id)
    rows = await turn.connection.execute(
        select(Message).where(*where).order_by(Message.id.desc()).limit(_MOST_LATER)
    )
    for row in rows.all():
        if not any(row.buttons):
            continue
        buttons = typed_choices(parse_buttons(row.buttons))
        is_menu = all(button.action.startswith(_COMMANDS) for button in buttons)
        is_later = turn.event_id is not None and await was_sent_after(
            turn.connection, row, turn.event_id
        )
        return buttons if is_menu and not is_later else ()
    return ()
