"""Near a monthly cap, drop reminders of rung -10 and earlier; the next rung tells them. Pure.

Guarantees:
- Reminders that are due soon or late, answers and notices are never dropped.
- Questions about tasks without a date are asked on the first morning with room again.
"""

from __future__ import annotations

from jobs.morning.layout import ChatMorning, DueItem

LAST_DEFERRABLE_RUNG = -10


def is_deferrable(item: DueItem) -> bool:
    """Tell whether an item can wait: far from its date, or without one."""
    return item.is_undated or item.rung <= LAST_DEFERRABLE_RUNG


def drop_deferrable(chat_mornings: dict[int, ChatMorning], near_cap_ids: set[int]) -> set[int]:
    """Drop the items that can wait from chats of accounts near a cap, and chats without any other item.

    Returns the obligations that no chat is told of now, whose rung is passed over.
    """
    dropped: dict[int, DueItem] = {}
    for chat_id, chat_morning in list(chat_mornings.items()):
        if chat_morning.recipient.account_id not in near_cap_ids:
            continue
        dropped |= {
            item.row.id: item
            for item in (*chat_morning.items, *chat_morning.silent)
            if is_deferrable(item)
        }
        chat_morning.items = [item for item in chat_morning.items if not is_deferrable(item)]
        chat_morning.silent = [item for item in chat_morning.silent if not is_deferrable(item)]
        if not chat_morning.items and not chat_morning.silent:
            del chat_mornings[chat_id]
    still_listed = {
        item.row.id
        for chat_morning in chat_mornings.values()
        for item in (*chat_morning.items, *chat_morning.silent)
    }
    return {key for key, item in dropped.items() if key not in still_listed and not item.is_undated}
