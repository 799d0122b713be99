"""What the tests of kills share: the processes to kill, and the platform that brings them updates."""

from __future__ import annotations

import asyncio
import atexit
import json
import mmap
import os
import random
import signal
import socket
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from data.db.database import Database
from tests.support.prepared_databases import FIRST_ASKER, MORNING
from tests.support.start_steps import LEAP, Birth, Setting
from tests.support.telegram_server import BotApi

ROOT = Path(__file__).parents[2]
PATIENCE = 300  # seconds, for a busy machine


# ------------------------------------------------------------------ the processes


@dataclass
class Mortal:
    """One process; how it ended, and at which step where it killed itself."""

    pid: int
    slot: int
    ended: asyncio.Future[int]
    places: list[str]
    name: asyncio.Future[str]  # as it stands in leases

    async def kill(self) -> None:
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(self.pid, signal.SIGKILL)
        await self.ended


class Mortals:
    """Forks of one loaded process; see tests.support.killable_process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout
        self._ends: defaultdict[int, asyncio.Future[int]] = defaultdict(
            asyncio.get_running_loop().create_future
        )
        self._names: defaultdict[int, asyncio.Future[str]] = defaultdict(
            asyncio.get_running_loop().create_future
        )
        self._places: defaultdict[int, list[str]] = defaultdict(list)
        self._born: asyncio.Queue[int] = asyncio.Queue()
        self.ready = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while line := await self._stdout.readline():
            told = json.loads(line)
            if "ready" in told:
                self.ready.set_result(None)
            elif "born" in told:
                self._born.put_nowait(told["born"])
            elif "name" in told:
                if "pid" in told:  # the first life has none that matters
                    self._names[told["pid"]].set_result(told["name"])
            elif "at" in told:
                self._places[told["pid"]].append(told["at"])
            else:
                self._ends[told["ended"]].set_result(told["status"])
        if not self.ready.done():
            self.ready.set_exception(RuntimeError("the processes could not be loaded"))

    async def spawn(self, birth: Birth) -> Mortal:
        self._stdin.write(birth.line())
        await self._stdin.drain()
        pid = await self._born.get()
        return Mortal(pid, birth.slot, self._ends[pid], self._places[pid], self._names[pid])

    async def close(self) -> None:
        self._stdin.close()
        await self._process.wait()
        await self._reading


@asynccontextmanager
async def mortals(setting: Setting) -> AsyncIterator[Mortals]:
    """Load the program once; ready once its first life was lived."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("NHACVIEC_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.killable_process"),
        stdin=PIPE,
        stdout=PIPE,
        cwd=ROOT,
        env=clean,
    )
    assert process.stdin is not None
    process.stdin.write(setting.line())
    all_of_them = Mortals(process)
    try:
        yield all_of_them
    finally:
        await all_of_them.close()


# ------------------------------------------------------------------ the platform


@dataclass
class Platform:
    """Brings updates to the service, by its poll or by posting until one of its processes took it."""

    api: BotApi
    setting: Setting
    processes: int
    chance: random.Random
    client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=10))
    tries: int = 0
    next: int = 7001  # the number of the next update

    async def bring(self, update: dict[str, Any]) -> None:
        number, self.next = self.next, self.next + 1
        if not self.setting.webhook:
            self.api.push(update, update_id=number)
            return
        hook = self.setting.hook()
        async with asyncio.timeout(PATIENCE):
            while True:
                self.tries += 1
                port = self.setting.port + self.chance.randrange(self.processes)
                try:
                    answer = await self.client.post(
                        f"http://127.0.0.1:{port}{hook.path}",
                        json={"update_id": number, **update},
                        headers={hook.header: hook.secret},
                    )
                except httpx.HTTPError:
                    answer = None
                if answer is not None and answer.status_code == 200:
                    return
                await asyncio.sleep(0.02)


def press(asker: int, obligation_id: int) -> dict[str, Any]:
    """Return the press of a button as an update, without its number.

    By turns "đang làm" and "chưa làm": what was said last is not recorded again.
    """
    what = "doing" if asker % 2 else "not_yet"
    address = FIRST_ASKER + asker
    who = {"id": address, "is_bot": False, "first_name": "Hoa"}
    chat = {"id": address, "type": "private", "first_name": "Hoa"}
    message = {"message_id": 31, "date": 1_794_000_000, "chat": chat, "text": "việc"}
    return {
        "callback_query": {
            "id": f"p{asker}",
            "from": who,
            "chat_instance": "1",
            "message": message,
            "data": f"{what}:{obligation_id}",
        }
    }


def _free_ports() -> int:
    """Return the first of three free ports, from where no client gets its own while a process is dead."""
    while True:
        first = random.SystemRandom().randrange(20_000, 32_000)
        with ExitStack() as stack, suppress(OSError):
            for port in range(first, first + 3):
                probe = stack.enter_context(socket.socket())
                probe.bind(("127.0.0.1", port))
            return first


def setting_for(database: Database, api: BotApi, **more: Any) -> Setting:
    with tempfile.NamedTemporaryFile(prefix="nhacviec-leaps-", delete=False) as file:
        file.write(LEAP.pack(0.0))
    atexit.register(Path(file.name).unlink)
    return Setting(
        leaps=file.name,
        database=database.url.render_as_string(hide_password=False),
        api=api.url,
        started=time.time(),
        port=_free_ports(),
        **{"morning": MORNING.isoformat(), **more},
    )


def leap(setting: Setting, seconds: float) -> None:
    """Let the clock of all processes be further on by so many seconds, from this instant."""
    with Path(setting.leaps).open("r+b") as file, mmap.mmap(file.fileno(), LEAP.size) as shared:
        (leapt,) = LEAP.unpack_from(shared)
        LEAP.pack_into(shared, 0, leapt + seconds)


def copies(texts: Sequence[str]) -> tuple[int, int]:
    """Return how often a text stands in a chat, and how often of it unmarked."""
    own = without_news_of_colleagues(texts)
    return len(own), sum(not text.startswith("(gửi lại)") for text in own)


def without_news_of_colleagues(texts: Sequence[str]) -> list[str]:
    """Return the texts of a chat without those that tell of a colleague's different answer."""
    return [text for text in texts if "khác với anh/chị" not in text]
