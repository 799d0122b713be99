"""Escalation: late obligations are told to the coordinator, later to the leaders.

    NOBODY ──reminder that announces it──▶ AGENCY ──days──▶ COORDINATOR ──more days──▶ LEADER

Guarantees:
- An agency reads of the escalation on an earlier morning; each step is told once for a due date.
- Never escalated: proposed dates, what was due before tracking, disputed obligations, and agencies
  outside the People's Committee.
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
from jobs.morning.layout import ChatMorning, DueItem

NOBODY, AGENCY, COORDINATOR, LEADER = 0, 1, 2, 3  # Obligation.late_told


async def escalate(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    chat_mornings: dict[int, ChatMorning],
    *,
    today: date,
) -> None:
    """Add to the chats' mornings what is late enough for the coordinator or the leaders, and record it.

    Call before the morning's own reminders are recorded.
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
    coordinators = await list_recipients(
        connection, ids.values(), roles=("coordinator",), today=today
    )
    by_agency = await list_recipients(connection, ids.values(), roles=("leader",), today=today)
    codes = {key: code for code, key in ids.items()}
    leaders = {codes[key]: group for key, group in by_agency.items() if group}
    coordinator_of_plan = cache(lambda code: coordinator_of(home, registry.plans[code], on=today))
    new_steps: dict[int, int] = {}
    for item, days in late:
        coordinator = coordinator_of_plan(item.row.plan_code)
        is_own = item.addressee == coordinator
        chats = coordinators.get(ids.get(coordinator or "", -1), [])
        if item.row.late_told < COORDINATOR and days >= limits.coordinator and (is_own or chats):
            _add_to_chats(chat_mornings, () if is_own else chats, item)
            new_steps[item.row.id] = COORDINATOR
        step = new_steps.get(item.row.id, item.row.late_told)
        if step == COORDINATOR and days >= limits.leader and leaders:
            for code, group in leaders.items():
                _add_to_chats(chat_mornings, group, item, leaders_of=code)
            new_steps[item.row.id] = LEADER
    for step in (COORDINATOR, LEADER):
        await _set_late_told(
            connection, [key for key, value in new_steps.items() if value == step], step
        )


async def mark_announced(connection: AsyncConnection, obligation_ids: Iterable[int]) -> None:
    """Record that the agencies of reminded obligations have read of the escalation."""
    await _set_late_told(connection, list(obligation_ids), AGENCY)


def is_announced(home: Province, item: DueItem) -> bool:
    """Tell whether the reminder of an item announces the escalation."""
    return (
        item.rung > 0
        and item.row.late_told == NOBODY
        and not (item.is_ended or item.undecided or item.row.due_proposed)
        and not home.is_outside(item.addressee)
    )


def escalation_limits(home: Province) -> dict[str, int]:
    """Return the working days after which each step is told, as a reminder says it."""
    return {"coordinator": home.file.escalation.coordinator, "leader": home.file.escalation.leader}


async def unmark_escalated(connection: AsyncConnection, obligation_ids: Iterable[int]) -> None:
    """Undo the steps of obligations whose message was never sent."""
    await _set_late_told(connection, sorted(set(obligation_ids)), AGENCY)


def _add_to_chats(
    chat_mornings: dict[int, ChatMorning],
    chats: Iterable[Recipient],
    item: DueItem,
    *,
    leaders_of: str | None = None,
) -> None:
    for recipient in chats:
        chat_morning = chat_mornings.setdefault(recipient.chat_id, ChatMorning(recipient))
        # A coordinator's chat may be a leader's, too.
        if not chat_morning.escalated or chat_morning.escalated[-1] is not item:
            chat_morning.escalated.append(item)
        chat_morning.leaders_of = chat_morning.leaders_of or leaders_of


async def _load_late_items(
    connection: AsyncConnection, registry: Registry, province: str, today: date
) -> list[tuple[DueItem, int]]:
    """Return the items that are late enough for a step and have one left, with their working days."""
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
            continue  # no successor: the coordinator is reminded of it already
        if days < min(limits.coordinator, limits.leader) or home.is_outside(code):
            continue
        effective = effective_due(row.due_on, row.extended_to)
        late.append((DueItem(row, row.rung or 1, code, False, effective), days))
    return late


async def _set_late_told(connection: AsyncConnection, obligation_ids: list[Any], step: int) -> None:
    is_listed = Obligation.id.in_(bindparam("ids", expanding=True))
    statement = update(Obligation).where(is_listed).values(late_told=step)
    for ids in chunks(obligation_ids):
        await connection.execute(statement, {"ids": ids})
