"""Accounts and who owns them: one process at a time sends for an account.

Promises that every new owner raises the epoch, so that whatever an older one still tries to write can
be told from it. An account that the platform stopped or halted keeps its messages.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Account, Chat

LEASE_SECONDS = 20.0  # renewed every five; another process may take over after it: within 30


class LeaseLost(Exception):
    """Another process owns the account: stop at once, record nothing."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send for an account, as long as nobody else raised its epoch."""

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
    """Return the id of an account that is set, made if new; it is no longer stopped by a refusal.

    title, link: None where the platform was not reached yet; what was known before is kept. A rest that
    has an end (a spent quota) goes on. now: notes that a process with this account lives, so that no
    other lets go of it before this one owns it.
    """
    found = await connection.scalar(
        select(Account.id).where(Account.channel == channel, Account.name == name)
    )
    if found is None:
        made = insert(Account).values(
            channel=channel, name=name, title=title, link=link, owned_until=now
        )
        return (await connection.execute(made.returning(Account.id))).scalar_one()
    known = {"title": title, "link": link}
    if values := {key: value for key, value in known.items() if value is not None}:
        await connection.execute(update(Account).where(Account.id == found).values(values))
    await connection.execute(
        update(Account)
        .where(Account.id == found, Account.stopped_until.is_(None))
        .values(stopped_at=None, stopped_why=None)
    )
    if now is not None:
        await connection.execute(
            update(Account)
            .where(Account.id == found, or_(Account.owned_until.is_(None), _over(now)))
            .values(owned_until=now)
        )
    return found


async def take_lease(
    connection: AsyncConnection,
    account_id: int,
    owner: str,
    *,
    now: datetime,
    lease_seconds: float = LEASE_SECONDS,
) -> int | None:
    """Take the account's lease; returns the new epoch, or None while another owner's lease runs.

    The same owner takes it over at once: give a name anew to every process that may run beside
    another, the same name only where the one before is known to be dead.
    """
    taken = await connection.execute(
        update(Account)
        .where(
            Account.id == account_id,
            or_(
                Account.owner.is_(None),
                Account.owner == owner,
                Account.owned_until.is_(None),
                _over(now),
            ),
        )
        .values(
            owner=owner,
            epoch=Account.epoch + 1,
            owned_until=now + timedelta(seconds=lease_seconds),
        )
        .returning(Account.epoch)
    )
    return taken.scalar_one_or_none()


async def renew_lease(
    connection: AsyncConnection,
    lease: Lease,
    *,
    now: datetime,
    lease_seconds: float = LEASE_SECONDS,
) -> None:
    """Lengthen the lease, also one that ran out and that nobody took; raises LeaseLost."""
    renewed = await connection.execute(
        update(Account)
        .where(_is_current(lease))
        .values(owned_until=now + timedelta(seconds=lease_seconds))
    )
    if renewed.rowcount != 1:
        raise LeaseLost(f"account {lease.account_id}")


async def release_lease(connection: AsyncConnection, lease: Lease, *, now: datetime) -> None:
    """Give the lease back, so that another owner need not wait; nothing where it was lost.

    owned_until then tells since when nobody owns the account.
    """
    await connection.execute(
        update(Account).where(_is_current(lease)).values(owner=None, owned_until=now)
    )


async def lock_lease(connection: AsyncConnection, lease: Lease) -> None:
    """Make sure that the lease holds until the transaction ends; raises LeaseLost.

    Every transaction that claims or records begins with it (PostgreSQL locks the row; SQLite has one
    writer).
    """
    held = await connection.execute(_HOLD, _lease_parameters(lease))
    if held.first() is None:
        raise LeaseLost(f"account {lease.account_id}")


async def load_account(connection: AsyncConnection, account_id: int) -> Row[Any]:
    """Return the account's row."""
    return (await connection.execute(_ACCOUNT, {"account_id": account_id})).one()


async def list_unowned_accounts(
    connection: AsyncConnection, *, except_ids: Collection[int], since: datetime, now: datetime
) -> list[int]:
    """Return the accounts, other than `but` and those stopped, that no process has had since an instant.

    Held until the transaction ends. Of one of which nothing is known the time counts from now on.
    """
    rows = await connection.execute(
        select(Account.id, Account.owned_until)
        .where(
            Account.id.not_in(list(except_ids)),
            Account.stopped_at.is_(None),
            or_(Account.owned_until.is_(None), _over(since)),
        )
        .order_by(Account.id)
        .with_for_update()
    )
    found = rows.all()
    unknown = [row.id for row in found if row.owned_until is None and since < now]
    if unknown:
        await connection.execute(
            update(Account).where(Account.id.in_(unknown)).values(owned_until=now)
        )
    return [row.id for row in found if row.id not in unknown]


async def list_owned_accounts(connection: AsyncConnection, *, now: datetime) -> list[Row[Any]]:
    """Return the accounts that a process owns at an instant."""
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
    """Stop an account that the platform refuses, or (until) that may send no more before an instant.

    Nothing is sent from it, and nobody is addressed there. Returns False where it was stopped already.
    """
    stopped = await connection.execute(
        update(Account)
        .where(Account.id == account_id, Account.stopped_at.is_(None))
        .values(stopped_at=now, stopped_why=why, stopped_until=until)
    )
    return stopped.rowcount == 1


async def resume_accounts(connection: AsyncConnection, *, now: datetime) -> int:
    """Let accounts go on whose rest is over; returns how many."""
    resumed = await connection.execute(
        update(Account)
        .where(Account.stopped_until <= now)
        .values(stopped_at=None, stopped_why=None, stopped_until=None, halted_until=None)
    )
    return resumed.rowcount


async def pause_sending(
    connection: AsyncConnection,
    *,
    until: datetime,
    account_id: int | None = None,
    chat_id: int | None = None,
) -> None:
    """Keep an account or a chat silent until an instant, as the platform asked."""
    if account_id is not None:
        await connection.execute(
            update(Account).where(Account.id == account_id).values(halted_until=until)
        )
    if chat_id is not None:
        await connection.execute(update(Chat).where(Chat.id == chat_id).values(halted_until=until))


def _over(now: datetime) -> ColumnElement[bool]:
    return Account.owned_until <= now


def _is_current(lease: Lease) -> ColumnElement[bool]:
    return and_(
        Account.id == lease.account_id, Account.owner == lease.owner, Account.epoch == lease.epoch
    )


def _lease_parameters(lease: Lease) -> dict[str, Any]:
    return {"account_id": lease.account_id, "owner": lease.owner, "epoch": lease.epoch}


_HOLD = (
    select(Account.id)
    .where(
        Account.id == bindparam("account_id"),
        Account.owner == bindparam("owner"),
        Account.epoch == bindparam("epoch"),
    )
    .with_for_update()
)
_ACCOUNT = select(Account.__table__).where(Account.id == bindparam("account_id"))
