"""The composition root: everything of one process, wired once.

Promises that a database of the sandbox is refused, that a first start loads the registry's files by
itself, and that stopping leaves nothing half-done: what is in flight is recorded, then the database is
let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Protocol

from bot.config import TEMPLATES, Settings, make_default_folder
from bot.conversation.commands import menus_by_role
from bot.conversation.router import Router
from bot.service.accounts import connect_accounts, open_account, webhook_address_for
from bot.service.ping import Ping
from bot.service.process_lock import ProcessLock
from bot.service.registry import LoadedRegistry, plan_all_obligations
from bot.service.startup import (
    load_registry,
    refuse_sandbox,
    register_account,
    release_unused_accounts,
)
from bot.web.routes import Webhook
from data.accounts import leases
from data.clock import Clock, civil_date
from data.db.database import DATABASE_ERRORS, Database, describe_fault
from data.db.server_clock import clock_for
from data.db.upgrade import upgrade_schema
from data.files import load_link_key
from data.log import get_logger
from jobs.channel import Channel
from jobs.delivery.dispatcher import Dispatcher
from jobs.digests.pictures import Draw
from jobs.digests.run import DigestResult, run_digests
from jobs.digests.week_charts import draw_digest
from jobs.housekeeping import tidy
from jobs.inbox.intake import store_webhook as receive_body
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


class AccountConnector(Protocol):
    """What opens the accounts that are set; see bot.service.accounts.connect_accounts."""

    async def __call__(
        self, settings: Settings, *, stopping: asyncio.Event | None
    ) -> Sequence[Channel]: ...


class App:
    """One process at work, made by `opened`: `run` is the service, the rest does a thing once.

    jobs: what each line of the schedule's table does at a tick, by its name.
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
        self.draw: Draw | None = draw_digest  # None: digests go without pictures
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
        router = Router(registry, limits=limits, capabilities=self.capabilities, links=links)
        self.reports = ReportWorker(database, registry, clock, answered=self.delivery.wake)
        self.inbox = Inbox(database, accounts, router.handle, clock, answered=self._answered)
        self.menus = MenuUpdater(
            database, accounts, menus_by_role(), account_leases=self.delivery.account_leases
        )
        ping_url = None if settings.ping_url is None else settings.ping_url.get_secret_value()
        self.ping = Ping(database, registry, clock, ping_url)
        self.jobs: Mapping[str, Work] = {
            "morning": self._morning_tick,
            "digest": self._digest_tick,
            "accounts": self._accounts_tick,
            "menus": self._menus_tick,
            "reports": self._reports_tick,
            "ping": self._ping_tick,
            "plan": self._plan_tick,
            "confirming": self._confirming_tick,
            "housekeeping": self._housekeeping_tick,
        }

    async def plan(self, *, now: datetime) -> PlanningCounts:
        """Bring the obligations in line with the registry as of a day, up to the horizon."""
        return await plan_all_obligations(self.database, self.registry(), today=civil_date(now))

    async def remind(self, *, now: datetime) -> MorningResult:
        """Compose every morning whose hour has come and that was not composed yet."""
        return await run_mornings(
            self.database, self.registry(), now=now, capabilities=self.capabilities
        )

    async def digest(self, *, now: datetime) -> DigestResult:
        """Compose every weekly digest whose time has come and that was not composed yet."""
        return await run_digests(
            self.database,
            self.registry(),
            now=now,
            renderer=self.renderer,
            capabilities=self.capabilities,
            draw=self.draw,
            has_address=self.links.base_url is not None,
        )

    async def run(self, stopping: asyncio.Event, serve: Callable[[], Awaitable[None]]) -> None:
        """Work until `stopping` is set; what is in flight is recorded before this returns.

        serve: serves the web side until `stopping` is set.
        """
        schedule = Schedule(self.jobs)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.delivery.run())
            catching_up = group.create_task(self._catch_up(schedule))
            making = group.create_task(self.reports.run())
            polled = self.delivery.account_leases if self._settings.public_url is None else {}
            listening = group.create_task(self.inbox.run(polled_leases=polled))
            try:
                await serve()
                await stopping.wait()
            finally:
                schedule.stop()
                catching_up.cancel()
                listening.cancel()
                making.cancel()
                self.delivery.stop()

    async def _catch_up(self, schedule: Schedule) -> None:
        """Do what a start may have missed, beside the service, and only then let the jobs tick.

        People are answered meanwhile; a morning composed before the planning would leave out what is new.
        """
        pause = 1.0
        while True:
            try:
                await self._plan_tick()
                await self._morning_tick()
                await self._digest_tick()
                break
            except Exception as error:
                known = isinstance(error, DATABASE_ERRORS)
                _log.error("start.held_up", error=describe_fault(error), exc_info=not known)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30.0)
        schedule.start()

    def webhooks(self) -> list[Webhook]:
        """Return the paths that platforms post to; none without a public address."""
        if self._settings.public_url is None:
            return []
        hooks = {
            key: webhook_address_for(self._settings, channel)
            for key, channel in self.accounts.items()
        }
        return [
            Webhook(hook.path, hook.secret, self._receiver(key, self.accounts[key]), hook.header)
            for key, hook in hooks.items()
        ]

    def _receiver(self, account_id: int, channel: Channel) -> Callable[[bytes], Awaitable[None]]:
        async def receive(body: bytes) -> None:
            now = await self.clock.now()
            await receive_body(self.database, channel, account_id, body, now=now)
            self.inbox.wake()

        return receive

    def _answered(self) -> None:
        """Send what was answered, and make the report that may have been asked for."""
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
                unreachable=result.unreachable,
            )
        if result.messages:
            self.delivery.wake()

    async def _digest_tick(self) -> None:
        result = await self.digest(now=await self.clock.now())
        if result.provinces:
            _log.info(
                "digest.composed",
                provinces=",".join(result.provinces),
                messages=result.messages,
                pictures=result.pictures,
            )
        if result.messages:
            self.delivery.wake()

    async def _accounts_tick(self) -> None:
        """Open what was out of reach, let go on what rested until now, and see to accounts nobody has."""
        now = await self.clock.now()
        for channel in self.accounts.values():
            if channel.kind == "local" or channel.link is not None:
                continue
            if await open_account(channel, self._settings) == "open":
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

    async def _reports_tick(self) -> None:
        """Take up what a process that died had begun, and what another one's chats asked for."""
        self.reports.wake()

    async def _ping_tick(self) -> None:
        await self.ping.step()

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
    connector: AccountConnector = connect_accounts,
) -> AsyncIterator[App]:
    """Open the database and the accounts that are set, and close them at the end.

    clock: another than the database's own, which the leases go by all the same where it is a server.
    stopping: a platform out of reach is tried again until it is set; None: tried once. connecting:
    opens the accounts. Raises DatabaseUnusable, RegistryFault, StartRefused.
    """
    make_default_folder(settings)
    database = Database(settings.database_url, checkpoints=True)
    ownership = ProcessLock(database.file)
    accounts: dict[int, Channel] = {}
    shared = clock_for(database)
    clock = clock or shared
    try:
        await upgrade_schema(database)
        await refuse_sandbox(database)
        registry = await load_registry(settings, database, now=await clock.now())
        for channel in await connector(settings, stopping=stopping):
            now = await clock.now()
            accounts[await register_account(database, channel, now=now)] = channel
        if accounts:
            await release_unused_accounts(database, accounts, now=await clock.now(), starting=True)
        async with database.write() as connection:
            links = Links(settings.public_url, await load_link_key(connection))
        leased_by = clock if database.is_sqlite else shared
        yield App(
            settings,
            database,
            clock,
            registry,
            accounts,
            ownership.name,
            links,
            lease_clock=leased_by,
        )
    finally:
        for channel in accounts.values():
            await channel.close()
        await database.dispose()
        ownership.release()
