"""Warnings of caps that come near, in the morning messages of the coordinators.

Guarantees:
- A chat is warned once a month of each level of an account's messages, and once of each level of people.
- A warning that was never sent is repeated the next morning (jobs/morning/unsent.py).
- A stopped account causes no warning: the coordinators were notified when it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts import usage_warnings
from data.clock import civil_date
from data.contacts.recipients import province_coordinators
from jobs.morning.layout import ChatMorning

OVER_CAP = 101  # the level of an account that has more people than its platform serves


async def warn_coordinators(
    connection: AsyncConnection,
    province: str,
    chat_mornings: dict[int, ChatMorning],
    accounts: Sequence[dict[str, Any]],
    *,
    now: datetime,
) -> None:
    """Add new warnings to the mornings of the coordinators' chats, and record them.

    accounts: as accounts_in_use returns them.
    """
    reached = [
        (account, what, level)
        for account in accounts
        for what in ("messages", "people")
        if not account["stopped"] and (level := _level(account, what))
    ]
    if not reached:
        return
    today = civil_date(now)
    account_ids = await usage_warnings.list_province_accounts(connection, province, today=today)
    this_month = today.replace(day=1)
    coordinators = await province_coordinators(connection, province, today=today)
    for agency_id, recipients in coordinators.items():
        for recipient in recipients:
            for account, what, level in reached:
                if account["id"] not in account_ids:
                    continue
                month_on = this_month if what == "messages" else usage_warnings.EVER
                warning_id = await usage_warnings.record_warning(
                    connection,
                    chat_id=recipient.chat_id,
                    account_id=account["id"],
                    what=what,
                    month_on=month_on,
                    level=level,
                    now=now,
                )
                if warning_id is not None:
                    chat_morning = chat_mornings.setdefault(
                        recipient.chat_id, ChatMorning(recipient)
                    )
                    chat_morning.agency_id = agency_id
                    line = _warning_line(account, what, level, this_month, warning_id)
                    chat_morning.accounts.append(line)


def _level(account: dict[str, Any], what: str) -> int:
    usage = account[what]
    if what == "people" and usage["cap"] is not None and usage["used"] > usage["cap"]:
        return OVER_CAP
    return int(usage["level"])


def _warning_line(
    account: dict[str, Any], what: str, level: int, month_on: date, warning_id: int
) -> dict[str, Any]:
    return {
        "mark": warning_id,
        "messenger": account["messenger"],
        "name": account["name"],
        "what": what,
        "month": month_on.month,
        **account[what],
        "level": level,
    }
