"""The whole way in and out for tests: a local account, its inbox, the real router, its delivery."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select

from bot.channels.local import LocalChannel, make_local_update
from bot.conversation.router import Router
from data.clock import SteppedClock
from data.contacts import enrolments
from data.contacts.invitations import create_invitation
from data.db.database import Database
from data.models import Agency
from jobs.channel import OutgoingMessage, Receipt
from jobs.delivery.dispatcher import Dispatcher
from jobs.inbox.intake import store_updates
from jobs.inbox.worker import Inbox
from tests.support.conversations import RENDERER, TEMPLATES, small_registry
from tests.support.loaded_province import load_world
from tests.support.outbox_rows import account


class Listening(LocalChannel):
    """A local channel that remembers what was sent, by address."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str]] = []

    async def send(self, message: OutgoingMessage) -> Receipt:
        self.sent.append((message.address, message.text))
        return await super().send(message)


class Whole:
    """Two small provinces with one local account; names: what each sender is called."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database, self.now = database, now
        self.registry = small_registry()
        self.clock = SteppedClock(now)
        self.channel = Listening()
        self.names: dict[str, str] = {}
        self.account_id = 0

    async def begin(self) -> Whole:
        await load_world(self.database, self.registry, now=self.now)
        self.account_id = await account(self.database, "local")
        return self.go_on()

    def go_on(self) -> Whole:
        """Work on a database that holds all of it already."""
        channels: dict[int, Any] = {self.account_id: self.channel}
        router = Router(lambda: self.registry, TEMPLATES)
        self.inbox = Inbox(self.database, channels, router.handle, self.clock)
        self.delivery = Dispatcher(
            self.database,
            channels,
            RENDERER,
            lambda: self.registry.workdays,
            self.clock,
            owner="tests",
        )
        return self

    async def code(self, agency: str, role: enrolments.Role) -> str:
        """Make a code for an agency of Đông."""
        async with self.database.write() as connection:
            key = await connection.scalar(
                select(Agency.id).where(Agency.province == "dong", Agency.code == agency)
            )
            assert key is not None
            return await create_invitation(connection, agency_id=key, role=role, now=self.now)

    async def enrol(self, address: str, agency: str, role: enrolments.Role = "focal") -> None:
        await self.say(address, f"/start {await self.code(agency, role)}")

    async def say(
        self,
        address: str,
        text: str,
        *,
        kind: Literal["text", "action", "gone"] = "text",
        sender: str | None = None,
        **more: Any,
    ) -> str:
        """Let something come in, have it handled and the answers sent; returns the last one here."""
        group = address.startswith("-")
        who = sender if sender is not None else "" if group else address
        raw = make_local_update(
            address=address,
            chat_kind="group" if group else "private",
            kind=kind,
            sender=who,
            sender_name=self.names.get(who, ""),
            text=text,
            **more,
        )
        await store_updates(self.database, self.account_id, [raw], now=self.now)
        await self.inbox.handle_pending()
        await self.delivery.run_until_idle()
        return self.last(address)

    def last(self, address: str) -> str:
        """Return the last text sent to an address."""
        return next((text for to, text in reversed(self.channel.sent) if to == address), "")
