"""The input of the doctor's checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from bot.channels.messenger import WebhookState
from bot.config import Settings
from bot.health.finding import messenger_title
from data.registry.workdays import Workdays


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """The answer of one account's platform.

    wanted: where it should send updates ("": it is polled). webhook: where it does; None where it could not
    be asked, because of `fault`.
    """

    kind: str
    name: str
    title: str | None
    wanted: str
    fault: Literal["", "refused", "unreachable"] = ""
    detail: str = ""
    webhook: WebhookState | None = None

    @property
    def label(self) -> str:
        """The account's name in the report: "@nhacviec_bot (Telegram)"."""
        return f"{self.title or self.name} ({messenger_title(self.kind)})"


@dataclass(frozen=True, slots=True)
class ClockSkew:
    """The seconds by which this machine's clock is ahead of a server's; None: the server gave no date."""

    server: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class CheckContext:
    """The input of every check; file: the database's, None for a database server."""

    settings: Settings
    now: datetime
    workdays: Workdays
    file: Path | None
    answers: Sequence[PlatformAnswer]
    skews: Sequence[ClockSkew]
