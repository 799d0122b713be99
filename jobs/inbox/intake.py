"""Store incoming updates, polled or sent to a webhook; jobs.inbox.worker handles them.

Guarantees:
- An update is stored before the platform is told to forget it, however long the database refuses.
- Of several processes only the account's owner polls.
- The words of an update with a secrecy mark are never stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data import inbox
from data.clock import Clock, civil_date
from data.contacts.chats import find_chat
from data.contacts.enrolments import is_enrolled
from data.db.database import Database
from data.db.errors import DATABASE_ERRORS, describe_fault
from data.log import get_logger
from data.models import Chat
from data.outbox import messages as outbox
from data.outbox.lost_accounts import REFUSED, account_lost
from data.progress.evidence import MAX_EVIDENCE_BYTES
from data.progress.evidence_quota import EvidenceQuotaReached, check_file_quota
from data.untrusted.attachments import judge_attachment
from jobs.channel import (
    Attachment,
    Channel,
    DeliveryError,
    FileTooBig,
    ForeignFile,
    Incoming,
    RawUpdate,
    Unauthorised,
)
from jobs.delivery.lease import AccountLease

log = get_logger("inbox")

REFUSED_SECRET = "refused_secret"  # template

_FETCH_SECONDS = 60.0
_EXPIRED_LEASE_WAIT = 0.5  # seconds; meanwhile the sender renews or drops the lease
_STORE_SECONDS = 5.0  # for a batch that was fetched when polling is cancelled
_QUIET = timedelta(days=6)  # see data.inbox.load_offset


async def store_updates(
    database: Database,
    account_id: int,
    updates: Sequence[RawUpdate],
    *,
    now: datetime,
    next_offset: int | None = None,
) -> None:
    """Store updates in one transaction; known ones change nothing. Wake the inbox afterwards.

    The chat of an update with a secrecy mark is told of the refusal. next_offset: where the next poll starts.
    """
    async with database.write() as connection:
        batch = await inbox.record_updates(connection, account_id, updates, now=now)
        for refused in batch.refused:
            chat = await _find_latest_chat(connection, account_id, refused.address)
            if chat is not None:
                await outbox.enqueue(
                    connection,
                    account_id=account_id,
                    chat_id=chat.id,
                    template=REFUSED_SECRET,
                    context={},
                    priority=outbox.ANSWER,
                    now=now,
                )
        if next_offset is not None:
            await inbox.record_offset(connection, account_id, next_offset)
    for event_id, update in batch.new:
        log.info("update.stored", update=event_id, account=account_id, remote=update.update_id)


async def store_webhook(
    database: Database, channel: Channel, account_id: int, body: bytes, *, now: datetime
) -> None:
    """Store one webhook body; raises ValueError where it is no update. Wake the inbox afterwards."""
    try:
        update = channel.split(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    await store_updates(database, account_id, [update], now=now)


async def poll_while_owned(
    database: Database,
    channel: Channel,
    account_id: int,
    clock: Clock,
    account_lease: AccountLease,
    *,
    stored: Callable[[], None],
) -> None:
    """Poll while this process owns the account, until cancelled or until polling is over for good."""
    while True:
        await account_lease.wait_until_owned()
        if not await account_lease.holds():
            await asyncio.sleep(_EXPIRED_LEASE_WAIT)
            continue
        is_owned = account_lease.holds
        polling = asyncio.create_task(
            poll_updates(database, channel, account_id, clock, stored=stored, is_owned=is_owned)
        )
        lost = asyncio.create_task(account_lease.wait_until_lost())
        try:
            await asyncio.wait({polling, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            polling.cancel()
            await asyncio.wait({polling})
        if not polling.cancelled() and polling.result():
            return


async def poll_updates(
    database: Database,
    channel: Channel,
    account_id: int,
    clock: Clock,
    *,
    stored: Callable[[], None],
    is_owned: Callable[[], Awaitable[bool]],
) -> bool:
    """Fetch and store updates until cancelled, calling `stored` after each batch.

    Returns False once is_owned says no, asked after each batch. Returns True where polling is over for good:
    the platform refuses the account, which is then stopped, or the channel has no poll. When cancelled, it
    stores a fetched batch first, because the platform may have forgotten it.
    """
    backoff = 1.0
    while True:
        try:
            quiet_since = await clock.now() - _QUIET
            async with database.read() as connection:
                offset = await inbox.load_offset(connection, account_id, quiet_since=quiet_since)
            async with aclosing(channel.updates(offset)) as batches:
                async for batch in batches:
                    if batch:
                        await _finish_despite_cancel(
                            _store_until_done(database, account_id, batch, clock)
                        )
                        stored()
                    backoff = 1.0
                    if not await is_owned():
                        return False
            return True
        except Unauthorised as error:
            now = await clock.now()
            async with database.write() as connection:
                await account_lost(connection, account_id, why=REFUSED, detail=str(error), now=now)
            log.error("account.refused", account=account_id)
            return True
        except (DeliveryError, *DATABASE_ERRORS) as error:
            log.warning("poll.held_up", account=account_id, error=describe_fault(error))
        except Exception:
            log.exception("poll.failed", account=account_id)
        await asyncio.sleep(backoff)
        backoff = min(backoff * 2, 30.0)


async def _finish_despite_cancel(storing: Coroutine[Any, Any, None]) -> None:
    """Await the storing; where this task is cancelled meanwhile, let it end first, within some seconds."""
    task = asyncio.ensure_future(storing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=_STORE_SECONDS)
        task.cancel()
        raise


async def fetch_attachments(
    database: Database, channel: Channel, incoming: Incoming, *, now: datetime
) -> Incoming:
    """Return an update with the bytes of its files; call while no transaction is open.

    A chat without an enrolment loses its files. A file that is too big, marked secret, dangerous to open, or
    cannot be fetched has a fault instead.
    """
    if not incoming.files:
        return incoming
    async with database.read() as connection:
        chat = await find_chat(connection, incoming.account_id, incoming.address, incoming.thread)
        is_known = chat is not None and await is_enrolled(
            connection, chat.id, today=civil_date(now)
        )
        is_full = is_known and await _had_enough(connection, chat, now=now)
    if not is_known:
        return replace(incoming, files=())
    if is_full:
        refused = tuple(replace(each, fault="too_many") for each in incoming.files)
        return replace(incoming, files=refused)
    return replace(
        incoming, files=tuple([await _fetch_content(channel, each) for each in incoming.files])
    )


async def _had_enough(connection: AsyncConnection, chat: Any, *, now: datetime) -> bool:
    """Tell whether a chat has so many files of a day that no further one is fetched."""
    try:
        await check_file_quota(connection, person_id=None, chat_id=chat.id, size=0, now=now)
    except EvidenceQuotaReached:
        return True
    return False


async def _fetch_content(channel: Channel, attachment: Attachment) -> Attachment:
    if attachment.fault:
        return attachment
    try:
        if attachment.size is not None and attachment.size > MAX_EVIDENCE_BYTES:
            return replace(attachment, fault="too_big")
        async with asyncio.timeout(_FETCH_SECONDS):
            content = await channel.fetch(attachment, most=MAX_EVIDENCE_BYTES)
    except FileTooBig:
        return replace(attachment, fault="too_big")
    except ForeignFile as error:
        log.warning("file.foreign_host", host=str(error))
        return replace(attachment, fault="foreign")
    except Exception as error:  # even for a strange update: its text still counts
        log.warning("file.not_fetched", error=type(error).__name__)
        return replace(attachment, fault="lost")
    fault = await judge_attachment(content, attachment.name)
    return replace(attachment, fault=fault) if fault else replace(attachment, content=content)


async def _store_until_done(
    database: Database, account_id: int, batch: list[RawUpdate], clock: Clock
) -> None:
    """Store a batch, however long the database refuses: the next poll would lose it."""
    last = batch[-1].update_id
    next_offset = int(last) + 1 if last.isdecimal() else None
    backoff = 0.5
    while True:
        try:
            now = await clock.now()
            await store_updates(database, account_id, batch, now=now, next_offset=next_offset)
            return
        except DATABASE_ERRORS as error:
            log.error("updates.not_stored", account=account_id, error=describe_fault(error))
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, 30.0)


async def _find_latest_chat(
    connection: AsyncConnection, account_id: int, address: str | None
) -> Row[Any] | None:
    """Return the chat at an address; of a forum's topics the one that wrote last."""
    if address is None:
        return None
    rows = await connection.execute(
        select(Chat.__table__)
        .where(Chat.account_id == account_id, Chat.address == address)
        .order_by(Chat.last_seen_at.desc())
        .limit(1)
    )
    return rows.first()
