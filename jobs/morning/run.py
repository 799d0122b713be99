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
from data.db.database import Database
from data.db.errors import DATABASE_ERRORS, describe_fault
from data.db.statements import bulk_insert
from data.log import get_logger
from data.models import Reminder
from data.obligations import due
from data.outbox import messages as outbox
from data.registry.province import Province
from data.registry.registry import Registry
from data.rules.holders import Holders
from data.rules.ladder import effective_due
from data.rules.owners import coordinator_of
from jobs.channel import Capabilities
from jobs.delivery.sending_hours import is_within_sending_hours
from jobs.delivery.usage import accounts_in_use
from jobs.morning import escalation, quota_saving, quota_warnings
from jobs.morning.pages import ChatMorning, DueItem, paginate
from jobs.morning.recipients import assign_to_chats
from jobs.morning.unsent import replace_unsent
from jobs.planning.ladder_cache import LadderCache
from jobs.planning.rungs import recompute

_log = get_logger("reminders")

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


async def run_mornings(
    database: Database,
    registry: Registry,
    *,
    now: datetime,
    capabilities: Mapping[int, Capabilities] | None = None,
) -> MorningResult:
    """Compose the morning of every province whose hour has come today and that has not had it.

    can: what the channel of each account can. Harmless to call again and again, and from several
    processes at once.
    """
    result = MorningResult()
    if not is_within_sending_hours(now, registry.workdays):
        return result
    today, known = civil_date(now), capabilities or {}
    async with database.read() as connection:
        done = await job_runs.list_finished_subjects(
            connection, "morning", registry.provinces, today
        )
        waiting = [code for code in registry.provinces if code not in done]
        waiting = [
            code for code in waiting if _hour_of(registry.provinces[code]) <= civil_time(now)
        ]
        if not waiting:
            return result
        accounts = await accounts_in_use(
            connection, lambda use: known.get(use.account_id), today=today
        )
    ladders = LadderCache(registry)
    for code in waiting:
        try:
            async with database.write() as connection:
                if await job_runs.record_run(connection, "morning", code, today, now=now):
                    await compose_morning(
                        connection,
                        registry,
                        code,
                        now=now,
                        result=result,
                        capabilities=known,
                        accounts=accounts,
                        ladders=ladders,
                    )
                    result.provinces.append(code)
        except Exception as error:  # one province's trouble must not cost the others their morning
            about = {"province": code, "error": describe_fault(error)}
            _log.error("morning.failed", **about, exc_info=not isinstance(error, DATABASE_ERRORS))
            result.failed.append(code)
    return result


def _hour_of(province: Province) -> time:
    hour, minute = province.file.morning.split(":")
    return time(int(hour), int(minute))


async def compose_morning(
    connection: AsyncConnection,
    registry: Registry,
    province_code: str,
    *,
    now: datetime,
    result: MorningResult,
    capabilities: Mapping[int, Capabilities] = MappingProxyType({}),
    accounts: Sequence[dict[str, Any]] = (),
    ladders: LadderCache | None = None,
) -> None:
    """Put one province's messages of the day into the outbox, in the caller's transaction.

    accounts: as jobs.delivery.usage.accounts_in_use returns them. ladders: of the registry, where several
    provinces have their morning.
    """
    today = civil_date(now)
    ladders = ladders or LadderCache(registry)
    home = registry.provinces[province_code]
    await end_stand_ins(connection, today=today, now=now)
    stale = await replace_unsent(connection, province_code, today)
    items = await _due_items(connection, registry, ladders, province_code, stale, today)
    chat_mornings: dict[int, ChatMorning] = {}
    passed_over: set[int] = set()
    if items:
        chat_mornings, unreachable = await assign_to_chats(
            connection, registry, province_code, items, today
        )
        result.unreachable += unreachable
        passed_over = quota_saving.drop_deferrable(chat_mornings, quota_saving.near_cap(accounts))
    await escalation.escalate(connection, registry, province_code, chat_mornings, today=today)
    await quota_warnings.warn_coordinators(
        connection, province_code, chat_mornings, accounts, now=now
    )
    told = passed_over | await _put(
        connection, home, chat_mornings, today, now, capabilities, result
    )
    said = [item for item in items if item.row.id in told]
    await _mark(connection, registry, ladders, said, today)


async def _due_items(
    connection: AsyncConnection,
    registry: Registry,
    ladders: LadderCache,
    province: str,
    stale: Sequence[int],
    today: date,
) -> list[DueItem]:
    home = registry.provinces[province]
    holders = Holders(home, on=today)
    rows = await due.load_due(connection, province, today=today)
    known = {row.id for row in rows}
    rows += await due.load_open(connection, [key for key in stale if key not in known])
    items: list[DueItem] = []
    for row in sorted(rows, key=attrgetter("id")):
        if row.plan_code not in registry.plans:
            continue
        effective = effective_due(row.due_on, row.extended_to)
        rung = ladders.last_reached_rung(row.plan_code, row.kind, effective, today=today)
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
    chat_mornings: dict[int, ChatMorning],
    today: date,
    now: datetime,
    capabilities: Mapping[int, Capabilities],
    result: MorningResult,
) -> set[int]:
    """Put the messages of all chats; return the obligations that were told of."""
    told: set[int] = set()
    announced: list[int] = []
    messages: list[dict[str, Any]] = []
    lines: dict[str, list[tuple[int, int, int]]] = {}
    for number, chat_morning in enumerate(chat_mornings.values()):
        if number % _AT_A_STRETCH == 0:
            await asyncio.sleep(0)
        told.update(item.row.id for item in (*chat_morning.items, *chat_morning.silent))
        readers = list(
            dict.fromkeys(item.addressee for item in chat_morning.items if not item.undecided)
        )
        limit = (
            capabilities[chat_morning.place.account_id].max_text
            if chat_morning.place.account_id in capabilities
            else _DEFAULT_LIMIT
        )
        pages = paginate(
            chat_morning.items,
            chat_morning.silent,
            limit,
            escalated=chat_morning.escalated,
            accounts=chat_morning.accounts,
        )
        above = 0  # lines on the pages before
        for index, page in enumerate(pages, 1):
            key = f"morning:{home.code}:{chat_morning.place.chat_id}:{today}:{index}"
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
                    "account_id": chat_morning.place.account_id,
                    "chat_id": chat_morning.place.chat_id,
                    "template": "reminder",
                    "context": {
                        "agency": " và ".join(home.agencies[code].name for code in readers),
                        "agency_code": next(iter(readers), ""),
                        "asked": any(home.is_outside(code) for code in readers),
                        "left_out": page.left_out,
                        "undecided": [item.row.id for item in page.items if item.undecided],
                        "silent": [item.row.id for item in page.silent],
                        "escalated": [item.row.id for item in page.escalated],
                        "to_leader": chat_morning.is_leader and not chat_morning.items,
                        "warning": escalation.escalation_limits(home) if warned else None,
                        "accounts": page.accounts,
                    },
                    "agency_id": speaks_of[0].row.agency_id
                    if speaks_of
                    else chat_morning.agency_id,
                    "page": index,
                    "pages": len(pages),
                    "dedupe_key": key,
                    "broadcast_on": today,
                }
            )
    result.messages += await outbox.enqueue_all(
        connection, messages, lines, priority=outbox.BROADCAST, now=now, send_at=now
    )
    await escalation.mark_announced(connection, announced)
    result.items += len(told)
    return told


async def _mark(
    connection: AsyncConnection,
    registry: Registry,
    ladders: LadderCache,
    items: Sequence[DueItem],
    today: date,
) -> None:
    """Record each rung as put into a message, and reckon the next."""
    day = today.isoformat()
    told = [(item.row.id, item.due_on.isoformat(), item.rung, day) for item in items]
    names = ("obligation_id", "due_on", "rung", "reminded_on")
    # What is told again, because it never left, stands there already.
    await bulk_insert(connection, Reminder, names, told, ignore_existing=True)
    ids = [item.row.id for item in items]
    await recompute(connection, registry, ids, today=today, ladders=ladders)
