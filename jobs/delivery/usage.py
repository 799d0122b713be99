"""Usage of each account against its platform's caps, and the levels from which a warning is due."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts.usage import AccountUsage, MonthUsage, list_account_usage, load_month_usage
from jobs.channel import Capabilities

LEVELS = (70, 85, 95)  # per cent of a cap
NEAR_CAP_PERCENT = 95  # of a month's messages, from which messages that can wait are dropped


async def accounts_in_use(
    connection: AsyncConnection,
    capabilities: Callable[[AccountUsage], Capabilities | None],
    *,
    today: date,
) -> list[dict[str, Any]]:
    """Return every account's usage this month, as JSON values; capabilities: None where unknown.

    Where messages have a cap, received ones count too: platforms do not say whether they count them.
    """
    return [
        await _facts(connection, usage, capabilities(usage), today)
        for usage in await list_account_usage(connection, today=today)
    ]


def cap_usage(used: int, cap: int | None) -> dict[str, int | None]:
    """Return used, cap, percent (None without a cap) and level (one of LEVELS, or 0)."""
    percent = None if cap is None else used * 100 // cap
    level = max((level for level in LEVELS if percent is not None and percent >= level), default=0)
    return {"used": used, "cap": cap, "percent": percent, "level": level}


def near_cap(accounts: Iterable[Mapping[str, Any]]) -> set[int]:
    """Return the accounts near their monthly cap, of those that accounts_in_use returned."""
    return {
        account["id"]
        for account in accounts
        if (account["messages"]["percent"] or 0) >= NEAR_CAP_PERCENT
    }


async def _facts(
    connection: AsyncConnection, usage: AccountUsage, capabilities: Capabilities | None, today: date
) -> dict[str, Any]:
    cap = capabilities.monthly_messages if capabilities else None
    month = MonthUsage(usage.sent, 0)
    if cap is not None:
        month = await load_month_usage(connection, usage.account_id, today=today)
    return {
        "id": usage.account_id,
        "messenger": capabilities.messenger if capabilities else "",
        "channel": usage.channel,
        "name": usage.name,
        "stopped": usage.stopped,
        "chats": usage.chats,
        "people": cap_usage(usage.people, capabilities.most_people if capabilities else None),
        "messages": {**cap_usage(month.used, cap), "sent": month.sent, "received": month.received},
    }
