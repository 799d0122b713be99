"""What one of the processes to kill is told, the clock it goes by, and the steps at which it may die.

See tests.support.killable_process.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import signal
import struct
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bot.channels.messenger import WebhookAddress
from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from bot.config import Settings
from bot.service.accounts import webhook_address_for
from data.db.database import Database
from jobs.channel import Incoming, OutgoingMessage, Receipt
from tests.support.telegram_server import TOKEN

LEAP = struct.Struct("d")
STORING = "INSERT INTO inbox_event"


@dataclass(frozen=True)
class Setting:
    """What all children share.

    started: when the clock showed `morning`. leaps: a file that holds by how many seconds the clock of all
    children is further on. port: of the first child's web side; those of the others follow. webhook: updates
    come in there, else by polling. lives: how many messages the first life sends.
    """

    database: str
    api: str
    morning: str
    started: float
    leaps: str
    port: int
    webhook: bool = False
    lives: int = 1

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    def settings(self) -> Settings:
        given: dict[str, Any] = {"telegram_token": TOKEN, "database_url": self.database}
        if self.webhook:
            given["public_url"] = "https://bot.example.vn"
        return Settings.model_validate(given)

    def hook(self) -> WebhookAddress:
        return webhook_address_for(self.settings(), TelegramChannel(TOKEN))


@dataclass(frozen=True)
class Birth:
    """One child.

    work: "service" until SIGTERM, or once what a start does ("start") or a first one ("load"). die_at: the step at which
    it kills itself, or 0; counted from where the update `since` is stored, and of `only` these.
    """

    slot: int = 0
    work: str = "service"
    die_at: int = 0
    since: str = ""
    only: str = ""

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


class LeapingClock:
    """A morning that goes on from one process to the next, and leaps for all of them at once."""

    def __init__(self, setting: Setting) -> None:
        self._morning = datetime.fromisoformat(setting.morning)
        self._started = setting.started
        with Path(setting.leaps).open("rb") as file:
            self._leaps = mmap.mmap(file.fileno(), LEAP.size, access=mmap.ACCESS_READ)

    async def now(self) -> datetime:
        (leapt,) = LEAP.unpack_from(self._leaps)
        return self._morning + timedelta(seconds=time.time() - self._started + leapt)


class Steps:
    """Counts what is done, and lets the process die at the last step.

    A step is a statement, a commit, a connection given back, and each edge of a call to the platform.
    """

    def __init__(self, birth: Birth, tell: Callable[..., None]) -> None:
        self._left, self._since, self._only = birth.die_at, birth.since, birth.only
        self._tell = tell

    def take(self, place: str, given: Any = ()) -> None:
        if place == STORING and self._since in (given.values() if type(given) is dict else given):
            self._since = ""
        if self._since or (self._only and place != self._only):
            return
        self._left -= 1
        if self._left == 0:
            self._tell(at=place)
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, database: Database) -> None:
        engine = database.engine.sync_engine

        @event.listens_for(engine, "before_cursor_execute")
        def _statement(_c: Any, _cursor: Any, statement: str, given: Any, *_more: Any) -> None:
            # PostgreSQL writes to several tables in one statement; each is known by what it inserts into.
            made = re.search(r"INSERT INTO \w+", statement)
            verb, *words = (made[0] if made else statement).split()
            named = {"INSERT": words[1:2], "UPDATE": words[:1], "DELETE": words[1:2]}.get(verb, [])
            self.take(" ".join([verb, *(["INTO"] if verb == "INSERT" else []), *named]), given)

        @event.listens_for(engine, "commit")
        def _commit(_connection: Any) -> None:
            self.take("commit")

        @event.listens_for(engine, "checkin")
        def _given_back(*_: Any) -> None:
            self.take("given back")


class MortalChannel(TelegramChannel):
    """Telegram without a limit, whose calls are steps."""

    def __init__(self, api: str, steps: Steps) -> None:
        super().__init__(TOKEN, base_url=api, limits=PacingLimits())
        self._steps = steps

    async def send(self, message: OutgoingMessage) -> Receipt:
        self._steps.take("to be sent")
        receipt = await super().send(message)
        self._steps.take("sent")
        return receipt

    async def acknowledge(self, incoming: Incoming) -> None:
        self._steps.take("to be acknowledged")
        await super().acknowledge(incoming)
        self._steps.take("acknowledged")
