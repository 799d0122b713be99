"""Free words of coordinators and leaders that ask, or ask for something to be done: the command that does it.

Guarantees:
- Words of who follows no plan, in a group, or under an open question stay what they are.
- What names nothing known is no query, unless it has a number to be looked for, and never an order.
- Words that name nothing, in reply to a message of one item or to a query's answer, ask about what it shows.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from bot.conversation.context.access import DECIDING_ROLES
from bot.conversation.context.arguments import period_words, read_arguments
from bot.conversation.context.lookup import load_visible_plans, short_plan_number
from bot.conversation.context.preview import waits_for_words
from bot.conversation.context.scope import load_scope
from bot.conversation.context.turn import Turn, visible_obligation
from bot.conversation.reader.spoken_orders import read_spoken_order
from bot.conversation.reader.spoken_queries import QueryKind, read_spoken_query
from data.models import Message, MessageItem

_COMMANDS: dict[QueryKind, str] = {
    "missing": "chuanop",
    "overdue": "quahan",
    "agency": "chuanop",
    "reasons": "lydo",
    "standing": "status",
}
# Answers to queries whose context has the words that ask the same again.
_QUERIED = (
    "chuanop",
    "chuanop_reports",
    "quahan",
    "quahan_groups",
    "sapden",
    "sapden_groups",
    "lydo",
)


async def find_spoken_query(turn: Turn) -> tuple[str, str] | None:
    """Return the name of the command that free words ask for, and the words after it; None for others."""
    if turn.caller.in_group or not turn.caller.roles() & DECIDING_ROLES:
        return None
    query = read_spoken_query(turn.incoming.text)
    if query is None:
        return await _find_order(turn)
    if await waits_for_words(turn):
        return None
    if query.about:
        scope = await load_scope(turn, DECIDING_ROLES)
        asked = await read_arguments(turn, scope, query.about)
        is_sure = query.kind in ("agency", "standing")
        if asked.is_empty and (is_sure or not any(letter.isdigit() for letter in query.about)):
            return None
    about = query.about or await _words_replied_to(turn)
    return _COMMANDS[query.kind], " ".join(p for p in (about, query.kind_words) if p)


async def _find_order(turn: Turn) -> tuple[str, str] | None:
    """Return the command that free words ask for, and the words after it; None where they name nothing known."""
    order = read_spoken_order(turn.incoming.text)
    if order is None or await waits_for_words(turn):
        return None
    if order.about:
        scope = await load_scope(turn, DECIDING_ROLES)
        asked = await read_arguments(turn, scope, order.about)
        if asked.is_empty or (order.to and not asked.coded):
            return None
    return order.command, f"{order.about} {order.to}".strip()


async def _words_replied_to(turn: Turn) -> str:
    """Return the words that name what the message replied to shows; "" where it shows no one thing."""
    if turn.incoming.reply_to is None:
        return ""
    replied = await turn.connection.execute(
        select(Message.id, Message.template, Message.context)
        .where(Message.chat_id == turn.chat.id, Message.remote_id == turn.incoming.reply_to)
        .order_by(Message.id.desc())  # an edit is a later row at the same place
        .limit(1)
    )
    message = replied.one_or_none()
    if message is None:
        return ""
    if message.template in _QUERIED:
        return str(message.context.get("words") or "")
    listed = await turn.connection.scalars(
        select(MessageItem.obligation_id).where(MessageItem.message_id == message.id).limit(2)
    )
    ids = listed.all() or _named_in(message.context)
    obligation = await visible_obligation(turn, ids[0]) if len(ids) == 1 else None
    if obligation is None:
        return ""
    row = obligation.row
    plans = await load_visible_plans(turn, await load_scope(turn, DECIDING_ROLES))
    if row.plan_id not in plans:
        return ""
    number = short_plan_number(plans[row.plan_id], plans.values())
    return f"{number} {row.code} {period_words(row.period)}".strip()


def _named_in(context: Any) -> list[int]:
    """Return the obligation that the context of a message without a list is about."""
    item = context.get("item")
    return [int(item["id"])] if isinstance(item, dict) and "id" in item else []
