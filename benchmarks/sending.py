"""The full path of a message against the bare library: claimed, worded, sent, recorded; and bursts.

Each round sends so many by python-telegram-bot alone and as many, of the same words and buttons, by the
outbox on SQLite and on PostgreSQL, one after the other: a machine that is busy for a while is so for all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import SecretStr
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.request import HTTPXRequest

from benchmarks.places import (
    POSTGRESQL,
    SQLITE,
    TOP,
    Morning,
    chats,
    places,
    remind,
    sender,
    with_registry,
)
from benchmarks.stub import stub
from benchmarks.table import Row, Sizes
from bot import logs
from bot.channels.pacing import Limits
from bot.channels.telegram import TelegramChannel
from bot.config import Settings
from data.registry import Registry
from jobs.channel import OutgoingMessage, Receipt
from jobs.delivery import Delivery
from tests.botapi import TOKEN

AIM_RATIO, AIM_BEYOND_MS = 0.6, 1.0
HEALTHCHECKS = {SQLITE: 57, POSTGRESQL: 85}  # messages a second, where they were measured


class Spent:
    """Messages, wall seconds and this process's processor seconds of one round."""

    def __init__(self, count: int, wall: float, busy: float) -> None:
        self.a_second = count / wall
        self.busy_ms = busy / count * 1000


class Overhearing(TelegramChannel):
    """Telegram, and what was given to it: so that the bare library sends the same."""

    def __init__(self, url: str) -> None:
        super().__init__(TOKEN, base_url=url, limits=Limits())
        self.heard: list[OutgoingMessage] = []

    async def send(self, message: OutgoingMessage) -> Receipt:
        self.heard.append(message)
        return await super().send(message)


async def bare(url: str, messages: Sequence[OutgoingMessage], in_flight: int) -> Spent:
    """Send by the library alone, so many in flight."""
    bot = Bot(TOKEN, base_url=f"{url}/bot", request=HTTPXRequest(connection_pool_size=8))
    await bot.initialize()
    waiting = iter(messages)

    async def work() -> None:
        for one in waiting:
            rows = [
                [InlineKeyboardButton(b.label, callback_data=b.action) for b in row]
                for row in one.buttons
            ]
            await bot.send_message(
                int(one.address),
                one.text,
                parse_mode="HTML",
                reply_markup=InlineKeyboardMarkup(rows),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )

    wall, busy = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    spent = Spent(len(messages), time.perf_counter() - wall, time.process_time() - busy)
    await bot.shutdown()
    return spent


async def ours(delivery: Delivery, count: int) -> Spent:
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
    with tempfile.TemporaryDirectory() as folder, logged(Path(folder) / "log"):
        async with places(Path(folder), "sending") as found, stub() as api:
            channel = Overhearing(api.url)
            await channel.open()
            chats_of, deliveries = {}, {}
            for name, database in found.items():
                await with_registry(database, registry)
                account, _ = chats_of[name] = await chats(database, sizes.sent_a_round)
                deliveries[name] = sender(database, registry, account, channel, Morning())
            for turn in range(sizes.rounds + 1):
                for name, database in found.items():
                    channel.heard.clear()
                    await remind(database, registry, *chats_of[name])
                    rounds[name].append(await ours(deliveries[name], sizes.sent_a_round))
                    if turn == 0:  # the first compile templates and statements
                        rounds[name].clear()
                if turn:
                    rounds["bare"].append(
                        await bare(api.url, channel.heard, channel.capabilities.in_flight)
                    )
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
    peer = HEALTHCHECKS[name]
    return [
        Row(f"full path on {name}", f"≥ {AIM_RATIO} of bare", rate, "messages/s",
            ratio >= AIM_RATIO, bare_rate, ratio, "bare library"),
        Row(f"full path on {name} beside Healthchecks", "≥ 10 times", rate, "messages/s",
            rate >= 10 * peer, peer, rate / peer, "Healthchecks"),
        Row(f"processor time a message beyond the bare library, {name}", f"≤ {AIM_BEYOND_MS:g} ms",
            busy - bare_busy, "ms", busy - bare_busy <= AIM_BEYOND_MS, bare_busy, None, "bare library"),
    ]  # fmt: skip


def _median(rounds: list[Spent], what: str) -> float:
    return statistics.median(getattr(one, what) for one in rounds)


@contextlib.contextmanager
def logged(path: Path) -> Iterator[None]:
    """Write the log as the service does, into a file."""
    with path.open("w", encoding="utf-8") as file:
        with contextlib.redirect_stderr(file):
            logs.configure(Settings(telegram_token=SecretStr(TOKEN)))
        try:
            yield
        finally:
            logging.getLogger().handlers.clear()
