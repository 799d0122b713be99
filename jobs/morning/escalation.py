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

from data.contacts.recipients import Place, places
from data.models import Agency, Obligation
from data.obligations import due as due_today
from data.registry.province import Province
from data.registry.registry import Registry
from data.rules.holders import Holders
from data.rules.ladder import effective_due
from data.rules.owners import coordinator_of
from jobs.morning.pages import Bag, DueItem

NOBODY, AGENCY, COORDINATOR, LEADER = 0, 1, 2, 3  # Obligation.late_told
_CHUNK = 900


async def escalate(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    bags: dict[int, Bag],
    *,
    today: date,
) -> None:
    """Add to the morning's bags what is late enough for the coordinator or the leaders, and note it.

    Call it before the agencies' own reminders of the morning are marked.
    """
    home = registry.provinces[province]
    limits = home.file.escalation
    late = await _late(connection, registry, province, today)
    if not late:
        return
    rows = await connection.execute(
        select(Agency.id, Agency.code).where(Agency.province == province)
    )
    ids = {row.code: row.id for row in rows}
    steering = await places(connection, ids.values(), roles=("coordinator",))
    leading = await places(connection, ids.values(), roles=("leader",))
    leaders = [place for each in leading.values() for place in each]
    coordinator_of_plan = cache(lambda code: coordinator_of(home, registry.plans[code], on=today))
    reached: dict[int, int] = {}
    for item, days in late:
        coordinator = coordinator_of_plan(item.row.plan_code)
        own = item.addressee == coordinator
        chats = steering.get(ids.get(coordinator or "", -1), [])
        if item.row.late_told < COORDINATOR and days >= limits.coordinator and (own or chats):
            _tell(bags, () if own else chats, item)
            reached[item.row.id] = COORDINATOR
        told = reached.get(item.row.id, item.row.late_told)
        if told == COORDINATOR and days >= limits.leader and leaders:
            _tell(bags, leaders, item, leads=True)
            reached[item.row.id] = LEADER
    for step in (COORDINATOR, LEADER):
        await _note(connection, [key for key, value in reached.items() if value == step], step)


async def announce(connection: AsyncConnection, obligation_ids: Iterable[int]) -> None:
    """Note of what was reminded that its agencies were told what comes if it stays late."""
    await _note(connection, list(obligation_ids), AGENCY)


def is_announced(home: Province, item: DueItem) -> bool:
    """Tell whether a reminder of an item is the one that says what comes if it stays late."""
    return (
        item.rung > 0
        and item.row.late_told == NOBODY
        and not (item.ended or item.undecided or item.row.due_proposed)
        and not home.is_outside(item.addressee)
    )


def limits(home: Province) -> dict[str, int]:
    """Return the working days after which what stays late is told to others, as a reminder says it."""
    return {"coordinator": home.file.escalation.coordinator, "leader": home.file.escalation.leader}


async def take_back(connection: AsyncConnection, obligation_ids: Iterable[int]) -> None:
    """Forget that some were told, for the message that was to tell it never left."""
    await _note(connection, sorted(set(obligation_ids)), AGENCY)


def _tell(
    bags: dict[int, Bag], chats: Iterable[Place], item: DueItem, *, leads: bool = False
) -> None:
    for place in chats:
        bag = bags.setdefault(place.chat_id, Bag(place))
        if not bag.escalated or bag.escalated[-1] is not item:  # whose chat may be a leader's, too
            bag.escalated.append(item)
        bag.leads = bag.leads or leads


async def _late(
    connection: AsyncConnection, registry: Registry, province: str, today: date
) -> list[tuple[DueItem, int]]:
    """Return what is late by the coordinator's days or more and not yet told to the end, with its days."""
    home = registry.provinces[province]
    limits = home.file.escalation
    rows = await due_today.late(connection, province, told=(AGENCY, COORDINATOR), today=today)
    late_by = cache(lambda judged_on: registry.workdays.between(judged_on, today))
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


async def _note(connection: AsyncConnection, obligation_ids: list[Any], step: int) -> None:
    some = Obligation.id.in_(bindparam("ids", expanding=True))
    statement = update(Obligation).where(some).values(late_told=step)
    for start in range(0, len(obligation_ids), _CHUNK):
        await connection.execute(statement, {"ids": obligation_ids[start : start + _CHUNK]})
