"""The full path of a message against the bare library: claimed, worded, sent, recorded; and bursts.

Each round sends so many by python-telegram-bot alone and as many, of the same words and buttons, by the
outbox on SQLite and on PostgreSQL, one after the other: a machine that is busy for a while is so for all.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr

from benchmarks.bare import Spent, bare
from benchmarks.places import (
    POSTGRESQL,
    SQLITE,
    TOP,
    Morning,
    chats,
    known_to_planner,
    places,
    remind,
    sender,
    with_registry,
)
from benchmarks.stub import stub
from benchmarks.table import Row, Sizes
from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from bot.config import Settings
from bot.service import logs
from data.registry.registry import Registry
from jobs.channel import OutgoingMessage, Receipt
from jobs.delivery.dispatcher import Dispatcher
from tests.support.telegram_server import TOKEN

AIM_RATIO, AIM_BEYOND_MS = 0.6, 1.0
BARE_WHERE_AIMS_WERE_SET = 1_400  # messages a second of the bare library on that machine


class Overhearing(TelegramChannel):
    """Telegram, and what was given to it: so that the bare library sends the same."""

    def __init__(self, url: str) -> None:
        super().__init__(TOKEN, base_url=url, limits=PacingLimits())
        self.heard: list[OutgoingMessage] = []

    async def send(self, message: OutgoingMessage) -> Receipt:
        self.heard.append(message)
        return await super().send(message)


async def ours(delivery: Dispatcher, count: int) -> Spent:
    """Send what waits in the outbox."""
    wall, busy = time.perf_counter(), time.process_time()
    counts = await delivery.run_until_idle()
    spent = Spent(count, time.perf_counter() - wall, time.process_time() - busy)
    assert counts == {"sent": count}, counts
    return spent


async def full_path(sizes: Sizes) -> list[Row]:
    """Measure the full path on both databases beside the bare library."""
    registry = Registry.from_folder(TOP / "data")
    rounds: dict[str, list[Spent]] = {"bare": [], SQLITE: [], POSTGRESQL: []}
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(logged(folder / "log"))
        found = await stack.enter_async_context(places(folder, "sending"))
        api = await stack.enter_async_context(stub())
        channel = Overhearing(api.url)
        await channel.open()
        alone = await stack.enter_async_context(
            bare(api.url, in_flight=channel.capabilities.in_flight)
        )
        chats_of, deliveries = {}, {}
        for name, database in found.items():
            await with_registry(database, registry)
            account, _ = chats_of[name] = await chats(database, sizes.sent_a_round)
            deliveries[name] = sender(database, registry, account, channel, Morning())
        gc.collect()
        gc.freeze()  # as `nhacviec run` does when it has started
        stack.callback(gc.unfreeze)
        for turn in range(sizes.rounds + 1):
            spent = {}
            for name, database in found.items():
                channel.heard.clear()
                await remind(database, registry, *chats_of[name])
                spent[name] = await ours(deliveries[name], sizes.sent_a_round)
            spent["bare"] = await alone(channel.heard)
            if turn:
                for name, one in spent.items():
                    rounds[name].append(one)
                continue
            for database in found.values():  # the first compiled templates and statements
                await known_to_planner(database)
        await channel.close()
    return [
        row for name in (SQLITE, POSTGRESQL) for row in _rows(name, rounds[name], rounds["bare"])
    ]


def _rows(name: str, mine: list[Spent], alone: list[Spent]) -> list[Row]:
    rate, bare_rate = _median(mine, "a_second"), _median(alone, "a_second")
    # each round beside the bare one that followed it
    ratio = statistics.median(
        one.a_second / its.a_second for one, its in zip(mine, alone, strict=True)
    )
    busy, bare_busy = _median(mine, "busy_ms"), _median(alone, "busy_ms")
    return [
        Row(f"full path on {name}", f"≥ {AIM_RATIO} of bare", rate, "messages/s",
            ratio >= AIM_RATIO, bare_rate, ratio, "bare library"),
        Row(f"processor time a message beyond the bare library, {name}", f"≤ {AIM_BEYOND_MS:g} ms",
            busy - bare_busy, "ms", busy - bare_busy <= AIM_BEYOND_MS, bare_busy, (busy - bare_busy) / bare_busy,
            "bare library, ms", AIM_BEYOND_MS * BARE_WHERE_AIMS_WERE_SET / 1000),
    ]  # fmt: skip


def _median(rounds: list[Spent], what: str) -> float:
    return statistics.median(getattr(one, what) for one in rounds)


@contextlib.contextmanager
def logged(path: Path) -> Iterator[None]:
    """Write the log as the service does, into a file."""
    with path.open("w", encoding="utf-8") as file:
        with contextlib.redirect_stderr(file):
            logs.configure_logging(Settings(telegram_token=SecretStr(TOKEN)))
        try:
            yield
        finally:
            logging.getLogger().handlers.clear()
