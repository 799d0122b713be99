"""The service's health, for an administrator's monitor.

Guarantees:
- It is bad exactly where bot/health/running.py finds something bad, which `nhacviec doctor` tells too.
- No words of people; a few reads by index, so a monitor may ask every second; nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.health import running
from bot.health.running import AccountKey
from data.accounts.leases import is_owned
from data.clock import civil_date
from data.contacts.chats import list_lost_chats
from data.db.database import Database
from data.models import Account
from data.registry.registry import Registry


async def check_health(
    database: Database,
    registry: Registry | None = None,
    wanted: Collection[AccountKey] | None = None,
    *,
    now: datetime,
) -> dict[str, Any]:
    """Return the state of accounts, messages and mornings; `ok` is False where an administrator must act.

    faults: what is bad, in the doctor's words. lost_chats: those in which people are enrolled, as `doctor` names
    them. oldest_due_seconds: age of the oldest message due by now; None where none is due. wanted: the accounts
    that are set; others count only while a process owns them (None: all count). registry None: no mornings.
    """
    workdays = None if registry is None else registry.workdays
    async with database.read() as connection:
        accounts = await _accounts(connection, now)
        found = await running.check_owners(connection, wanted, now=now)
        clock = await running.check_set_back(connection, now=now)
        oldest = await running.find_oldest_due(connection, workdays, now=now)
        lost_chats = {row.id for row in await list_lost_chats(connection, today=civil_date(now))}
        mornings = (
            {} if registry is None else await running.load_mornings(connection, registry, now=now)
        )
    found += [
        clock,
        running.judge_waiting(oldest, now=now),
        running.judge_writing(database.trouble),
        *running.check_disk(database.file),
    ]
    if registry is not None:
        found.append(running.judge_mornings(registry, mornings))
    bad = [finding for finding in found if finding.level == "bad"]
    return {
        "ok": not bad,
        "faults": [f"{finding.about}: {finding.found}" for finding in bad],
        "database": database.trouble or "ok",
        "clock": "ok" if clock.level == "ok" else clock.found,
        "accounts": accounts,
        "oldest_due_seconds": None if oldest is None else int((now - oldest).total_seconds()),
        "lost_chats": len(lost_chats),
        "mornings": [
            {"province": code, "last_on": day and day.isoformat(), "missing": missing}
            for code, (day, missing) in mornings.items()
        ],
    }


async def _accounts(connection: AsyncConnection, now: datetime) -> list[dict[str, Any]]:
    rows = await connection.execute(select(Account.__table__).order_by(Account.id))
    found = []
    for row in rows:
        owned = is_owned(connection, row.owned_until, now=now)
        until = row.stopped_until
        found.append(
            {
                "channel": row.channel,
                "name": row.name,
                "stopped": row.stopped_at is not None,
                "stopped_until": None if until is None else until.isoformat(),
                "owned": owned,
                "owner": row.owner if owned else None,
            }
        )
    return found
