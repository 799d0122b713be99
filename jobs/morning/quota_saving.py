"""What gives way when an account has nearly used up its month.

Promises that what is due, late, an answer or a notice goes out as ever; and that of what is left out
nothing is lost: a reminder far from its date is told by the next nearer rung, the question after tasks
without a date on the first morning on which there is room again. Whatever else is put into chats without
being urgent (a digest) asks `scarce` first. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jobs.morning.pages import Bag, DueItem

SCARCE = 95  # per cent of a month's messages, from which on what is less urgent gives way
FAR = -10  # the last rung that does


def scarce(accounts: Iterable[Mapping[str, Any]]) -> set[int]:
    """Return the accounts that are to be spared; accounts: as jobs.delivery.usage.accounts_in_use returns them."""
    return {
        account["id"] for account in accounts if (account["messages"]["percent"] or 0) >= SCARCE
    }


def gives_way(item: DueItem) -> bool:
    """Tell whether an item can wait: far from its date, or a question that has none."""
    return item.undated or item.rung <= FAR


def give_way(bags: dict[int, Bag], spared: set[int]) -> set[int]:
    """Leave out of the chats of spared accounts what can wait; chats with nothing else are left out.

    Returns the obligations that are now told nowhere and whose rung is passed over.
    """
    left_out: dict[int, DueItem] = {}
    for chat_id, bag in list(bags.items()):
        if bag.place.account_id not in spared:
            continue
        left_out |= {item.row.id: item for item in (*bag.items, *bag.silent) if gives_way(item)}
        bag.items = [item for item in bag.items if not gives_way(item)]
        bag.silent = [item for item in bag.silent if not gives_way(item)]
        if not bag.items and not bag.silent:
            del bags[chat_id]
    told = {item.row.id for bag in bags.values() for item in (*bag.items, *bag.silent)}
    return {key for key, item in left_out.items() if key not in told and not item.undated}
