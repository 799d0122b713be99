"""The steps of a start: refuse the sandbox's database, load the registry, register accounts.

Guarantees:
- A first start loads the registry's files, a later one never does; of several first starts at once one does.
- Messages of an account that no process has any more go to other accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select

from bot.config import Settings
from bot.service.accounts import StartRefused
from bot.service.registry import LoadedRegistry, load_and_plan
from data.accounts import leases
from data.clock import Clock
from data.db.database import Database
from data.db.upgrade import prepare_schema
from data.loading.load import is_loaded, read_registry
from data.log import get_logger
from data.models import Meta
from data.outbox.lost_accounts import REFUSED, account_lost
from data.registry.registry import Registry
from jobs.channel import Channel

RESTARTING = timedelta(minutes=10)  # the time that a machine may take to restart

_log = get_logger("starting")


async def prepare_database(settings: Settings, database: Database, clock: Clock) -> LoadedRegistry:
    """Upgrade the schema, refuse the sandbox's database, and return the registry that is loaded.

    Raises DatabaseUnusable, StartRefused, RegistryFault.
    """
    is_new = database.file is not None and not database.file.exists()
    await prepare_schema(database)
    if is_new:
        _log.warning("database.begun", file=str(database.file))
    await _refuse_sandbox(database)
    return await load_registry(settings, database, now=await clock.now())


async def register_account(database: Database, channel: Channel, *, now: datetime) -> int:
    """Return the id of a channel's account; its first start inserts the row."""
    async with database.write(alone=True) as connection:
        return await leases.ensure_account(
            connection,
            channel=channel.kind,
            name=channel.name,
            title=channel.title,
            link=channel.link,
            now=now,
        )


async def release_unused_accounts(
    database: Database, accounts: Mapping[int, Channel], *, now: datetime, starting: bool
) -> None:
    """Move waiting messages away from accounts that no process has any more: refused, or no longer set.

    Another process may just be restarting with one, so only accounts without an owner for a while count.
    starting: this process begins; on a file it is the only one, so every account without an owner counts.
    """
    since = now if starting and database.is_sqlite else now - RESTARTING
    async with database.write() as connection:
        for account_id in await leases.list_unowned_accounts(
            connection, except_ids=accounts, since=since, now=now
        ):
            await account_lost(connection, account_id, why=REFUSED, detail="not set here", now=now)
            _log.error("account.let_go", account=account_id)


async def _refuse_sandbox(database: Database) -> None:
    """Raise StartRefused for a database of the sandbox, whose people are not real."""
    async with database.read() as connection:
        mark = await connection.scalar(select(Meta.value).where(Meta.key == "sandbox"))
    if mark == "1":
        raise StartRefused(
            "NHACVIEC_DATABASE_URL chỉ vào tệp của bản thử. Hãy đặt một tệp khác cho dữ liệu thật."
        )


async def load_registry(settings: Settings, database: Database, *, now: datetime) -> LoadedRegistry:
    """Return the registry of the database, loaded from the files where it is empty; raises RegistryFault."""
    files = Registry.from_folder(settings.registry)
    loaded = await LoadedRegistry.of(database)
    if loaded is None:
        async with database.write(alone=True) as connection:
            if await read_registry(connection) is None:  # else another first start was faster
                await load_and_plan(connection, files, now=now)
        loaded = await LoadedRegistry.of(database)
        assert loaded is not None
        return loaded
    async with database.read() as connection:
        if not await is_loaded(connection, files):
            _log.warning("registry.files_differ", hint="nhacviec plan diff, nhacviec plan load")
    return loaded
