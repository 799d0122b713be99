"""Processes for the tests to kill: `python -m tests.support.killable_process`, told what to be by lines of JSON.

The first line is a Setting. Then everything is loaded, and one life is lived to its end, so that what is
compiled at first use is compiled; from then on each line forks a child that does what `nhacviec run` does,
with the real App: outbox, inbox, jobs and web side. Only what a start reads from files that do not change is
read before. Prints a line for each child: its number, and how it ended.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bot.app import App
from bot.service.process_lock import ProcessLock
from bot.service.registry import LoadedRegistry
from bot.service.startup import load_registry
from bot.web.calendars import calendar_route
from bot.web.files import file_route
from bot.web.routes import make_web_app
from bot.web.server import open_listener, serve, stop_on_signals
from data.db.database import Database
from data.files import load_link_key
from data.models import Account, Message
from jobs.rendering.links import Links
from tests.support.conversations import small_registry, small_texts
from tests.support.start_steps import Birth, LeapingClock, MortalChannel, Setting, Steps


class Service:
    """What is the same for all children, read once."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.settings = setting.settings()
        self.database = Database(setting.database, checkpoints=True)
        self.registry, self.links, self.account_id = asyncio.run(self._read())

    async def _read(self) -> tuple[LoadedRegistry, Links, int]:
        registry = await LoadedRegistry.of(self.database)
        if registry is None:  # it is to be loaded; then nothing else is done with it
            registry = LoadedRegistry(small_registry(), ())
        async with self.database.write() as connection:
            links = Links(self.settings.public_url, await load_link_key(connection))
            account_id = await connection.scalar(select(Account.id)) or 0
        await self.database.dispose()
        return registry, links, account_id

    async def live(
        self, birth: Birth, tell: Callable[..., None], *, sends: int | None = None
    ) -> None:
        """Be the service until SIGTERM, or until so many messages were sent."""
        database = Database(self.setting.database)
        database.engine = self.database.engine  # with what it has compiled
        steps = Steps(birth, tell)
        if birth.die_at:
            steps.watch(database)
        ownership = ProcessLock(database.file)
        tell(name=ownership.name)
        channel = MortalChannel(self.setting.api, steps)
        await channel.open()
        clock = LeapingClock(self.setting)
        app = App(
            self.settings,
            database,
            clock,
            self.registry,
            {self.account_id: channel},
            ownership.name,
            self.links,
        )
        if birth.work == "start":
            await self._start(app, await clock.now())
            return
        more = [
            file_route(app.database, clock, app.links),
            calendar_route(app.database, clock, app.links, app.registry),
        ]
        web = make_web_app(
            app.database, clock, app.webhooks(), app.capabilities, more, app.registry
        )
        port = self.setting.port + birth.slot
        with stop_on_signals() as stopping, open_listener("127.0.0.1", port) as listener:
            ending = asyncio.create_task(self._after(sends, stopping)) if sends else None
            await app.run(stopping, lambda: serve(web, listener, stopping))
            if ending is not None:
                await ending
        await channel.close()
        await database.dispose()
        ownership.release()

    async def _start(self, app: App, now: datetime) -> None:
        """Do what App.run() does before it sends anything; a week's pictures are no part of it here."""
        app.draw = None
        await app.plan(now=now)
        await app.remind(now=now)

    async def load(self, birth: Birth, tell: Callable[..., None]) -> None:
        """Load the registry as a first start does, into the database named by the setting."""
        Steps(birth, tell).watch(self.database)
        now = await LeapingClock(self.setting).now()
        with tempfile.TemporaryDirectory() as name:
            for path, text in small_texts().items():
                file = Path(name) / path
                file.parent.mkdir(exist_ok=True)
                file.write_text(text, encoding="utf-8")
            settings = self.settings.model_copy(update={"registry_dir": Path(name)})
            await load_registry(settings, self.database, now=now)

    async def _after(self, sends: int, stopping: asyncio.Event) -> None:
        sent = select(func.count()).where(Message.state == "sent")
        while True:
            async with self.database.read() as connection:
                if (await connection.scalar(sent) or 0) >= sends:
                    break
            await asyncio.sleep(0.02)
        stopping.set()


def main() -> None:
    out, living = os.dup(1), set[int]()
    os.dup2(2, 1)  # what is logged is not mixed with what is told

    def tell(**what: Any) -> None:
        os.write(out, json.dumps(what).encode() + b"\n")

    def reap(*_: Any) -> None:
        while True:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if child == 0:
                return
            living.discard(child)
            tell(ended=child, status=os.waitstatus_to_exitcode(status))

    logging.getLogger().setLevel(logging.CRITICAL)
    given = sys.stdin.buffer
    setting = Setting(**json.loads(given.readline()))
    service = Service(setting)
    if setting.lives:
        asyncio.run(service.live(Birth(), tell, sends=setting.lives))
    gc.collect()
    gc.freeze()
    tell(ready=True)
    signal.signal(signal.SIGCHLD, reap)
    for line in given:
        birth = Birth(**json.loads(line))
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)

            def tell_own(**what: Any) -> None:
                tell(pid=os.getpid(), **what)

            work = service.load if birth.work == "load" else service.live
            asyncio.run(work(birth, tell_own))
            os._exit(0)
        living.add(child)
        tell(born=child)
    for child in list(living):  # whoever asked for them is gone
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
