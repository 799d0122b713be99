"""A cap that comes near is told to who coordinates, in the morning message.

Promises one line for an account, what it uses up and a level, once a month (of people once), in every
chat of the coordinators whose province the account serves: at the end of what the chat is told that
morning, else in a message of its own. A line that never left is told again the next morning
(jobs/morning/unsent.py). Of an account that is stopped nothing is told here: that was told when it stopped.
Sends nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts import usage_warnings
from data.clock import civil_date
from data.contacts.recipients import province_coordinators
from jobs.morning.pages import ChatMorning

OVER_CAP = 101  # the level of an account that has more people than its platform serves


async def warn_coordinators(
    connection: AsyncConnection,
    province: str,
    chat_mornings: dict[int, ChatMorning],
    accounts: Sequence[dict[str, Any]],
    *,
    now: datetime,
) -> None:
    """Add to the morning's bags what the coordinators do not know of the accounts yet, and note it.

    accounts: as jobs.delivery.usage.accounts_in_use returns them.
    """
    passed = [
        (account, what, level)
        for account in accounts
        for what in ("messages", "people")
        if not account["stopped"] and (level := _level(account, what))
    ]
    if not passed:
        return
    serving = await usage_warnings.list_province_accounts(connection, province)
    this_month = civil_date(now).replace(day=1)
    for agency_id, places in (await province_coordinators(connection, province)).items():
        for place in places:
            for account, what, level in passed:
                if account["id"] not in serving:
                    continue
                month_on = this_month if what == "messages" else usage_warnings.EVER
                mark = await usage_warnings.record_warning(
                    connection,
                    chat_id=place.chat_id,
                    account_id=account["id"],
                    what=what,
                    month_on=month_on,
                    level=level,
                    now=now,
                )
                if mark is not None:
                    chat_morning = chat_mornings.setdefault(place.chat_id, ChatMorning(place))
                    chat_morning.agency_id = agency_id
                    chat_morning.accounts.append(_line(account, what, level, this_month, mark))


def _level(account: dict[str, Any], what: str) -> int:
    use = account[what]
    if what == "people" and use["cap"] is not None and use["used"] > use["cap"]:
        return OVER_CAP
    return int(use["level"])


def _line(
    account: dict[str, Any], what: str, level: int, month_on: date, mark: int
) -> dict[str, Any]:
    return {
        "mark": mark,
        "messenger": account["messenger"],
        "name": account["name"],
        "what": what,
        "month": month_on.month,
        **account[what],
        "level": level,
    }
