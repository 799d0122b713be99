"""What `nhacviec doctor` looks at: small functions, each of which returns what it found.

Promises that every finding that is not good says what to do. Nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from bot.config import Settings
from data.registry.workdays import Workdays

FindingLevel = Literal["ok", "warn", "bad"]
PLATFORMS = {"telegram": "Telegram", "zalo_bot": "Zalo"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: how bad it is, what it is about, what was found, what to do."""

    level: FindingLevel
    about: str
    found: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """What the platform of one account that is set said.

    fault: why it could not be asked: refused, unreachable ("": it could). url: where it sends updates to,
    None where it did not tell; wanted: where it should ("": it is polled). trouble: what the platform
    says went wrong when it last posted there; waiting: updates that wait at the platform.
    """

    kind: str
    name: str
    title: str | None
    wanted: str
    fault: Literal["", "refused", "unreachable"] = ""
    detail: str = ""
    url: str | None = None
    waiting: int = 0
    trouble: str = ""
    trouble_at: datetime | None = None

    @property
    def label(self) -> str:
        """What the account is called in the report: "@nhacviec_bot (Telegram)"."""
        return f"{self.title or self.name} ({PLATFORMS.get(self.kind, self.kind)})"


@dataclass(frozen=True, slots=True)
class ClockSkew:
    """How far this machine's clock is from a server's; None where that server gave no date."""

    server: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What is examined: the settings, at an instant, with what the platforms said.

    file: the database's, None for a database server.
    """

    settings: Settings
    now: datetime
    workdays: Workdays
    file: Path | None
    answers: Sequence[PlatformAnswer]
    skews: Sequence[ClockSkew]
