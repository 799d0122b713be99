"""Escalation: what stays late is told to who follows it, then to the leaders.

Promises that an agency is told beforehand, on an earlier morning; that each step is told once for one due
date, in the morning message of whom it concerns and in no other chat; that a date nobody confirmed, what
ended before it was tracked, what is disputed, and bodies outside the People's Committee are never
escalated. Sends nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.recipients import Recipient, list_recipients
from data.db.statements import chunks
from data.figures.states import overdue_condition
from data.models import Agency, Obligation
from data.obligations import due
from data.registry.province import Province
from data.registry.registry import Registry
from data.rules.holders import Holders
from data.rules.ladder import effective_due
from data.rules.owners import coordinator_of
from data.rules.states import working_days_late
from jobs.morning.pages import ChatMorning, DueItem

NOBODY, AGENCY, COORDINATOR, LEADER = 0, 1, 2, 3  # Obligation.late_told


async def escalate(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    chat_mornings: dict[int, ChatMorning],
    *,
    today: date,
) -> None:
    """Add to the morning's bags what is late enough for the coordinator or the leaders, and note it.

    Call it before the agencies' own reminders of the morning are marked.
    """
    home = registry.provinces[province]
    limits = home.file.escalation
    late = await _load_late_items(connection, registry, province, today)
    if not late:
        return
    rows = await connection.execute(
        select(Agency.id, Agency.code).where(Agency.province == province)
    )
    ids = {row.code: row.id for row in rows}
    steering = await list_recipients(connection, ids.values(), roles=("coordinator",))
    leading = await list_recipients(connection, ids.values(), roles=("leader",))
    leaders = [place for each in leading.values() for place in each]
    coordinator_of_plan = cache(lambda code: coordinator_of(home, registry.plans[code], on=today))
    reached: dict[int, int] = {}
    for item, days in late:
        coordinator = coordinator_of_plan(item.row.plan_code)
        own = item.addressee == coordinator
        chats = steering.get(ids.get(coordinator or "", -1), [])
        if item.row.late_told < COORDINATOR and days >= limits.coordinator and (own or chats):
            _add_to_chats(chat_mornings, () if own else chats, item)
            reached[item.row.id] = COORDINATOR
        told = reached.get(item.row.id, item.row.late_told)
        if told == COORDINATOR and days >= limits.leader and leaders:
            _add_to_chats(chat_mornings, leaders, item, leads=True)
            reached[item.row.id] = LEADER
    for step in (COORDINATOR, LEADER):
        await _set_late_told(
            connection, [key for key, value in reached.items() if value == step], step
        )


async def mark_announced(connection: AsyncConnection, obligation_ids: Iterable[int]) -> None:
    """Note of what was reminded that its agencies were told what comes if it stays late."""
    await _set_late_told(connection, list(obligation_ids), AGENCY)


def is_announced(home: Province, item: DueItem) -> bool:
    """Tell whether a reminder of an item is the one that says what comes if it stays late."""
    return (
        item.rung > 0
        and item.row.late_told == NOBODY
        and not (item.is_ended or item.undecided or item.row.due_proposed)
        and not home.is_outside(item.addressee)
    )


def escalation_limits(home: Province) -> dict[str, int]:
    """Return the working days after which what stays late is told to others, as a reminder says it."""
    return {"coordinator": home.file.escalation.coordinator, "leader": home.file.escalation.leader}


async def unmark_escalated(connection: AsyncConnection, obligation_ids: Iterable[int]) -> None:
    """Forget that some were told, for the message that was to tell it never left."""
    await _set_late_told(connection, sorted(set(obligation_ids)), AGENCY)


def _add_to_chats(
    chat_mornings: dict[int, ChatMorning],
    chats: Iterable[Recipient],
    item: DueItem,
    *,
    leads: bool = False,
) -> None:
    for place in chats:
        chat_morning = chat_mornings.setdefault(place.chat_id, ChatMorning(place))
        if (
            not chat_morning.escalated or chat_morning.escalated[-1] is not item
        ):  # whose chat may be a leader's, too
            chat_morning.escalated.append(item)
        chat_morning.is_leader = chat_morning.is_leader or leads


async def _load_late_items(
    connection: AsyncConnection, registry: Registry, province: str, today: date
) -> list[tuple[DueItem, int]]:
    """Return what is late by the coordinator's days or more and not yet told to the end, with its days."""
    home = registry.provinces[province]
    limits = home.file.escalation
    overdue = overdue_condition(registry.workdays.on_or_before(today))
    rows = await due.load_late(connection, province, overdue, told=(AGENCY, COORDINATOR))
    late_by = cache(
        lambda judged_on: working_days_late(judged_on, today=today, workdays=registry.workdays)
    )
    holders = Holders(home, on=today)
    late: list[tuple[DueItem, int]] = []
    for row in rows:
        if row.plan_code not in registry.plans:
            continue
        days = late_by(row.judged_on)
        code = holders.holder(row.owner_code, row.kind)
        if code is None:
            continue  # nobody took its work over: who coordinates has it already
        if days < min(limits.coordinator, limits.leader) or home.is_outside(code):
            continue
        effective = effective_due(row.due_on, row.extended_to)
        late.append((DueItem(row, row.rung or 1, code, False, effective), days))
    return late


async def _set_late_told(connection: AsyncConnection, obligation_ids: list[Any], step: int) -> None:
    some = Obligation.id.in_(bindparam("ids", expanding=True))
    statement = update(Obligation).where(some).values(late_told=step)
    for ids in chunks(obligation_ids):
        await connection.execute(statement, {"ids": ids})
