"""Morning run: what a chat is to read this morning becomes one message, on a week's first its digest too.

Guarantees:
- A chat gets one message a morning of a province: its row is unique.
- Each rung of an obligation is put into messages once; of several missed rungs only the latest.
- A message of an earlier morning that was never sent is replaced.
- A province's messages and their record are one transaction.
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
from data.db.database import Database
from data.db.errors import DATABASE_ERRORS, describe_fault
from data.db.statements import bulk_insert
from data.log import get_logger
from data.models import Reminder
from data.obligations import due
from data.outbox import messages as outbox
from data.progress.extensions import count_granted, is_extendable
from data.registry.province import Province
from data.registry.registry import Registry
from data.rules.holders import Holders
from data.rules.ladder import effective_due
from data.rules.owners import coordinator_of
from jobs.channel import Capabilities
from jobs.delivery.sending_hours import is_within_sending_hours
from jobs.delivery.usage import accounts_in_use, near_cap
from jobs.digests.pictures import Draw
from jobs.morning import escalation, quota_saving, quota_warnings
from jobs.morning.contexts import Listed, compose_message
from jobs.morning.layout import ChatMorning, DueItem
from jobs.morning.recipients import assign_to_chats
from jobs.morning.unsent import replace_unsent
from jobs.morning.weeks import PreparedWeek, WeekTold, begin_telling, prepare_week, tell_again
from jobs.planning.ladder_cache import LadderCache
from jobs.planning.rungs import recompute

_log = get_logger("reminders")

_DEFAULT_LIMIT = 4096
_CHATS_A_STRETCH = 50  # composed before other tasks of the process run


@dataclass(slots=True)
class MorningResult:
    """Provinces whose morning was composed, and what was put into the outbox."""

    provinces: list[str] = field(default_factory=list)
    messages: int = 0
    weekly: int = 0  # messages with the digest of the week
    items: int = 0  # obligations in them
    unreachable: int = 0  # obligations without any chat
    failed: list[str] = field(default_factory=list)  # provinces, tried again at the next tick


async def run_mornings(
    database: Database,
    registry: Registry,
    *,
    now: datetime,
    capabilities: Mapping[int, Capabilities] | None = None,
    draw: Draw | None = None,
    has_address: bool = False,
) -> MorningResult:
    """Compose the morning of every province whose hour has come today and that has not had it.

    Harmless to call again, and from several processes at once. capabilities: by account. draw: None for no
    pictures of the week; has_address: files are reachable at a public address.
    """
    result = MorningResult()
    if not is_within_sending_hours(now, registry.workdays):
        return result
    today, capabilities = civil_date(now), capabilities or {}
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
            connection, lambda usage: capabilities.get(usage.account_id), today=today
        )
    ladders = LadderCache(registry)
    for code in waiting:
        try:
            week = await prepare_week(
                database,
                registry,
                code,
                now=now,
                accounts=accounts,
                capabilities=capabilities,
                draw=draw,
                has_address=has_address,
            )
            async with database.write() as connection:
                if await job_runs.record_run(connection, "morning", code, today, now=now):
                    await compose_morning(
                        connection,
                        registry,
                        code,
                        now=now,
                        result=result,
                        capabilities=capabilities,
                        accounts=accounts,
                        ladders=ladders,
                        week=week,
                    )
                    result.provinces.append(code)
        except Exception as error:  # one province's fault must not stop the others
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
    week: PreparedWeek | None = None,
) -> None:
    """Put one province's messages of the day into the outbox, in the caller's transaction.

    accounts: as accounts_in_use returns them. ladders: shared by several provinces' mornings. week: the digest
    of a week that was not told yet.

    1. Skip reminders of earlier mornings that were never sent.
    2. Load the items that are due, and those that were skipped.
    3. Assign them to chats, and drop those that can wait on accounts near their monthly cap.
    4. Add escalations, warnings of caps and the weekly part.
    5. Put the messages into the outbox.
    6. Record the rungs of the items that were listed or passed over, and plan the next ones.
    """
    today = civil_date(now)
    ladders = ladders or LadderCache(registry)
    home = registry.provinces[province_code]
    unsent = await replace_unsent(connection, province_code, today)  # 1
    items = await _load_items(
        connection, registry, ladders, province_code, unsent.obligation_ids, today
    )  # 2
    chat_mornings: dict[int, ChatMorning] = {}
    passed_over: set[int] = set()
    if items:  # 3
        chat_mornings, unreachable = await assign_to_chats(
            connection, registry, province_code, items, today
        )
        result.unreachable += unreachable
        passed_over = quota_saving.drop_deferrable(chat_mornings, near_cap(accounts))
    await escalation.escalate(connection, registry, province_code, chat_mornings, today=today)  # 4
    await quota_warnings.warn_coordinators(
        connection, province_code, chat_mornings, accounts, now=now
    )
    if week is not None:
        told = await begin_telling(connection, week, now=now)
    else:
        told = await tell_again(connection, province_code, unsent.weekly_chat_ids, today=today)
    _add_letters(chat_mornings, told)
    listed = await _put_messages(
        connection, home, chat_mornings, told, now, capabilities, result
    )  # 5
    recorded = [item for item in items if item.row.id in passed_over | listed]
    await _record_rungs(connection, registry, ladders, recorded, today)  # 6


async def _load_items(
    connection: AsyncConnection,
    registry: Registry,
    ladders: LadderCache,
    province: str,
    skipped: Sequence[int],
    today: date,
) -> list[DueItem]:
    """Return the items due today, and those of skipped messages that are still open."""
    home = registry.provinces[province]
    holders = Holders(home, on=today)
    rows = await due.load_due(connection, province, today=today)
    due_ids = {row.id for row in rows}
    rows += await due.load_open(connection, [key for key in skipped if key not in due_ids])
    moved = [row.id for row in rows if row.extended_to is not None]
    granted = await count_granted(connection, moved)
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
            extendable = is_extendable(
                row,
                granted=granted.get(row.id, 0),
                max_granted=home.file.most_extensions,
                today=today,
            )
            items.append(DueItem(row, rung, code, holder is None, effective, not extendable))
    return items


def _add_letters(chat_mornings: dict[int, ChatMorning], week: WeekTold) -> None:
    for chat_id, letter in week.letters.items():
        if letter.is_extra and chat_id not in chat_mornings:
            continue
        chat_mornings.setdefault(chat_id, ChatMorning(letter.place)).letter = letter


async def _put_messages(
    connection: AsyncConnection,
    home: Province,
    chat_mornings: dict[int, ChatMorning],
    week: WeekTold,
    now: datetime,
    capabilities: Mapping[int, Capabilities],
    result: MorningResult,
) -> set[int]:
    """Put one message for each chat into the outbox; returns the obligations that they list."""
    today = civil_date(now)
    listed: set[int] = set()
    announced: list[int] = []
    messages: list[dict[str, Any]] = []
    items: dict[str, Listed] = {}
    for number, chat_morning in enumerate(chat_mornings.values()):
        if number % _CHATS_A_STRETCH == 0:
            await asyncio.sleep(0)
        channel = capabilities.get(chat_morning.recipient.account_id)
        limit = channel.max_text if channel else _DEFAULT_LIMIT
        composed = compose_message(home, chat_morning, week, limit=limit, today=today)
        if composed is None:
            continue
        row, lines, newly = composed
        listed.update(item.row.id for item in (*chat_morning.items, *chat_morning.silent))
        items[row["dedupe_key"]] = lines
        announced += newly
        messages.append(row)
        result.weekly += row["context"]["week"] is not None
    result.messages += await outbox.enqueue_all(
        connection, messages, items, priority=outbox.BROADCAST, now=now, send_at=now
    )
    await escalation.mark_announced(connection, announced)
    result.items += len(listed)
    return listed


async def _record_rungs(
    connection: AsyncConnection,
    registry: Registry,
    ladders: LadderCache,
    items: Sequence[DueItem],
    today: date,
) -> None:
    """Record each item's rung as put into a message, and plan the next one."""
    day = today.isoformat()
    rows = [(item.row.id, item.due_on.isoformat(), item.rung, day) for item in items]
    names = ("obligation_id", "due_on", "rung", "reminded_on")
    # A rung whose message was replaced has its row already.
    await bulk_insert(connection, Reminder, names, rows, ignore_existing=True)
    ids = [item.row.id for item in items]
    await recompute(connection, registry, ids, today=today, ladders=ladders)
