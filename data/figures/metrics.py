"""Queue lengths and totals for operators: messages, updates and obligations by account and province.

Guarantees:
- Every query is answered from an index; none reads sent messages or confirmed obligations, by far the most.
- Numbers and names of accounts and provinces alone; no words of people.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, case, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.figures.states import overdue_condition
from data.models import Account, Agency, InboxEvent, JobRun, Message, Obligation, Plan, Task
from data.registry.workdays import Workdays

# Written out: a partial index is used only where the statement itself contains its condition.
_PENDING = Message.state == literal_column("'pending'")
_PARKED = Message.state.in_((literal_column("'failed'"), literal_column("'uncertain'")))
_NEW = InboxEvent.state == literal_column("'new'")
_UNREAD = InboxEvent.state == literal_column("'parked'")


@dataclass(slots=True)
class AccountGauges:
    """One account: whether it is stopped or owned, its messages and updates by state.

    oldest_due_seconds: how long the oldest message due by now has waited, else 0.
    """

    account_id: int
    channel: str
    name: str
    stopped: bool
    owned: bool
    waiting: int = 0
    oldest_due_seconds: float = 0.0
    failed: int = 0
    uncertain: int = 0
    inbox_new: int = 0
    inbox_parked: int = 0


@dataclass(slots=True)
class ProvinceGauges:
    """One province's obligations: open, late of the open ones, submitted; when its last morning ran."""

    open: int = 0
    late: int = 0
    submitted: int = 0
    morning_at: datetime | None = None


@dataclass(slots=True)
class Gauges:
    """Every figure, by account and by province."""

    accounts: list[AccountGauges]
    provinces: dict[str, ProvinceGauges] = field(default_factory=dict)


async def load_gauges(
    connection: AsyncConnection, *, now: datetime, today: date, workdays: Workdays
) -> Gauges:
    """Return the figures as of an instant; an account or province without any has zeros."""
    rows = await connection.execute(select(Account).order_by(Account.id))
    accounts = {
        row.id: AccountGauges(
            account_id=row.id,
            channel=row.channel,
            name=row.name,
            stopped=row.stopped_at is not None,
            owned=row.owned_until is not None and row.owned_until > now,
        )
        for row in rows
    }
    due = func.min(case((Message.send_at <= now, Message.send_at)))
    for account_id, count, oldest in await connection.execute(
        select(Message.account_id, func.count(), due).where(_PENDING).group_by(Message.account_id)
    ):
        accounts[account_id].waiting = count
        if oldest is not None:
            accounts[account_id].oldest_due_seconds = (now - oldest).total_seconds()
    for account_id, state, count in await connection.execute(
        select(Message.account_id, Message.state, func.count())
        .where(_PARKED)
        .group_by(Message.account_id, Message.state)
    ):
        setattr(accounts[account_id], state, count)
    for condition, name in ((_NEW, "inbox_new"), (_UNREAD, "inbox_parked")):
        for account_id, count in await connection.execute(
            select(InboxEvent.account_id, func.count())
            .where(condition)
            .group_by(InboxEvent.account_id)
        ):
            setattr(accounts[account_id], name, count)
    last_working_day = workdays.on_or_before(today)
    return Gauges(list(accounts.values()), await _load_provinces(connection, last_working_day))


async def _load_provinces(
    connection: AsyncConnection, last_working_day: date
) -> dict[str, ProvinceGauges]:
    """Count by plan, which orders the index, and add up by province here."""
    plans = await connection.execute(
        select(Plan.id, Plan.province).where(Plan.withdrawn_at.is_(None)).order_by(Plan.province)
    )
    province_of = {row.id: row.province for row in plans}
    gauges = {province: ProvinceGauges() for province in province_of.values()}
    living = Obligation.plan_id.in_(select(Plan.id).where(Plan.withdrawn_at.is_(None)))
    by_state: Select[Any, Any, Any] = (
        select(Obligation.plan_id, Obligation.state, func.count())
        .where(living, Obligation.state.in_(("open", "submitted")))
        .group_by(Obligation.plan_id, Obligation.state)
    )
    late: Select[Any, Any, Any] = (
        select(Obligation.plan_id, literal_column("'late'"), func.count())
        .where(living, overdue_condition(last_working_day))
        .group_by(Obligation.plan_id)
    )
    mornings = await connection.execute(
        select(JobRun.subject, func.max(JobRun.finished_at))
        .where(JobRun.job == "morning")
        .group_by(JobRun.subject)
    )
    for province, finished in mornings:
        if province in gauges:
            gauges[province].morning_at = finished
    for query in (by_state, late):
        for plan_id, name, count in await connection.execute(query):
            gauge = gauges[province_of[plan_id]]
            setattr(gauge, name, getattr(gauge, name) + count)
    return gauges


async def count_totals(connection: AsyncConnection) -> dict[str, int]:
    """Return how many rows of each kind there are, for the log at the start."""
    living = Obligation.state.in_(("open", "submitted"))
    queries = {
        "plans": select(func.count()).select_from(Plan).where(Plan.withdrawn_at.is_(None)),
        "tasks": select(func.count()).select_from(Task).where(Task.withdrawn_at.is_(None)),
        "agencies": select(func.count()).select_from(Agency),
        "obligations": select(func.count()).select_from(Obligation).where(living),
        "messages_sent": select(func.count()).where(Message.state == "sent"),
        "messages_waiting": select(func.count()).where(Message.state == "pending"),
    }
    return {name: await connection.scalar(query) or 0 for name, query in queries.items()}
