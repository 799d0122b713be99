"""The whole program at work on a file, with chats and a clock of its own.

Guarantees:
- Messages go through the same port, outbox and inbox as on every channel.
- It begins on the last working morning on which a reminder goes out.
- One action runs at a time.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import func, select

from bot.config import TEMPLATES
from bot.conversation.router import Router
from bot.sandbox.chats import ChatEntry, SandboxChannel, TwinRenderer, UploadedFile
from bot.sandbox.database import add_chats, mark_as_sandbox, remove_earlier_database
from bot.sandbox.mornings import (
    ReminderTally,
    count_reminders,
    first_reminder_day,
    morning_hour,
)
from bot.sandbox.people import SandboxChat
from data.accounts import leases
from data.clock import SteppedClock, civil_date, instant_at
from data.db.database import Database
from data.db.upgrade import upgrade_schema
from data.loading.load import sync_registry
from data.models import Obligation, Plan
from data.registry.registry import Registry
from jobs.channel import RawUpdate
from jobs.delivery.dispatcher import Dispatcher
from jobs.digests.week_charts import draw_digest
from jobs.inbox.intake import store_updates
from jobs.inbox.worker import Inbox
from jobs.morning.run import run_mornings
from jobs.planning.auto_confirm import auto_confirm
from jobs.planning.materialise import materialise
from jobs.reports.requests import ReportWorker

_OWNER = "sandbox"
_TYPING = timedelta(minutes=1)  # between a message and its answer, by the sandbox's clock
_MOST_MORNINGS = 20


class Sandbox:
    """One sandbox; create() makes it."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        clock: SteppedClock,
        channel: SandboxChannel,
        account_id: int,
        chats: list[SandboxChat],
    ) -> None:
        self.database = database
        self.registry = registry
        self.clock = clock
        self.channel = channel
        self.chats = {chat.id: chat for chat in chats}
        self.provinces = [
            (province.code, province.name) for province in registry.provinces.values()
        ]
        self.morning = ReminderTally()
        self.total = ReminderTally()
        self._account_id = account_id
        self._turn = asyncio.Lock()
        channels = {account_id: channel}
        capabilities = {account_id: channel.capabilities}
        router = Router(lambda: registry, TEMPLATES, capabilities=capabilities)
        self._inbox = Inbox(database, channels, router.handle, clock)
        self._reports = ReportWorker(database, lambda: registry, clock)
        self._renderer = TwinRenderer(TEMPLATES)
        self._delivery = Dispatcher(
            database,
            channels,
            self._renderer,
            lambda: registry.workdays,
            clock,
            owner=_OWNER,
        )

    @classmethod
    async def create(cls, registry: Registry, path: Path, *, today: date) -> Sandbox:
        """Make the file anew, load the registry, add the chats and run the first morning.

        today: the real date; the sandbox begins on or before it. Raises DatabaseUnusable.
        """
        start = instant_at(first_reminder_day(registry, today=today), morning_hour(registry))
        remove_earlier_database(path)
        database = Database(f"sqlite+aiosqlite:///{path}", checkpoints=True)
        try:
            await upgrade_schema(database)
            clock = SteppedClock(start)
            channel = SandboxChannel(clock)
            async with database.write() as connection:
                await mark_as_sandbox(connection)
                day = civil_date(start)
                await sync_registry(connection, registry, now=start, today=day)
                account_id = await leases.ensure_account(
                    connection, channel=channel.kind, name=channel.name, title=channel.title
                )
                chats = await add_chats(connection, registry, account_id, now=start, today=day)
            sandbox = cls(database, registry, clock, channel, account_id, chats)
            await sandbox._begin_day(day)
        except BaseException:
            await database.dispose()
            raise
        return sandbox

    async def close(self) -> None:
        """Close the database; the file stays until the next start."""
        await self.database.dispose()

    def lines(self, chat: SandboxChat) -> list[ChatEntry]:
        """Return a chat's entries, oldest first; an edit is an entry of its own."""
        return self.channel.chats.get(chat.address, [])

    def is_shut(self, chat: SandboxChat) -> bool:
        """Tell whether the bot is blocked in a chat or removed from it."""
        return chat.address in self.channel.blocked_addresses

    async def say(
        self,
        chat: SandboxChat,
        text: str,
        *,
        speaker: int = 0,
        reply_to: str | None = None,
        file: UploadedFile | None = None,
    ) -> None:
        """Type a text or send a file in a chat, and have it answered; nothing happens where the bot is blocked.

        speaker: index among the chat's speakers. reply_to: the message of the bot that it answers.
        """
        async with self._turn:
            if self.is_shut(chat):
                return
            await self._pass_time()
            who = chat.speakers[speaker]
            await self._take(await self.channel.say(chat, text, who, reply_to=reply_to, file=file))

    async def press(
        self, chat: SandboxChat, remote_id: str, action: str, *, speaker: int = 0
    ) -> None:
        """Tap a button of a message, and have it answered; raises NoSuchButton."""
        async with self._turn:
            if self.is_shut(chat):
                return
            who = chat.speakers[speaker]
            update = await self.channel.press(chat, remote_id, action, who)
            await self._pass_time()
            await self._take(update)

    async def block_bot(self, chat: SandboxChat) -> None:
        """Block the bot in a private chat, or remove it from a group; once."""
        async with self._turn:
            if not self.is_shut(chat):
                await self._pass_time()
                await self._take(await self.channel.block_bot(chat, chat.speakers[0]))

    async def unblock_bot(self, chat: SandboxChat) -> None:
        """Undo block_bot."""
        async with self._turn:
            if self.is_shut(chat):
                await self._pass_time()
                await self._take(await self.channel.unblock_bot(chat, chat.speakers[0]))

    async def advance_to_next_reminders(self) -> None:
        """Step to the next morning on which a reminder is sent; gives up after twenty mornings."""
        async with self._turn:
            day = civil_date(await self.clock.now())
            for _ in range(_MOST_MORNINGS):
                day = await self._next_day(after=day)
                await self._begin_day(day)
                if self.morning.messages:
                    return

    async def advance_to_next_workday(self) -> None:
        """Step to the next working morning."""
        async with self._turn:
            today = civil_date(await self.clock.now())
            await self._begin_day(self.registry.workdays.add(today, 1))

    async def count_contents(self) -> dict[str, int]:
        """Return how many plans, tasks, agencies, obligations and chats there are."""
        plans = self.registry.plans.values()
        async with self.database.read() as connection:
            obligations = await connection.scalar(
                select(func.count()).select_from(Obligation).where(Obligation.state == "open")
            )
        return {
            "plans": len(self.registry.plans),
            "tasks": sum(len(plan.tasks) for plan in plans),
            "agencies": sum(
                len(province.agencies) for province in self.registry.provinces.values()
            ),
            "obligations": obligations or 0,
            "chats": len(self.chats),
        }

    async def _begin_day(self, day: date) -> None:
        """Set the clock to a day's morning and run the service's jobs of that morning."""
        now = instant_at(day, morning_hour(self.registry))
        self.clock.move_to(now)
        async with self.database.write() as connection:
            await materialise(connection, self.registry, today=day)
        await auto_confirm(self.database, self.registry.workdays, now=now)
        capabilities = {self._account_id: self.channel.capabilities}
        await run_mornings(
            self.database, self.registry, now=now, capabilities=capabilities, draw=draw_digest
        )
        await self._delivery.run_until_idle()
        async with self.database.read() as connection:
            self.morning = await count_reminders(connection, day)
            self.total = await count_reminders(connection, None)

    async def _next_day(self, *, after: date) -> date:
        """Return the next working day on which a rung is due."""
        async with self.database.read() as connection:
            due = await connection.scalar(
                select(func.min(Obligation.remind_on))
                .join(Plan, Plan.id == Obligation.plan_id)
                .where(
                    Obligation.state == "open",
                    Obligation.remind_on > after,
                    Plan.withdrawn_at.is_(None),
                )
            )
        workdays = self.registry.workdays
        return workdays.on_or_after(due) if due is not None else workdays.add(after, 1)

    async def _pass_time(self) -> None:
        self.clock.move_to(await self.clock.now() + _TYPING)

    async def _take(self, update: RawUpdate) -> None:
        """Store an update as every channel does, handle it, and send the answers."""
        now = await self.clock.now()
        await store_updates(self.database, self._account_id, [update], now=now)
        await self._inbox.handle_pending()
        await self._delivery.run_until_idle()
        if await self._reports.step():
            await self._delivery.run_until_idle()
