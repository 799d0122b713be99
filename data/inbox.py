"""Inbox events: incoming updates, stored raw, and their state.

    new ──handled──▶ done
     ├──given up───▶ parked
    (marked secret on arrival: refused, stored without its words)

Guarantees:
- An account's update is stored once; of one with a secrecy mark only that it was refused.
- An event leaves "new" once, whichever processes try.
- The events of a chat become visible in the order of their ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Row, ScalarSelect, literal_column, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.database import empty_log_after
from data.db.statements import insert_or_ignore
from data.models import Account, InboxEvent
from data.secrecy import is_marked_secret, is_name_marked_secret

MOST_ATTEMPTS = 3

_NEW = InboxEvent.state == literal_column("'new'")  # a literal, for the partial index
_TEXT_KEYS = {"text", "caption", "question", "explanation"}
_NAME_KEYS = {"file_name"}
# A lock for each chat, taken in one order and released by the commit.
_LOCK_CHATS = text(
    "SELECT pg_advisory_xact_lock(CAST(:account_id AS int), chat) FROM"
    " (SELECT DISTINCT hashtext(a) AS chat FROM unnest(CAST(:chats AS text[])) a ORDER BY 1) chats"
)


class IncomingUpdate(Protocol):
    """One raw update; jobs.channel.RawUpdate fits."""

    @property
    def update_id(self) -> str: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def address(self) -> str | None: ...
    @property
    def remote_id(self) -> str | None: ...


def holds_secret(raw: bytes) -> bool:
    """Tell whether a text, caption or file's name in a raw update has a secrecy mark, even a quoted one."""
    try:
        update = json.loads(raw)
        return any(map(is_marked_secret, _values(update, _TEXT_KEYS))) or any(
            map(is_name_marked_secret, _values(update, _NAME_KEYS))
        )
    except (ValueError, RecursionError):
        return is_marked_secret(raw.decode("utf-8", "replace"))


def _values(value: Any, keys: set[str]) -> Iterator[str]:
    """Yield the texts under some keys, at any depth; not names of people, who may be called Mật."""
    if isinstance(value, dict):
        for key, part in value.items():
            if isinstance(part, str):
                if key in keys:
                    yield part
            else:
                yield from _values(part, keys)
    elif isinstance(value, list):
        for part in value:
            yield from _values(part, keys)


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """New updates of a batch with their event ids, and those of them that were refused."""

    new: list[tuple[int, IncomingUpdate]]
    refused: list[IncomingUpdate]


async def record_updates(
    connection: AsyncConnection,
    account_id: int,
    updates: Sequence[IncomingUpdate],
    *,
    now: datetime,
) -> StoredBatch:
    """Store the new updates of a batch; those marked secret without their words."""
    if connection.dialect.name != "sqlite":  # another process may be storing at this moment
        chats = [one.address or "" for one in updates]
        await connection.execute(_LOCK_CHATS, {"account_id": account_id, "chats": chats})
    batch = StoredBatch([], [])
    for one in updates:
        secret = holds_secret(one.raw)
        added = await connection.execute(
            insert_or_ignore(connection, InboxEvent, "account_id", "update_id")
            .values(
                account_id=account_id,
                update_id=one.update_id,
                address=None if secret else one.address,
                remote_id=None if secret else one.remote_id,
                raw=b"" if secret else one.raw,
                received_at=now,
                state="refused" if secret else "new",
                handled_at=now if secret else None,
            )
            .returning(InboxEvent.id)
        )
        event_id = added.scalar_one_or_none()
        if event_id is not None and secret:
            batch.refused.append(one)
        if event_id is not None:
            batch.new.append((event_id, one))
    return batch


async def record_offset(connection: AsyncConnection, account_id: int, offset: int) -> None:
    """Record the next update number to poll for, in the transaction that stores those before it."""
    await connection.execute(
        update(Account).where(Account.id == account_id).values(polled_to=offset)
    )


async def load_offset(
    connection: AsyncConnection, account_id: int, *, quiet_since: datetime
) -> int | None:
    """Return the next update number to poll for; None (poll for all) where the last update is older.

    After a week without updates Telegram may number anew and lower: an old number would hide them.
    """
    last_received_at = await connection.scalar(
        select(InboxEvent.received_at)
        .where(InboxEvent.account_id == account_id)
        .order_by(InboxEvent.id.desc())
        .limit(1)
    )
    if last_received_at is None or last_received_at < quiet_since:
        return None
    return await connection.scalar(select(Account.polled_to).where(Account.id == account_id))


async def list_new_events(
    connection: AsyncConnection, account_ids: Iterable[int], *, limit: int
) -> Sequence[Row[Any]]:
    """Return the oldest new events, at most `limit` of each account."""
    events: list[Row[Any]] = []
    for account_id in account_ids:
        rows = await connection.execute(
            select(InboxEvent.__table__)
            .where(InboxEvent.account_id == account_id, _NEW)
            .order_by(InboxEvent.id)
            .limit(limit)
        )
        events.extend(rows.all())
    return events


async def finish_event(
    connection: AsyncConnection,
    event_id: int,
    *,
    now: datetime,
    state: str = "done",
    error: str | None = None,
    forget: bool = False,
) -> bool:
    """End a new event; False where it has ended, or another process handles it: then have no effect.

    Called first in the transaction that holds the effect, so that an event has one effect. forget: empty the
    raw update. Does not wait for another process; see is_new_event.
    """
    if forget:
        empty_log_after(connection)
    updated = await connection.execute(
        update(InboxEvent)
        .where(InboxEvent.id == _free(event_id))
        .values(state=state, error=error, handled_at=now, **_emptied(forget))
    )
    return updated.rowcount == 1


async def park_event(
    connection: AsyncConnection, event_id: int, *, now: datetime, forget: bool = False
) -> bool:
    """Give a new event up, with its recorded error; returns False as finish_event does."""
    if forget:
        empty_log_after(connection)
    updated = await connection.execute(
        update(InboxEvent)
        .where(InboxEvent.id == _free(event_id))
        .values(state="parked", handled_at=now, **_emptied(forget))
    )
    return updated.rowcount == 1


async def is_new_event(connection: AsyncConnection, event_id: int) -> bool:
    """Tell whether an event that finish_event did not end is being handled by another process."""
    new_id = await connection.scalar(select(InboxEvent.id).where(InboxEvent.id == event_id, _NEW))
    return new_id is not None


async def list_same_message(
    connection: AsyncConnection,
    account_id: int,
    address: str,
    remote_id: str,
    *,
    before: int | None,
    since: datetime,
) -> Sequence[Row[Any]]:
    """Return the events (id, received_at) of one message of a chat since an instant, the original first.

    before: an event's id, to leave out that one and later ones. An edit is a further event of its message.
    """
    rows = await connection.execute(
        select(InboxEvent.__table__)
        .where(
            InboxEvent.account_id == account_id,
            InboxEvent.received_at >= since,
            InboxEvent.address == address,
            InboxEvent.remote_id == remote_id,
            *([] if before is None else [InboxEvent.id < before]),
        )
        .order_by(InboxEvent.id)
    )
    return rows.all()


def _free(event_id: int) -> ScalarSelect[int]:
    """Select the event if it is new and not locked by another process; SQLite has one writer anyway."""
    return (
        select(InboxEvent.id)
        .where(InboxEvent.id == event_id, _NEW)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )


def _emptied(forget: bool) -> dict[str, bytes]:
    return {"raw": b""} if forget else {}


async def record_failure(connection: AsyncConnection, event_id: int, *, error: str) -> None:
    """Record that handling failed; the event stays new."""
    await connection.execute(
        update(InboxEvent)
        .where(InboxEvent.id == _free(event_id))
        .values(attempts=InboxEvent.attempts + 1, error=error)
    )
