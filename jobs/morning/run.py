"""The morning run: what is due becomes one message a chat.

Promises that each rung of each obligation is put into messages once, that a chat gets one message a
morning (in pages of at most ten items), that of several rungs missed only the latest is told, and that
a message of an earlier morning which never left is replaced, not added to. Composition and marking are
one transaction. Sends nothing itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data import job_runs
from data.clock import civil_date, civil_time
from data.contacts.enrolments import end_stand_ins
from data.db.bulk_insert import insert_plain
from data.db.database import FAULTS, Database, words_of
from data.log import journal
from data.models import Reminder
from data.obligations import due as due_today
from data.outbox import messages as outbox
from data.registry.province import Province
from data.registry.registry import Registry
from data.rules.holders import Holders
from data.rules.ladder import effective_due
from data.rules.owners import coordinator_of
from jobs.channel import Capabilities
from jobs.delivery.sending_hours import within_sending_hours
from jobs.delivery.usage import accounts_in_use
from jobs.morning import escalation
from jobs.morning import quota_saving as sparing
from jobs.morning import quota_warnings as warnings
from jobs.morning.pages import Bag, DueItem, paginate
from jobs.morning.recipients import address
from jobs.morning.unsent import take_back
from jobs.planning.ladder_cache import Ladders
from jobs.planning.materialise import recompute

_log = journal("reminders")

_DEFAULT_LIMIT = 4096
_AT_A_STRETCH = 50  # chats, before whoever else is at work in the process has a turn


@dataclass(slots=True)
class MorningResult:
    """What mornings composed: messages put, lines in them, obligations nobody can be told of."""

    provinces: list[str] = field(default_factory=list)
    messages: int = 0
    items: int = 0
    unreachable: int = 0
    failed: list[str] = field(default_factory=list)  # tried again at the next tick


async def morning(
    database: Database,
    registry: Registry,
    *,
    now: datetime,
    can: Mapping[int, Capabilities] | None = None,
) -> MorningResult:
    """Compose the morning of every province whose hour has come today and that has not had it.

    can: what the channel of each account can. Harmless to call again and again, and from several
    processes at once.
    """
    result = MorningResult()
    if not within_sending_hours(now, registry.workdays):
        return result
    today, known = civil_date(now), can or {}
    async with database.read() as connection:
        done = await job_runs.done(connection, "morning", registry.provinces, today)
        waiting = [code for code in registry.provinces if code not in done]
        waiting = [
            code for code in waiting if _hour_of(registry.provinces[code]) <= civil_time(now)
        ]
        if not waiting:
            return result
        accounts = await accounts_in_use(
            connection, lambda use: known.get(use.account_id), today=today
        )
    ladders = Ladders(registry)
    for code in waiting:
        try:
            async with database.write() as connection:
                if await job_runs.begin(connection, "morning", code, today, now=now):
                    await compose(
                        connection,
                        registry,
                        code,
                        now=now,
                        result=result,
                        can=known,
                        accounts=accounts,
                        ladders=ladders,
                    )
                    result.provinces.append(code)
        except Exception as error:  # one province's trouble must not cost the others their morning
            about = {"province": code, "error": words_of(error)}
            _log.error("morning.failed", **about, exc_info=not isinstance(error, FAULTS))
            result.failed.append(code)
    return result


def _hour_of(province: Province) -> time:
    hour, minute = province.file.morning.split(":")
    return time(int(hour), int(minute))


async def compose(
    connection: AsyncConnection,
    registry: Registry,
    province_code: str,
    *,
    now: datetime,
    result: MorningResult,
    can: Mapping[int, Capabilities] = MappingProxyType({}),
    accounts: Sequence[dict[str, Any]] = (),
    ladders: Ladders | None = None,
) -> None:
    """Put one province's messages of the day into the outbox, in the caller's transaction.

    accounts: as jobs.delivery.usage.accounts_in_use returns them. ladders: of the registry, where several
    provinces have their morning.
    """
    today = civil_date(now)
    ladders = ladders or Ladders(registry)
    home = registry.provinces[province_code]
    await end_stand_ins(connection, today=today, now=now)
    stale = await take_back(connection, province_code, today)
    items = await _due_items(connection, registry, ladders, province_code, stale, today)
    bags: dict[int, Bag] = {}
    passed_over: set[int] = set()
    if items:
        bags, unreachable = await address(connection, registry, province_code, items, today)
        result.unreachable += unreachable
        passed_over = sparing.give_way(bags, sparing.scarce(accounts))
    await escalation.escalate(connection, registry, province_code, bags, today=today)
    await warnings.warn(connection, province_code, bags, accounts, now=now)
    told = passed_over | await _put(connection, home, bags, today, now, can, result)
    said = [item for item in items if item.row.id in told]
    await _mark(connection, registry, ladders, said, today)


async def _due_items(
    connection: AsyncConnection,
    registry: Registry,
    ladders: Ladders,
    province: str,
    stale: Sequence[int],
    today: date,
) -> list[DueItem]:
    home = registry.provinces[province]
    holders = Holders(home, on=today)
    rows = await due_today.due(connection, province, today=today)
    known = {row.id for row in rows}
    rows += await due_today.still_open(connection, [key for key in stale if key not in known])
    items: list[DueItem] = []
    for row in sorted(rows, key=attrgetter("id")):
        if row.plan_code not in registry.plans:
            continue
        effective = effective_due(row.due_on, row.extended_to)
        rung = ladders.reached(row.plan_code, row.kind, effective, today=today)
        if rung is None:
            continue
        holder = holders.holder(row.owner_code, row.kind)
        code = holder or coordinator_of(home, registry.plans[row.plan_code], on=today)
        if code is not None:
            items.append(DueItem(row, rung, code, holder is None, effective))
    return items


async def _put(
    connection: AsyncConnection,
    home: Province,
    bags: dict[int, Bag],
    today: date,
    now: datetime,
    can: Mapping[int, Capabilities],
    result: MorningResult,
) -> set[int]:
    """Put the messages of all chats; return the obligations that were told of."""
    told: set[int] = set()
    announced: list[int] = []
    messages: list[dict[str, Any]] = []
    lines: dict[str, list[tuple[int, int, int]]] = {}
    for number, bag in enumerate(bags.values()):
        if number % _AT_A_STRETCH == 0:
            await asyncio.sleep(0)
        told.update(item.row.id for item in (*bag.items, *bag.silent))
        readers = list(dict.fromkeys(item.addressee for item in bag.items if not item.undecided))
        limit = (
            can[bag.place.account_id].max_text if bag.place.account_id in can else _DEFAULT_LIMIT
        )
        pages = paginate(
            bag.items, bag.silent, limit, escalated=bag.escalated, accounts=bag.accounts
        )
        above = 0  # lines on the pages before
        for index, page in enumerate(pages, 1):
            key = f"morning:{home.code}:{bag.place.chat_id}:{today}:{index}"
            lines[key] = [
                (position, item.row.id, item.rung)
                for position, item in enumerate(page.items, above + 1)
            ]
            above += len(page.items)
            warned = [item.row.id for item in page.items if escalation.is_announced(home, item)]
            announced += warned
            speaks_of = (*page.items, *page.silent, *page.escalated)
            messages.append(
                {
                    "account_id": bag.place.account_id,
                    "chat_id": bag.place.chat_id,
                    "template": "reminder",
                    "context": {
                        "agency": " và ".join(home.agencies[code].name for code in readers),
                        "agency_code": next(iter(readers), ""),
                        "asked": any(home.is_outside(code) for code in readers),
                        "left_out": page.left_out,
                        "undecided": [item.row.id for item in page.items if item.undecided],
                        "silent": [item.row.id for item in page.silent],
                        "escalated": [item.row.id for item in page.escalated],
                        "to_leader": bag.leads and not bag.items,
                        "warning": escalation.limits(home) if warned else None,
                        "accounts": page.accounts,
                    },
                    "agency_id": speaks_of[0].row.agency_id if speaks_of else bag.agency_id,
                    "page": index,
                    "pages": len(pages),
                    "dedupe_key": key,
                    "broadcast_on": today,
                }
            )
    result.messages += await outbox.put_all(
        connection, messages, lines, priority=outbox.BROADCAST, now=now, send_at=now
    )
    await escalation.announce(connection, announced)
    result.items += len(told)
    return told


async def _mark(
    connection: AsyncConnection,
    registry: Registry,
    ladders: Ladders,
    items: Sequence[DueItem],
    today: date,
) -> None:
    """Record each rung as put into a message, and reckon the next."""
    day = today.isoformat()
    told = [(item.row.id, item.due_on.isoformat(), item.rung, day) for item in items]
    names = ("obligation_id", "due_on", "rung", "reminded_on")
    # What is told again, because it never left, stands there already.
    await insert_plain(connection, Reminder, names, told, keep=True)
    ids = [item.row.id for item in items]
    await recompute(connection, registry, ids, today=today, ladders=ladders)
