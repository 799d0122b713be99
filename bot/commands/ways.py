"""What `invite` and `people handover` say of where a code can be used.

Promises one form for both: for each messenger the link to open, and the words to send there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bot.config import Settings
from data.quota import Usage
from jobs.channel import Capabilities


def can_of(settings: Settings) -> Callable[[Usage], Capabilities | None]:
    """Return what tells what an account's channel can do, as it is set."""
    from bot.accounts import capabilities_of  # a messenger's library takes its time

    return lambda use: capabilities_of(settings, use.channel)


def print_ways(ways: Iterable[Mapping[str, Any]]) -> None:
    """Print a line for each way to use a code; see data.ways_in.WayIn."""
    for way in ways:
        if not way["private"]:
            print(f"{way['messenger']}: các bot đã đủ người. Hãy thêm bot (.env.example).")
        elif way["send"]:
            print(f"{way['messenger']}: mở {way['private']} rồi gửi: {way['send']}")
        else:
            print(f"{way['messenger']} ({way['bot']}): mở {way['private']}")
            if way["group"]:
                print(f"{way['messenger']} ({way['bot']}), thêm vào nhóm: {way['group']}")
