"""What comes in is kept before the platform is told to forget it: from our own poll, or a webhook.

Promises that no update is lost while the database refuses, that of several processes only the account's
owner polls, and that a text with a secrecy mark is never stored. Handles nothing: see jobs.inbox.worker.
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
from data.clock import Clock
from data.contacts.chats import find_chat
from data.contacts.enrolments import is_enrolled
from data.db.database import Database
from data.db.errors import DATABASE_ERRORS, describe_fault
from data.log import get_logger
from data.models import Chat
from data.outbox import messages as outbox
from data.outbox.lost_accounts import REFUSED, account_lost
from data.progress.evidence import MAX_EVIDENCE_BYTES
from jobs.channel import (
    Attachment,
    Channel,
    DeliveryError,
    Incoming,
    RawUpdate,
    Rejected,
    Unauthorised,
)
from jobs.delivery.lease import AccountLease

log = get_logger("inbox")

REFUSED_SECRET = "refused_secret"  # template

_FETCH_SECONDS = 60.0
_NOT_SURE = 0.5  # seconds until it is asked again whether an account is still ours
_LAST_SECONDS = 5.0  # for what was fetched when polling must end
_QUIET = timedelta(days=6)  # see data.inbox.load_offset


async def store_updates(
    database: Database,
    account_id: int,
    updates: Sequence[RawUpdate],
    *,
    now: datetime,
    next_offset: int | None = None,
) -> None:
    """Store updates in one transaction; those stored before change nothing. Wake the inbox after it.

    One with a secrecy mark is not stored; its chat, if known, is told so. next_offset: where a poll
    goes on.
    """
    async with database.write() as connection:
        kept = await inbox.record_updates(connection, account_id, updates, now=now)
        for refused in kept.refused:
            chat = await _chat_at(connection, account_id, refused.address)
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
    for number, one in kept.new:
        log.info("update.stored", update=number, account=account_id, remote=one.update_id)


async def store_webhook(
    database: Database, channel: Channel, account_id: int, body: bytes, *, now: datetime
) -> None:
    """Store one webhook body; raises ValueError for what is no update. Wake the inbox after it."""
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
    """Poll whenever this process owns the account, until cancelled or until polling is over; see poll()."""
    while True:
        await account_lease.wait_until_owned()
        if not await account_lease.holds():
            await asyncio.sleep(_NOT_SURE)  # the line is finding out
            continue
        ours = account_lease.holds
        polling = asyncio.create_task(
            poll_updates(database, channel, account_id, clock, stored=stored, is_owned=ours)
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

    ours: asked before each further poll; where it says no, ends and returns False. Returns True where
    polling is over for good: the platform refuses the account (it is stopped), or the channel has no poll.
    Cancelled, it stores first what was fetched: a platform may have forgotten it.
    """
    pause = 1.0
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
                    pause = 1.0
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
        await asyncio.sleep(pause)
        pause = min(pause * 2, 30.0)


async def _finish_despite_cancel(storing: Coroutine[Any, Any, None]) -> None:
    """Await something; where we are cancelled meanwhile, let it end first, within some seconds."""
    task = asyncio.ensure_future(storing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=_LAST_SECONDS)
        task.cancel()
        raise


async def fetch_attachments(database: Database, channel: Channel, incoming: Incoming) -> Incoming:
    """Return what came in with its files' bytes fetched, while no transaction is open.

    Of a chat where nobody is enrolled nothing is fetched. A file that is too big or cannot be had keeps
    its fault instead.
    """
    if not incoming.files:
        return incoming
    async with database.read() as connection:
        chat = await find_chat(connection, incoming.account_id, incoming.address, incoming.thread)
        known = chat is not None and await is_enrolled(connection, chat.id)
    if not known:
        return replace(incoming, files=())
    return replace(
        incoming, files=tuple([await _fetched(channel, each) for each in incoming.files])
    )


async def _fetched(channel: Channel, attachment: Attachment) -> Attachment:
    try:
        if attachment.size is not None and attachment.size > MAX_EVIDENCE_BYTES:
            return replace(attachment, fault="too_big")
        async with asyncio.timeout(_FETCH_SECONDS):
            content = await channel.fetch(attachment, most=MAX_EVIDENCE_BYTES)
    except Rejected:
        return replace(attachment, fault="too_big")
    except Exception as error:  # whatever a strange update made of it: what it says still counts
        log.warning("file.not_fetched", error=type(error).__name__)
        return replace(attachment, fault="lost")
    return replace(attachment, content=content)


async def _store_until_done(
    database: Database, account_id: int, batch: list[RawUpdate], clock: Clock
) -> None:
    """Store a batch, however long the database refuses: asking on would lose it."""
    last = batch[-1].update_id
    next_offset = int(last) + 1 if last.isdecimal() else None
    pause = 0.5
    while True:
        try:
            now = await clock.now()
            await store_updates(database, account_id, batch, now=now, next_offset=next_offset)
            return
        except DATABASE_ERRORS as error:
            log.error("updates.not_stored", account=account_id, error=describe_fault(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 30.0)


async def _chat_at(
    connection: AsyncConnection, account_id: int, address: str | None
) -> Row[Any] | None:
    """Return the chat at an address; of a forum's topics the one last heard from."""
    if address is None:
        return None
    rows = await connection.execute(
        select(Chat.__table__)
        .where(Chat.account_id == account_id, Chat.address == address)
        .order_by(Chat.last_seen_at.desc())
        .limit(1)
    )
    return rows.first()
