"""What gives way when an account has nearly used up its month.

Promises that what is due, late, an answer or a notice goes out as ever; and that of what is left out
nothing is lost: a reminder far from its date is told by the next nearer rung, the question after tasks
without a date on the first morning on which there is room again. Whatever else is put into chats without
being urgent (a digest) asks `scarce` first. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jobs.morning.pages import ChatMorning, DueItem

NEAR_CAP_PERCENT = 95  # per cent of a month's messages, from which on what is less urgent gives way
LAST_DEFERRABLE_RUNG = -10  # the last rung that does


def near_cap(accounts: Iterable[Mapping[str, Any]]) -> set[int]:
    """Return the accounts that are to be spared; accounts: as jobs.delivery.usage.accounts_in_use returns them."""
    return {
        account["id"]
        for account in accounts
        if (account["messages"]["percent"] or 0) >= NEAR_CAP_PERCENT
    }


def is_deferrable(item: DueItem) -> bool:
    """Tell whether an item can wait: far from its date, or a question that has none."""
    return item.is_undated or item.rung <= LAST_DEFERRABLE_RUNG


def drop_deferrable(chat_mornings: dict[int, ChatMorning], near_cap_ids: set[int]) -> set[int]:
    """Leave out of the chats of spared accounts what can wait; chats with nothing else are left out.

    Returns the obligations that are now told nowhere and whose rung is passed over.
    """
    left_out: dict[int, DueItem] = {}
    for chat_id, chat_morning in list(chat_mornings.items()):
        if chat_morning.place.account_id not in near_cap_ids:
            continue
        left_out |= {
            item.row.id: item
            for item in (*chat_morning.items, *chat_morning.silent)
            if is_deferrable(item)
        }
        chat_morning.items = [item for item in chat_morning.items if not is_deferrable(item)]
        chat_morning.silent = [item for item in chat_morning.silent if not is_deferrable(item)]
        if not chat_morning.items and not chat_morning.silent:
            del chat_mornings[chat_id]
    told = {
        item.row.id
        for chat_morning in chat_mornings.values()
        for item in (*chat_morning.items, *chat_morning.silent)
    }
    return {key for key, item in left_out.items() if key not in told and not item.is_undated}
