"""Machines for the tests: processes of `nhacviec run` on one PostgreSQL, and a platform that tells them apart.

Each machine asks the platform by an address of its own, has its own clock, and can be killed, halted,
stopped and started again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select
from starlette.routing import Route

from bot.app import open_app
from bot.config import Settings
from data.accounts import leases
from data.db.database import Database
from data.models import Account, InboxEvent, Message
from data.outbox import messages as outbox
from jobs.channel import Channel
from tests.service.test_app import free_port
from tests.support.conversations import CALENDAR, PLAN, PROVINCE
from tests.support.local_server import Endpoint
from tests.support.outbox_rows import chats
from tests.support.telegram_server import TOKEN, BotApi

PATIENCE = 90  # seconds, for a busy machine
TOP = Path(__file__).parents[2]


@dataclass
class SharedApi(BotApi):
    """The Bot API as several machines ask it; of two that poll the older is turned away, as by Telegram."""

    asked: list[tuple[float, str, str]] = field(default_factory=list)  # when, who, method
    conflicts: list[tuple[str, str]] = field(default_factory=list)  # who was turned away by whom
    _polling: dict[str, asyncio.Task[Any]] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        return [Route("/{who}/bot{token}/{method}", Endpoint(self), methods=["GET", "POST"])]

    async def answer(
        self, given: dict[str, str], body: bytes, at: float
    ) -> tuple[int, dict[str, Any]]:
        who, method = given["who"], given["method"]
        self.asked.append((at, who, method))
        if method != "getUpdates":
            return await super().answer(given, body, at)
        for other, poll in list(self._polling.items()):
            self.conflicts.append((other, who))
            poll.cancel()
        polling = asyncio.create_task(super().answer(given, body, at))
        self._polling[who] = polling
        try:
            return await asyncio.shield(polling)
        except asyncio.CancelledError:
            if not polling.cancelled():  # the machine is gone
                polling.cancel()
                raise
            words = "Conflict: terminated by other getUpdates request"
            return 409, {"ok": False, "error_code": 409, "description": words}
        finally:
            if self._polling.get(who) is polling:
                del self._polling[who]

    def count(self, method: str, *, by: str | None = None, since: float = 0.0) -> int:
        return sum(
            what == method and by in (None, who) and at > since for at, who, what in self.asked
        )

    def update(self, chat: int, text: str) -> dict[str, Any]:
        """Return what somebody writes to the bot, who is known to nobody."""
        who = {"id": chat, "is_bot": False, "first_name": "An"}
        place = {"id": chat, "type": "private", "first_name": "An"}
        message = {"message_id": 1, "date": 1_790_000_000, "chat": place, "from": who}
        return {"message": {**message, "text": text}}


class Machine:
    """One process of `nhacviec run`; off: by how many seconds its clock is wrong."""

    def __init__(self, name: str, settings: dict[str, str], folder: Path, *, off: float) -> None:
        self.name = name
        self._settings = settings
        self._folder = folder
        self._off = off
        self._read_from = 0
        self.starts = 0
        self.port = int(settings["NHACVIEC_WEB_PORT"])
        self.process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def _log(self) -> Path:
        return self._folder / f"{self.name}.log"

    async def start(self) -> None:
        """Start the process and wait until it is ready."""
        others = {name: value for name, value in os.environ.items() if "NHACVIEC" not in name}
        environment = {**others, **self._settings, "PYTHONPATH": str(TOP)}
        self._read_from = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.support.wrong_clock", str(self._off), "run"),
                cwd=self._folder,
                env=environment,
                stderr=log,
            )
        await self.says("service.ready")
        self.starts += 1

    async def says(self, words: str) -> None:
        async def said() -> bool:
            assert self.process is not None
            assert self.process.returncode is None, self.told()
            return words in self.told()

        await until(said)

    def told(self) -> str:
        """Return what it has written since it was started."""
        return self._log.read_bytes()[self._read_from :].decode()

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def halt(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    async def stop(self) -> None:
        """Ask it to end, as a service manager does, and wait."""
        assert self.process is not None
        self.process.terminate()
        async with asyncio.timeout(PATIENCE):
            assert await self.process.wait() == 0, self.told()

    async def close(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


async def until(
    what: Callable[[], Awaitable[bool]] | Callable[[], bool], *, patience: float = PATIENCE
) -> None:
    async with asyncio.timeout(patience):
        while True:
            found = what()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.05)


@dataclass
class Office:
    """A database of one account, the platform, and the machines that share both."""

    database: Database
    api: SharedApi
    account_id: int
    machines: list[Machine]

    async def owner(self) -> Machine | None:
        """Return the machine that owns the account now, by the database's clock."""
        async with self.database.read() as connection:
            name = await connection.scalar(
                select(Account.owner).where(Account.owned_until > func.now())
            )
        owners = [
            each for each in self.machines if name is not None and f"-{each.pid}-" in str(name)
        ]
        return owners[0] if owners else None

    async def owned_by_other_than(self, *others: Machine) -> Machine:
        async def owned() -> bool:
            found = await self.owner()
            return found is not None and found not in others

        await until(owned)
        found = await self.owner()
        assert found is not None
        return found

    async def epoch(self) -> int:
        async with self.database.read() as connection:
            return await connection.scalar(select(Account.epoch)) or 0

    async def put(self, count: int) -> None:
        """Put one message each for so many chats, that may go at any hour."""
        ids = await chats(self.database, self.account_id, count)
        async with self.database.write() as connection:
            now = await connection.scalar(select(func.now()))
            rows = [
                {
                    "account_id": self.account_id,
                    "chat_id": chat_id,
                    "priority": outbox.NOTICE,
                    "template": "sorry",
                    "context": {},
                    "buttons": [],
                    "created_at": now,
                    "send_at": now,
                }
                for chat_id in ids
            ]
            await connection.execute(insert(Message), rows)

    async def counted(self, *conditions: Any) -> int:
        async with self.database.read() as connection:
            return await connection.scalar(select(func.count()).where(*conditions)) or 0

    async def all_is_sent(self, *, updates: int = 0) -> None:
        """Wait until everything was handled and sent."""

        async def quiet() -> bool:
            return (
                await self.counted(Message.state.in_(("pending", "claimed"))) == 0
                and await self.counted(InboxEvent.state == "done") == updates
            )

        await until(quiet)


@asynccontextmanager
async def office(
    database: Database, folder: Path, offs: Sequence[float], **more: str
) -> AsyncIterator[Office]:
    """Prepare a small registry, an account and a machine for each clock; none is started yet.

    more: settings, in which {name} is the machine's.
    """
    registry = folder / "registry"
    plan = PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05")
    texts = {"agencies/dong": PROVINCE.format(slug="dong", name="Đông"), "calendar/2026": CALENDAR}
    for name, text in {**texts, "plans/dong-10-2026": plan}.items():
        path = registry / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    url = database.url.render_as_string(hide_password=False)

    async def no_account(settings: Settings, *, stopping: asyncio.Event | None) -> list[Channel]:
        return []

    settings = Settings.model_validate({"database_url": url, "registry_dir": registry})
    async with open_app(settings, connector=no_account):
        pass
    async with database.write() as connection:
        account_id = await leases.ensure_account(connection, channel="telegram", name="4242")
    async with SharedApi() as api:
        machines = [
            Machine(
                name,
                {
                    "NHACVIEC_DATABASE_URL": url,
                    "NHACVIEC_REGISTRY_DIR": str(registry),
                    "NHACVIEC_TELEGRAM_TOKEN": TOKEN,
                    "NHACVIEC_TELEGRAM_BASE_URL": f"{api.url}/{name}",
                    "NHACVIEC_WEB_PORT": str(free_port()),
                    **{f"NHACVIEC_{key.upper()}": value for key, value in more.items()},
                },
                folder,
                off=off,
            )
            for name, off in zip(("mot", "hai", "ba"), offs, strict=False)
        ]
        try:
            yield Office(database, api, account_id, machines)
        finally:
            for machine in machines:
                await machine.close()
