"""The sandbox's world: the whole program at work on a file, in chats and by a clock of its own.

Promises the same port, outbox and inbox as every channel; that it begins afresh, on the last working
morning on which a reminder goes out; and that one thing happens at a time. The only place where the
clock can be moved.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.config import TEMPLATES
from bot.conversation.router import Router
from bot.sandbox.chats import ChatEntry, SandboxChannel, TwinRenderer, UploadedFile
from bot.sandbox.database import add_chats, mark_as_sandbox, remove_earlier_database
from bot.sandbox.people import SandboxChat
from data.accounts import leases
from data.clock import SteppedClock, civil_date, instant_at
from data.db.database import Database
from data.db.upgrade import upgrade_schema
from data.digests.kept_weeks import monday_of
from data.loading.load import sync_registry
from data.models import Enrolment, Message, Obligation, Plan
from data.registry.registry import Registry
from data.rules.preview import preview_rungs
from jobs.channel import RawUpdate
from jobs.delivery.dispatcher import Dispatcher
from jobs.digests.run import digest_day, run_digests
from jobs.digests.week_charts import draw_digest
from jobs.inbox.intake import store_updates
from jobs.inbox.worker import Inbox
from jobs.morning.run import run_mornings
from jobs.planning.auto_confirm import auto_confirm
from jobs.planning.materialise import materialise
from jobs.reports.requests import ReportWorker

_OWNER = "sandbox"
_TYPING = timedelta(minutes=1)  # what an answer takes on the sandbox's clock
_FIRST_LOOK = timedelta(days=45)
_LONGEST_LOOK = timedelta(days=400)
_MOST_MORNINGS = 20


@dataclass(frozen=True, slots=True)
class ReminderTally:
    """How many reminders went out, and to how many agencies."""

    messages: int = 0
    agencies: int = 0


class Sandbox:
    """One sandbox: made by `opened`, changed by what its methods do, one at a time."""

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
        """Let the database go; the file stays until the next start."""
        await self.database.dispose()

    def lines(self, chat: SandboxChat) -> list[ChatEntry]:
        """Return what was sent and typed in a chat, oldest first, edits as lines of their own."""
        return self.channel.chats.get(chat.address, [])

    def is_shut(self, chat: SandboxChat) -> bool:
        """Tell whether the bot was blocked or put out there, so that nobody can write to it."""
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
        """Type a text or send a file in a chat, and have it answered; in vain where the bot is shut out.

        speaker: one of the chat's, by place. reply_to: the message of ours that it answers.
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
        """Block the bot in a private chat, or put it out of a group; once."""
        async with self._turn:
            if not self.is_shut(chat):
                await self._pass_time()
                await self._take(await self.channel.block_bot(chat, chat.speakers[0]))

    async def unblock_bot(self, chat: SandboxChat) -> None:
        """Undo shut_out."""
        async with self._turn:
            if self.is_shut(chat):
                await self._pass_time()
                await self._take(await self.channel.unblock_bot(chat, chat.speakers[0]))

    async def advance_to_next_reminders(self) -> None:
        """Step to the next morning on which a reminder goes out, or as far as one can be foreseen."""
        async with self._turn:
            day = civil_date(await self.clock.now())
            for _ in range(_MOST_MORNINGS):
                day = await self._next_day(after=day)
                await self._begin_day(day)
                if self.morning.messages:
                    return

    async def advance_to_next_workday(self) -> None:
        """Step to the next working morning, whether a reminder goes out on it or not."""
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

    # ---------------------------------------------------------------- inside

    async def _begin_day(self, day: date) -> None:
        """Set the clock to a day's morning and do what the service does on it."""
        now = instant_at(day, morning_hour(self.registry))
        self.clock.move_to(now)
        async with self.database.write() as connection:
            await materialise(connection, self.registry, today=day)
        await auto_confirm(self.database, self.registry.workdays, now=now)
        capabilities = {self._account_id: self.channel.capabilities}
        await run_mornings(self.database, self.registry, now=now, capabilities=capabilities)
        if day == digest_day(monday_of(day), self.registry.workdays):
            await run_digests(
                self.database,
                self.registry,
                now=now,
                renderer=self._renderer,
                capabilities=capabilities,
                draw=draw_digest,
            )
        await self._delivery.run_until_idle()
        async with self.database.read() as connection:
            self.morning = await _tally(connection, day)
            self.total = await _tally(connection, None)

    async def _next_day(self, *, after: date) -> date:
        """Return the next working day on which some rung is due."""
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
        """Store an update as every channel does, then handle it and send what it brought about."""
        now = await self.clock.now()
        await store_updates(self.database, self._account_id, [update], now=now)
        await self._inbox.handle_pending()
        await self._delivery.run_until_idle()
        if await self._reports.step():
            await self._delivery.run_until_idle()


async def _tally(connection: AsyncConnection, day: date | None) -> ReminderTally:
    """Count the reminders of a morning, or of all."""
    query = (
        select(func.count(Message.id.distinct()), func.count(Enrolment.agency_id.distinct()))
        .join(Enrolment, Enrolment.chat_id == Message.chat_id)
        .where(
            Message.state == "sent",
            Message.broadcast_on.is_not(None) if day is None else Message.broadcast_on == day,
        )
    )
    messages, agencies = (await connection.execute(query)).one()
    return ReminderTally(messages, agencies)


def first_reminder_day(registry: Registry, *, today: date) -> date:
    """Return the last working day on or before today on which a reminder goes out.

    Where there is none in over a year, the last working day itself.
    """
    for look in (_FIRST_LOOK, _LONGEST_LOOK):
        rows = preview_rungs(registry, since=today - look, until=today)
        if rows:
            return max(row.date for row in rows)
    return registry.workdays.on_or_before(today)


def morning_hour(registry: Registry) -> time:
    """Return the hour by which every province's morning, and its weekly digest's, has come."""
    return max(
        (
            time.fromisoformat(hour)
            for province in registry.provinces.values()
            for hour in (province.file.morning, province.file.digest)
        ),
        default=time(7, 30),
    )
