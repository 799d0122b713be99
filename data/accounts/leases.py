"""Accounts and their leases: one process at a time owns an account and sends for it.

Guarantees:
- Every new owner raises the epoch, so that writes of an earlier owner are recognised and refused.
- An account that is stopped or halted keeps its messages.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Account, Chat

LEASE_SECONDS = 20.0  # renewed every 5; so another process takes over within 30


class LeaseLost(Exception):
    """Another process owns the account: stop at once, record nothing."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send for an account, as long as no other process has raised its epoch."""

    account_id: int
    owner: str
    epoch: int


async def ensure_account(
    connection: AsyncConnection,
    *,
    channel: str,
    name: str,
    title: str | None = None,
    link: str | None = None,
    now: datetime | None = None,
) -> int:
    """Return the id of a configured account, created if new; a stop by a refusal ends.

    title, link: None where the platform was not reached yet; stored values stay. A stop with an end (a spent
    quota) stays. now: restarts the time without an owner, so that no other process takes the account for
    abandoned before this one owns it.
    """
    account_id = await connection.scalar(
        select(Account.id).where(Account.channel == channel, Account.name == name)
    )
    if account_id is None:
        added = insert(Account).values(
            channel=channel, name=name, title=title, link=link, owned_until=now
        )
        return (await connection.execute(added.returning(Account.id))).scalar_one()
    given = {"title": title, "link": link}
    if values := {key: value for key, value in given.items() if value is not None}:
        await connection.execute(update(Account).where(Account.id == account_id).values(values))
    await connection.execute(
        update(Account)
        .where(Account.id == account_id, Account.stopped_until.is_(None))
        .values(stopped_at=None, stopped_why=None)
    )
    if now is not None:
        await connection.execute(
            update(Account)
            .where(Account.id == account_id, or_(Account.owned_until.is_(None), _has_expired(now)))
            .values(owned_until=now)
        )
    return account_id


async def take_lease(
    connection: AsyncConnection,
    account_id: int,
    owner: str,
    *,
    now: datetime,
    lease_seconds: float = LEASE_SECONDS,
    stale_until: datetime | None = None,
) -> int | None:
    """Take the account's lease; returns the new epoch, or None while another owner's lease runs.

    The same owner takes it at once. So every process needs a name of its own, and may have that of an
    earlier one only where that one is known to be dead. stale_until: a lease with this end does not run,
    because its owner no longer renews it; the clock may have been set back since.
    """
    updated = await connection.execute(
        update(Account)
        .where(
            Account.id == account_id,
            or_(
                Account.owner.is_(None),
                Account.owner == owner,
                Account.owned_until.is_(None),
                _has_expired(now),
                Account.owned_until == stale_until,
            ),
        )
        .values(
            owner=owner,
            epoch=Account.epoch + 1,
            owned_until=now + timedelta(seconds=lease_seconds),
        )
        .returning(Account.epoch)
    )
    return updated.scalar_one_or_none()


async def renew_lease(
    connection: AsyncConnection,
    lease: Lease,
    *,
    now: datetime,
    lease_seconds: float = LEASE_SECONDS,
) -> None:
    """Extend the lease, even one that has expired and that nobody took; raises LeaseLost."""
    updated = await connection.execute(
        update(Account)
        .where(_is_current(lease))
        .values(owned_until=now + timedelta(seconds=lease_seconds))
    )
    if updated.rowcount != 1:
        raise LeaseLost(f"account {lease.account_id}")


async def release_lease(connection: AsyncConnection, lease: Lease, *, now: datetime) -> None:
    """Release the lease, so that another owner need not wait; no effect where it was lost.

    owned_until then holds the instant since which no process owns the account.
    """
    await connection.execute(
        update(Account).where(_is_current(lease)).values(owner=None, owned_until=now)
    )


async def lock_lease(connection: AsyncConnection, lease: Lease) -> None:
    """Hold the lease until the transaction ends; raises LeaseLost.

    Every transaction that claims or records begins with it. PostgreSQL locks the row; SQLite has one writer.
    """
    rows = await connection.execute(_LOCK, _lease_parameters(lease))
    if rows.first() is None:
        raise LeaseLost(f"account {lease.account_id}")


async def load_account(connection: AsyncConnection, account_id: int) -> Row[Any]:
    """Return the account's row."""
    return (await connection.execute(_ACCOUNT, {"account_id": account_id})).one()


def set_back_since(account: Row[Any], *, now: datetime) -> timedelta:
    """Return by how much, at least, the clock was set back since an account was last owned; never negative."""
    if account.owned_until is None:
        return timedelta()
    lease = timedelta() if account.owner is None else timedelta(seconds=LEASE_SECONDS)
    set_back: timedelta = account.owned_until - lease - now
    return max(timedelta(), set_back)


def is_owned(connection: AsyncConnection, owned_until: datetime | None, *, now: datetime) -> bool:
    """Tell whether a process owns an account.

    On a file a lease longer than any was given by a clock since set back; on a server the lease may be of
    another clock than `now`.
    """
    if owned_until is None or owned_until <= now:
        return False
    longest = timedelta(seconds=LEASE_SECONDS + 2)
    return connection.dialect.name != "sqlite" or owned_until <= now + longest


async def list_unowned_accounts(
    connection: AsyncConnection, *, except_ids: Collection[int], since: datetime, now: datetime
) -> list[int]:
    """Return the accounts that no process has owned since an instant, without stopped ones and except_ids.

    Their rows are locked until the transaction ends. For an account without a record the time counts from now.
    """
    rows = await connection.execute(
        select(Account.id, Account.owned_until)
        .where(
            Account.id.not_in(list(except_ids)),
            Account.stopped_at.is_(None),
            or_(Account.owned_until.is_(None), _has_expired(since)),
        )
        .order_by(Account.id)
        .with_for_update()
    )
    unowned = rows.all()
    unrecorded = [row.id for row in unowned if row.owned_until is None and since < now]
    if unrecorded:
        await connection.execute(
            update(Account).where(Account.id.in_(unrecorded)).values(owned_until=now)
        )
    return [row.id for row in unowned if row.id not in unrecorded]


async def list_owned_accounts(connection: AsyncConnection, *, now: datetime) -> list[Row[Any]]:
    """Return the accounts that a process owns now."""
    rows = await connection.execute(
        select(Account.__table__)
        .where(Account.owner.is_not(None), Account.owned_until > now)
        .order_by(Account.id)
    )
    return list(rows.all())


async def stop_account(
    connection: AsyncConnection,
    account_id: int,
    *,
    why: str,
    now: datetime,
    until: datetime | None = None,
) -> bool:
    """Stop an account that the platform refuses, or that may send no more before an instant (until).

    A stopped account sends nothing, and its chats are nobody's recipients. Returns False where it was
    stopped already.
    """
    updated = await connection.execute(
        update(Account)
        .where(Account.id == account_id, Account.stopped_at.is_(None))
        .values(stopped_at=now, stopped_why=why, stopped_until=until)
    )
    return updated.rowcount == 1


async def resume_accounts(connection: AsyncConnection, *, now: datetime) -> int:
    """End the stops whose end has come; returns the number of accounts."""
    updated = await connection.execute(
        update(Account)
        .where(Account.stopped_until <= now)
        .values(stopped_at=None, stopped_why=None, stopped_until=None, halted_until=None)
    )
    return updated.rowcount


async def pause_sending(
    connection: AsyncConnection,
    *,
    until: datetime,
    account_id: int | None = None,
    chat_id: int | None = None,
) -> None:
    """Silence an account or a chat until an instant, as the platform asked."""
    if account_id is not None:
        await connection.execute(
            update(Account).where(Account.id == account_id).values(halted_until=until)
        )
    if chat_id is not None:
        await connection.execute(update(Chat).where(Chat.id == chat_id).values(halted_until=until))


def _has_expired(now: datetime) -> ColumnElement[bool]:
    return Account.owned_until <= now


def _is_current(lease: Lease) -> ColumnElement[bool]:
    return and_(
        Account.id == lease.account_id, Account.owner == lease.owner, Account.epoch == lease.epoch
    )


def _lease_parameters(lease: Lease) -> dict[str, Any]:
    return {"account_id": lease.account_id, "owner": lease.owner, "epoch": lease.epoch}


_LOCK = (
    select(Account.id)
    .where(
        Account.id == bindparam("account_id"),
        Account.owner == bindparam("owner"),
        Account.epoch == bindparam("epoch"),
    )
    .with_for_update()
)
_ACCOUNT = select(Account.__table__).where(Account.id == bindparam("account_id"))
