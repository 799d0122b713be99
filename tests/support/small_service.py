"""The whole service in a test's own loop: two small provinces, a webhook, a broadcast, somebody who asks."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select, update

from bot.app import App, open_app
from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from bot.config import Settings
from bot.web.routes import make_web_app
from data.contacts import enrolments
from data.models import Agency, Message
from jobs.channel import Channel
from tests.support.conversations import CALENDAR, PLAN, PROVINCE
from tests.support.loaded_province import counted
from tests.support.outbox_rows import MORNING, broadcast, chat, chats
from tests.support.telegram_server import TOKEN, BotApi

ASKS = 5  # who is enrolled, and asks
PATIENCE = 60  # seconds, for a busy machine


class RunningClock:
    """A morning that goes on; `began`: when it was half past seven, in seconds of the system's clock."""

    def __init__(self, began: float) -> None:
        self._began = began

    async def now(self) -> datetime:
        return MORNING + timedelta(seconds=time.time() - self._began)


@dataclass
class Service:
    """One that runs, asked and told as a platform and a monitor do; url: of its database."""

    app: App
    api: BotApi
    running: asyncio.Task[None]
    client: httpx.AsyncClient

    async def broadcast(self, count: int) -> None:
        """Put one message into each of so many chats."""
        (account_id,) = self.app.accounts
        database = self.app.database
        ids = await broadcast(
            database,
            account_id,
            await chats(database, account_id, count),
            now=await self.app.clock.now(),
        )
        async with database.write() as connection:
            words = update(Message).where(Message.id.in_(ids))
            await connection.execute(words.values(template="sorry", context={}))
        self.app.delivery.wake()

    async def post(self, number: int) -> int:
        """Ask for help by the webhook, as a numbered and long update; returns the status."""
        place = {"id": ASKS, "type": "private", "first_name": "An"}
        who = {"id": ASKS, "is_bot": False, "first_name": "An"}
        head = {"message_id": number, "date": 1_790_000_000, "chat": place, "from": who}
        body = json.dumps({"update_id": number, "message": {**head, "text": "/help " + "x" * 4000}})
        header = {"X-Telegram-Bot-Api-Secret-Token": self.secret}
        answer = await self.client.post("/telegram", content=body, headers=header)
        return answer.status_code

    @property
    def secret(self) -> str:
        (hook,) = self.app.webhooks()
        return hook.address.secret

    async def health(self) -> tuple[int, dict[str, Any]]:
        answer = await self.client.get("/healthz")
        return answer.status_code, answer.json()

    async def until(self, what: Callable[[], bool]) -> float:
        """Wait for something; returns after how many seconds it was so."""
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            while not what():
                assert not self.running.done(), self.running
                await asyncio.sleep(0.01)
        return time.monotonic() - began

    async def until_well(self) -> None:
        """Wait until health is good again."""
        async with asyncio.timeout(PATIENCE):
            while (await self.health())[0] != 200:
                await asyncio.sleep(0.05)

    async def until_ill(self, words: str) -> str:
        """Wait until health is bad and holds some words; returns what it says of the database."""
        async with asyncio.timeout(PATIENCE):
            while True:
                status, said = await self.health()
                if status == 503 and words in said["database"]:
                    return str(said["database"])
                await asyncio.sleep(0.05)

    async def until_recorded(self) -> None:
        """Wait until nothing waits or is in flight any more."""
        unsettled = Message.state.in_(("pending", "claimed"))
        async with asyncio.timeout(PATIENCE):
            while await counted(self.app.database, Message, unsettled):
                await asyncio.sleep(0.05)

    def arrived(self) -> Counter[int]:
        """Return how many messages stand in each chat, but the asker's."""
        return Counter(taken.chat for taken in self.api.messages if taken.chat != ASKS)

    def answers(self) -> int:
        """Return how many times help was given."""
        return sum(taken.text.startswith("Hướng dẫn") for taken in self.api.messages)


@asynccontextmanager
async def service(folder: Path, database_url: str, **more: Any) -> AsyncIterator[Service]:
    """Run the service on a small registry, by webhook, on a morning that goes on; more: of BotApi."""
    registry = _registry(folder / "registry")
    stopping = asyncio.Event()
    async with BotApi(**more) as api:

        async def connecting(
            settings: Settings, *, stopping: asyncio.Event | None
        ) -> Sequence[Channel]:
            channel = TelegramChannel(TOKEN, base_url=api.url, limits=PacingLimits())
            await channel.open()
            return [channel]

        settings = Settings.model_validate(
            {
                "database_url": database_url,
                "telegram_token": TOKEN,
                "telegram_base_url": api.url,
                "registry_dir": str(registry),
                "public_url": "https://bot.example.vn",
            }
        )
        clock = RunningClock(time.time())
        async with open_app(settings, clock=clock, stopping=stopping, connector=connecting) as app:
            await _enrol(app)

            async def serve() -> None:
                await stopping.wait()

            running = asyncio.create_task(app.run(stopping, serve))
            web = make_web_app(app.database, app.clock, app.webhooks(), app.capabilities)
            transport = httpx.ASGITransport(app=web)
            async with httpx.AsyncClient(transport=transport, base_url="http://bot.test") as client:
                try:
                    yield Service(app, api, running, client)
                finally:
                    stopping.set()
                    async with asyncio.timeout(PATIENCE):
                        await running


def _registry(folder: Path) -> Path:
    """Write the registry of tests.support.conversations's Đông as files."""
    plan = PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05")
    texts = {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
        "plans/dong-10.yaml": plan,
        "calendar/2026.yaml": CALENDAR,
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


async def _enrol(app: App) -> None:
    now = await app.clock.now()
    (account_id,) = app.accounts
    chat_id = await chat(app.database, account_id, str(ASKS))
    async with app.database.write() as connection:
        agency_id = await connection.scalar(select(Agency.id).where(Agency.code == "sxd"))
        assert agency_id is not None
        person = await enrolments.ensure_person(connection, account_id, str(ASKS), "An", now=now)
        await enrolments.enrol(
            connection,
            chat_id=chat_id,
            person_id=person,
            agency_id=agency_id,
            role="focal",
            now=now,
        )
