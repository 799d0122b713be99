"""A finding: one line that an administrator reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.channels import MESSENGERS

FindingLevel = Literal["ok", "warn", "bad"]


def messenger_title(kind: str) -> str:
    """Return the name of a kind's messenger for people."""
    return MESSENGERS[kind].title if kind in MESSENGERS else kind


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: level, subject, what was found, what to do; bad: a person must mend it."""

    level: FindingLevel
    about: str
    found: str
    todo: str = ""
