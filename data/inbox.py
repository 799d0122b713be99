"""The inbox: what came in, stored raw before the platform is told to forget it.

Promises that one update is stored once for an account, that a text with a secrecy mark is never stored
(only that its update was refused), that an event leaves "new" exactly once: done, parked or refused, and
that the events of a chat become visible in the order of their ids, whichever processes store them. Never
parses for meaning and never answers.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Row, ScalarSelect, literal_column, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.statements import insert_or_ignore
from data.models import Account, InboxEvent

MOST_ATTEMPTS = 3

_NEW = InboxEvent.state == literal_column("'new'")  # written out, so that the partial index is used
_SECRECY_MARKS = {"mật", "tốimật", "tuyệtmật"}
_WRITTEN = {"text", "caption"}
# A lock for each chat, taken in one order and let go by the commit.
_IN_TURN = text(
    "SELECT pg_advisory_xact_lock(CAST(:account_id AS int), chat) FROM"
    " (SELECT DISTINCT hashtext(a) AS chat FROM unnest(CAST(:chats AS text[])) a ORDER BY 1) chats"
)
_LEVEL = re.compile(r"^\W*độ\s+mật\s*[:：]")


class IncomingUpdate(Protocol):
    """One update as it came; jobs.channel.RawUpdate fits."""

    @property
    def update_id(self) -> str: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def address(self) -> str | None: ...


# ------------------------------------------------------------------ secrecy marks


def is_marked_secret(text: str) -> bool:
    """Tell whether a line is only MẬT, TỐI MẬT or TUYỆT MẬT, or begins with "Độ mật:".

    In any case and any Unicode form; signs, spaces and brackets around the mark do not hide it.
    """
    folded = unicodedata.normalize("NFC", text).casefold()
    folded = unicodedata.normalize("NFC", folded).replace("ð", "đ").replace("\u200b", "")
    return any(
        "".join(filter(str.isalnum, line)) in _SECRECY_MARKS or _LEVEL.match(line)
        for line in folded.splitlines()
    )


def holds_secret(raw: bytes) -> bool:
    """Tell whether a text or caption within a raw update bears a secrecy mark, quoted ones too."""
    try:
        return any(map(is_marked_secret, _texts(json.loads(raw))))
    except (ValueError, RecursionError):
        return is_marked_secret(raw.decode("utf-8", "replace"))


def _texts(value: Any) -> Iterator[str]:
    """Yield what people wrote; not names, for somebody may be called Mật."""
    if isinstance(value, dict):
        for key, part in value.items():
            if isinstance(part, str):
                if key in _WRITTEN:
                    yield part
            else:
                yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


# ------------------------------------------------------------------ storing


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What became of a batch: updates that are new, with the number each has here, and those refused."""

    new: list[tuple[int, IncomingUpdate]]
    refused: list[IncomingUpdate]


async def record_updates(
    connection: AsyncConnection,
    account_id: int,
    updates: Sequence[IncomingUpdate],
    *,
    now: datetime,
) -> StoredBatch:
    """Store what is new of a batch, but nothing of what is marked secret."""
    if connection.dialect.name != "sqlite":  # where another process may be storing at this moment
        chats = [one.address or "" for one in updates]
        await connection.execute(_IN_TURN, {"account_id": account_id, "chats": chats})
    kept = StoredBatch([], [])
    for one in updates:
        secret = holds_secret(one.raw)
        added = await connection.execute(
            insert_or_ignore(connection, InboxEvent, "account_id", "update_id")
            .values(
                account_id=account_id,
                update_id=one.update_id,
                address=None if secret else one.address,
                raw=b"" if secret else one.raw,
                received_at=now,
                state="refused" if secret else "new",
                handled_at=now if secret else None,
            )
            .returning(InboxEvent.id)
        )
        number = added.scalar_one_or_none()
        if number is not None and secret:
            kept.refused.append(one)
        if number is not None:
            kept.new.append((number, one))
    return kept


async def record_offset(connection: AsyncConnection, account_id: int, offset: int) -> None:
    """Note the next update number to ask for, in the transaction that stores those before it."""
    await connection.execute(
        update(Account).where(Account.id == account_id).values(polled_to=offset)
    )


async def load_offset(
    connection: AsyncConnection, account_id: int, *, quiet_since: datetime
) -> int | None:
    """Return the next update number to ask for; None (whatever there is) after a long quiet.

    After a week without updates Telegram numbers anew, maybe lower: an old number would hide them.
    """
    heard = await connection.scalar(
        select(InboxEvent.received_at)
        .where(InboxEvent.account_id == account_id)
        .order_by(InboxEvent.id.desc())
        .limit(1)
    )
    if heard is None or heard < quiet_since:
        return None
    return await connection.scalar(select(Account.polled_to).where(Account.id == account_id))


# ------------------------------------------------------------------ handling


async def list_new_events(
    connection: AsyncConnection, account_ids: Iterable[int], *, limit: int
) -> Sequence[Row[Any]]:
    """Return the oldest events that were not handled, of each account so many."""
    found: list[Row[Any]] = []
    for account_id in account_ids:
        rows = await connection.execute(
            select(InboxEvent.__table__)
            .where(InboxEvent.account_id == account_id, _NEW)
            .order_by(InboxEvent.id)
            .limit(limit)
        )
        found.extend(rows.all())
    return found


async def finish_event(
    connection: AsyncConnection,
    event_id: int,
    *,
    now: datetime,
    state: str = "done",
    error: str | None = None,
    forget: bool = False,
) -> bool:
    """End a new event; False where it was ended before or another process is at it: do nothing for it.

    Called first in the transaction that holds its effect, so that two can never both have one. forget:
    what came in is not kept. Waits for nobody: see is_new.
    """
    ended = await connection.execute(
        update(InboxEvent)
        .where(InboxEvent.id == _free(event_id))
        .values(state=state, error=error, handled_at=now, **_emptied(forget))
    )
    return ended.rowcount == 1


async def park_event(
    connection: AsyncConnection, event_id: int, *, now: datetime, forget: bool = False
) -> bool:
    """Give a new event up, with the error it has; False where finish() would say so."""
    parked = await connection.execute(
        update(InboxEvent)
        .where(InboxEvent.id == _free(event_id))
        .values(state="parked", handled_at=now, **_emptied(forget))
    )
    return parked.rowcount == 1


async def is_new_event(connection: AsyncConnection, event_id: int) -> bool:
    """Tell of an event that finish() did not end whether it is in another process's hands."""
    found = await connection.scalar(select(InboxEvent.id).where(InboxEvent.id == event_id, _NEW))
    return found is not None


def _free(event_id: int) -> ScalarSelect[int]:
    """The event if it is new and no other process holds it (SQLite has one writer, and no such lock)."""
    return (
        select(InboxEvent.id)
        .where(InboxEvent.id == event_id, _NEW)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )


def _emptied(forget: bool) -> dict[str, bytes]:
    return {"raw": b""} if forget else {}


async def record_failure(connection: AsyncConnection, event_id: int, *, error: str) -> None:
    """Note that handling failed; the event stays new."""
    await connection.execute(
        update(InboxEvent)
        .where(InboxEvent.id == _free(event_id))
        .values(attempts=InboxEvent.attempts + 1, error=error)
    )
