"""The service's health, for an administrator's monitor.

Guarantees:
- Only a fault that a person must mend makes it bad; a bot that rests until a known day does not.
- No words of people; a few reads by index, so a monitor may ask every second; nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts.leases import is_owned
from data.clock import civil_date, instant_at
from data.contacts.chats import list_lost_chats
from data.db.database import Database
from data.models import Account, JobRun, Message
from data.outbox.messages import BROADCAST
from data.outbox.set_back import count_misdated, latest_instant_ahead
from data.registry.registry import Registry
from jobs.delivery.sending_hours import is_within_sending_hours

LONG_DUE = timedelta(hours=1)
MORNING_TAKES = timedelta(minutes=15)


async def check_health(
    database: Database,
    registry: Registry | None = None,
    open_accounts: Collection[int] = (),
    *,
    now: datetime,
) -> dict[str, Any]:
    """Return the state of accounts, messages and mornings; `ok` is False where an administrator must act.

    That is: an account without a living owner, or stopped until it is mended; a message due for an hour
    within sending hours, or waiting for an instant of a clock since set back; a morning that should have been
    composed a quarter of an hour ago; a failed last write, for which `database` says in Vietnamese what to do.
    clock: says whether it was set back. lost_chats: those in which people are enrolled, as `doctor` names them.
    oldest_due_seconds: age of the oldest message due by now; None where none is due. open_accounts: those of
    this process; others count only while a process owns them (empty: all count). registry None: no mornings.
    """
    async with database.read() as connection:
        accounts = await _accounts(connection, open_accounts, now)
        oldest = await _oldest_due(connection, registry, now)
        mornings = [] if registry is None else await _mornings(connection, registry, now)
        misdated = await count_misdated(connection, now=now)
        is_set_back = misdated or await latest_instant_ahead(connection, now=now) is not None
        lost_chats = {row.id for row in await list_lost_chats(connection, today=civil_date(now))}
    waited = None if oldest is None else now - oldest
    working = all(
        each["owned"] and (not each["stopped"] or each["stopped_until"] is not None)
        for each in accounts
        if each.pop("matters")
    )
    in_time = not misdated and (waited is None or waited < LONG_DUE)
    trouble = database.trouble
    return {
        "ok": not trouble and working and in_time and not any(each["missing"] for each in mornings),
        "database": trouble or "ok",
        "clock": "đồng hồ đã bị chỉnh lùi" if is_set_back else "ok",
        "accounts": accounts,
        "oldest_due_seconds": None if waited is None else int(waited.total_seconds()),
        "lost_chats": len(lost_chats),
        "mornings": mornings,
    }


async def _accounts(
    connection: AsyncConnection, open_accounts: Collection[int], now: datetime
) -> list[dict[str, Any]]:
    rows = await connection.execute(select(Account.__table__).order_by(Account.id))
    found = []
    for row in rows:
        owned = is_owned(row.owned_until, now=now)
        until = row.stopped_until
        found.append(
            {
                "channel": row.channel,
                "name": row.name,
                "stopped": row.stopped_at is not None,
                "stopped_until": None if until is None else until.isoformat(),
                "owned": owned,
                "owner": row.owner if owned else None,
                "matters": owned or not open_accounts or row.id in open_accounts,
            }
        )
    return found


async def _oldest_due(
    connection: AsyncConnection, registry: Registry | None, now: datetime
) -> datetime | None:
    """Return since when the oldest message is due; outside sending hours broadcasts do not count."""
    query = select(func.min(Message.send_at)).where(
        Message.state == "pending", Message.send_at <= now
    )
    if registry is not None and not is_within_sending_hours(now, registry.workdays):
        query = query.where(Message.priority != BROADCAST)
    return await connection.scalar(query)


async def _mornings(
    connection: AsyncConnection, registry: Registry, now: datetime
) -> list[dict[str, Any]]:
    """Return each province's last morning, and whether today's is missing."""
    rows = await connection.execute(
        select(JobRun.subject, func.max(JobRun.run_on))
        .where(JobRun.job == "morning")
        .group_by(JobRun.subject)
    )
    last = {row[0]: row[1] for row in rows}
    today = civil_date(now)
    open_now = is_within_sending_hours(now, registry.workdays)
    found = []
    for home in registry.provinces.values():
        hour, minute = home.file.morning.split(":")
        due = instant_at(today, time(int(hour), int(minute))) + MORNING_TAKES
        day = last.get(home.code)
        found.append(
            {
                "province": home.code,
                "last_on": None if day is None else day.isoformat(),
                "missing": open_now and now >= due and day != today,
            }
        )
    return found
