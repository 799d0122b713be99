"""What each account has used of what its platform allows.

Promises one form for chat and command line, and one place that says from when on a cap is warned of.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts.usage import AccountUsage, MonthUsage, list_account_usage, load_month_usage
from jobs.channel import Capabilities

LEVELS = (70, 85, 95)  # per cent of a cap from which on it is warned of


async def accounts_in_use(
    connection: AsyncConnection,
    capabilities: Callable[[AccountUsage], Capabilities | None],
    *,
    today: date,
) -> list[dict[str, Any]]:
    """Return every account's use this month, as JSON values; can: what its channel can, None if unknown.

    Where messages have a cap those received count too, for whether they do is not known of every
    platform.
    """
    return [
        await _facts(connection, use, capabilities(use), today)
        for use in await list_account_usage(connection, today=today)
    ]


def cap_usage(used: int, cap: int | None) -> dict[str, int | None]:
    """Return what is used of a cap: used, cap, percent (None without a cap), level (one of LEVELS, or 0)."""
    percent = None if cap is None else used * 100 // cap
    level = max((level for level in LEVELS if percent is not None and percent >= level), default=0)
    return {"used": used, "cap": cap, "percent": percent, "level": level}


async def _facts(
    connection: AsyncConnection, use: AccountUsage, capabilities: Capabilities | None, today: date
) -> dict[str, Any]:
    cap = capabilities.monthly_messages if capabilities else None
    month = MonthUsage(use.sent, 0)
    if cap is not None:
        month = await load_month_usage(connection, use.account_id, today=today)
    return {
        "id": use.account_id,
        "messenger": capabilities.messenger if capabilities else "",
        "channel": use.channel,
        "name": use.name,
        "stopped": use.stopped,
        "chats": use.chats,
        "people": cap_usage(use.people, capabilities.most_people if capabilities else None),
        "messages": {**cap_usage(month.used, cap), "sent": month.sent, "received": month.received},
    }
