"""The composition root: wires the parts of one process, and runs them until it is stopped.

Guarantees: on stopping, sends in flight are recorded before the database is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from functools import partial

from bot.config import TEMPLATES, Settings, make_default_folder
from bot.conversation.commands import STRANGER_COMMANDS, menus_by_role
from bot.conversation.router import Router
from bot.service.accounts import (
    AccountConnector,
    connect_accounts,
    reopen_accounts,
    webhook_address_for,
)
from bot.service.ping import Ping
from bot.service.process_lock import ProcessLock
from bot.service.registry import LoadedRegistry, plan_all_obligations
from bot.service.startup import prepare_database, register_account, release_unused_accounts
from bot.web.routes import Webhook
from data.accounts import leases
from data.clock import Clock, civil_date
from data.db.database import Database, empty_log_after
from data.db.errors import DATABASE_ERRORS, describe_fault
from data.db.server_clock import clock_for
from data.files import load_link_key
from data.log import get_logger
from jobs.channel import Channel
from jobs.delivery.dispatcher import Dispatcher
from jobs.digests.pictures import Draw
from jobs.digests.week_charts import draw_digest
from jobs.housekeeping import tidy
from jobs.inbox.intake import store_webhook
from jobs.inbox.worker import Inbox
from jobs.menus import MenuUpdater
from jobs.morning.run import MorningResult, run_mornings
from jobs.planning.auto_confirm import auto_confirm
from jobs.planning.materialise import PlanningCounts
from jobs.rendering.links import Links
from jobs.rendering.renderer import Renderer
from jobs.reports.requests import ReportWorker
from jobs.schedule import Schedule, Work

_log = get_logger("service")


CONNECT_ACCOUNTS: AccountConnector = partial(connect_accounts, commands=STRANGER_COMMANDS)


class App:
    """One process, made by `open_app`: `run` is the service, the other methods do one step once.

    jobs: the work of each row of the schedule's table, by its name.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        registry: LoadedRegistry,
        accounts: Mapping[int, Channel],
        owner: str,
        links: Links,
        *,
        lease_clock: Clock | None = None,
    ) -> None:
        self.links = links
        self.database = database
        self.clock = clock
        self.registry = registry
        self.accounts = accounts
        self._settings = settings
        self.renderer = Renderer(TEMPLATES, links)
        self.draw: Draw | None = draw_digest  # None: weeks go without pictures
        self.delivery = Dispatcher(
            database,
            accounts,
            self.renderer,
            lambda: registry().workdays,
            clock,
            owner=owner,
            lease_clock=lease_clock,
        )
        self.capabilities = {key: channel.capabilities for key, channel in accounts.items()}
        limits = {key: capabilities.max_text for key, capabilities in self.capabilities.items()}
        router = Router(
            registry, TEMPLATES, limits=limits, capabilities=self.capabilities, links=links
        )
        self.reports = ReportWorker(database, registry, clock, answered=self.delivery.wake)
        self.inbox = Inbox(
            database,
            accounts,
            router.handle,
            clock,
            answered=self._answered,
            summarise=router.summarise,
        )
        self.menus = MenuUpdater(
            database, accounts, menus_by_role(), account_leases=self.delivery.account_leases
        )
        ping_url = None if settings.ping_url is None else settings.ping_url.get_secret_value()
        self.ping = Ping(database, registry, clock, ping_url)
        self.jobs: Mapping[str, Work] = {
            "morning": self._morning_tick,
            "accounts": self._accounts_tick,
            "menus": self._menus_tick,
            "sqlite_log": self._sqlite_log_tick,
            "reports": self._reports_tick,
            "ping": self.ping.step,
            "plan": self._plan_tick,
            "confirming": self._confirming_tick,
            "housekeeping": self._housekeeping_tick,
        }

    async def plan(self, *, now: datetime) -> PlanningCounts:
        """Bring the obligations in line with the registry, up to the horizon."""
        return await plan_all_obligations(self.database, self.registry(), today=civil_date(now))

    async def remind(self, *, now: datetime) -> MorningResult:
        """Compose every morning that is due and not composed yet."""
        return await run_mornings(
            self.database,
            self.registry(),
            now=now,
            capabilities=self.capabilities,
            draw=self.draw,
            has_address=self.links.base_url is not None,
        )

    async def run(self, stopping: asyncio.Event, serve: Callable[[], Awaitable[None]]) -> None:
        """Work until `stopping` is set; sends in flight are recorded before this returns.

        serve: runs the web side until `stopping` is set.
        """
        schedule = Schedule(self.jobs)
        polled = self.delivery.account_leases if self._settings.public_url is None else {}
        async with asyncio.TaskGroup() as group:
            group.create_task(self.delivery.run())
            others = [
                group.create_task(self._catch_up(schedule)),
                group.create_task(self.reports.run()),
                group.create_task(self.inbox.run(polled_leases=polled)),
            ]
            try:
                await serve()
                await stopping.wait()
            finally:
                schedule.stop()
                for task in others:
                    task.cancel()
                self.delivery.stop()

    async def _catch_up(self, schedule: Schedule) -> None:
        """Plan and compose what fell due before the start, then start the schedule.

        The service answers people meanwhile. Planning comes first: a morning composed before it would leave
        new obligations out.
        """
        pause = 1.0
        while True:
            try:
                await self._plan_tick()
                await self._morning_tick()
                break
            except Exception as error:
                known = isinstance(error, DATABASE_ERRORS)
                _log.error("start.held_up", error=describe_fault(error), exc_info=not known)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30.0)
        schedule.start()

    def webhooks(self) -> list[Webhook]:
        """Return the addresses that platforms post to; none without a public address."""
        settings = self._settings
        if settings.public_url is None:
            return []
        return [
            Webhook(webhook_address_for(settings, channel), partial(self._receive, key, channel))
            for key, channel in self.accounts.items()
        ]

    async def _receive(self, account_id: int, channel: Channel, body: bytes) -> None:
        now = await self.clock.now()
        await store_webhook(self.database, channel, account_id, body, now=now)
        self.inbox.wake()

    def _answered(self) -> None:
        """Send the replies, and make reports that they may ask for."""
        self.delivery.wake()
        self.reports.wake()

    async def _morning_tick(self) -> None:
        if await self.registry.refresh(self.database):
            _log.info("registry.changed", plans=len(self.registry().plans))
        result = await self.remind(now=await self.clock.now())
        if result.provinces:
            _log.info(
                "morning.composed",
                provinces=",".join(result.provinces),
                messages=result.messages,
                items=result.items,
                weekly=result.weekly,
                unreachable=result.unreachable,
            )
        if result.messages:
            self.delivery.wake()

    async def _accounts_tick(self) -> None:
        """Open accounts that were out of reach, resume rested ones, release ones without a process."""
        now = await self.clock.now()
        unreached = [each for each in self.accounts.values() if each.link is None]
        for channel in await reopen_accounts(self._settings, unreached, STRANGER_COMMANDS):
            await register_account(self.database, channel, now=now)
        await release_unused_accounts(self.database, self.accounts, now=now, starting=False)
        async with self.database.write() as connection:
            resumed = await leases.resume_accounts(connection, now=now)
        if resumed:
            _log.info("accounts.resumed", accounts=resumed)
            self.delivery.wake()

    async def _menus_tick(self) -> None:
        changed = await self.menus.step(now=await self.clock.now())
        if changed:
            _log.info("menus.offered", chats=changed)

    async def _sqlite_log_tick(self) -> None:
        """Empty the log of what commands erased, and of what a reader kept in it."""
        async with self.database.write() as connection:
            empty_log_after(connection)

    async def _reports_tick(self) -> None:
        """Take up reports that a dead process had begun, or that another process was asked for."""
        self.reports.wake()

    async def _plan_tick(self) -> None:
        done = await self.plan(now=await self.clock.now())
        _log.info("obligations.planned", added=done.added, moved=done.moved, gone=done.withdrawn)

    async def _confirming_tick(self) -> None:
        now = await self.clock.now()
        confirmed = await auto_confirm(self.database, self.registry().workdays, now=now)
        _log.info("confirming.done", confirmed=confirmed)

    async def _housekeeping_tick(self) -> None:
        gone = await tidy(self.database, now=await self.clock.now())
        _log.info("housekeeping.done", **asdict(gone))


@asynccontextmanager
async def open_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    stopping: asyncio.Event | None = None,
    connector: AccountConnector = CONNECT_ACCOUNTS,
) -> AsyncIterator[App]:
    """Open the database and the accounts that are set, and close them at the end.

    clock: replaces the database's own; on a database server the leases keep to the server's. stopping: a
    platform out of reach is tried again until it is set; None: tried once. connector: opens the accounts.
    Raises DatabaseUnusable, RegistryFault, StartRefused.
    """
    make_default_folder(settings)
    database = Database(settings.database_url, checkpoints=True)
    lock = ProcessLock(database.file)
    accounts: dict[int, Channel] = {}
    shared = clock_for(database)
    clock = clock or shared
    try:
        registry = await prepare_database(settings, database, clock)
        for channel in await connector(settings, stopping=stopping):
            now = await clock.now()
            accounts[await register_account(database, channel, now=now)] = channel
        if accounts:
            await release_unused_accounts(database, accounts, now=await clock.now(), starting=True)
        async with database.write() as connection:
            links = Links(settings.public_url, await load_link_key(connection))
        leased_by = clock if database.is_sqlite else shared
        yield App(
            settings, database, clock, registry, accounts, lock.name, links, lease_clock=leased_by
        )
    finally:
        for channel in accounts.values():
            await channel.close()
        await database.dispose()
        lock.release()
