"""The bare library in a process of its own: `async with bare(url) as send`, then `await send(messages)`.

Promises python-telegram-bot as it is installed, with nothing of ours beside it: the same messages, as many in
flight, the same stub. Imports nothing of the program, for what a process holds costs it time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.request import HTTPXRequest

TOKEN = "4242:a-token-of-the-benchmarks"


@dataclass(frozen=True, slots=True)
class Spent:
    """What a round took a process: wall seconds, processor seconds."""

    count: int
    wall: float
    busy: float

    @property
    def a_second(self) -> float:
        return self.count / self.wall

    @property
    def busy_ms(self) -> float:
        return self.busy / self.count * 1000


Send = Callable[[Sequence[Any]], Awaitable[Spent]]


@contextlib.asynccontextmanager
async def bare(url: str, *, in_flight: int) -> AsyncIterator[Send]:
    """Run the process for as long as the block lasts; messages: address, text, buttons."""
    command = [sys.executable, "-m", "benchmarks.bare", url, str(in_flight)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    to, back = process.stdin, process.stdout

    async def send(messages: Sequence[Any]) -> Spent:
        given = [
            (one.address, one.text, [[(b.label, b.action) for b in row] for row in one.buttons])
            for one in messages
        ]
        to.write(json.dumps(given).encode() + b"\n")
        await to.drain()
        return Spent(*json.loads(await back.readline()))

    try:
        yield send
    finally:
        to.close()
        await process.wait()


async def _round(bot: Bot, messages: list[Any], in_flight: int) -> list[float]:
    waiting = iter(messages)

    async def work() -> None:
        for address, text, buttons in waiting:
            rows = [
                [InlineKeyboardButton(label, callback_data=key) for label, key in row]
                for row in buttons
            ]
            await bot.send_message(
                int(address),
                text,
                parse_mode="HTML",
                reply_markup=InlineKeyboardMarkup(rows),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )

    wall, busy = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return [len(messages), time.perf_counter() - wall, time.process_time() - busy]


async def _main(url: str, in_flight: int) -> None:
    request = HTTPXRequest(connection_pool_size=8)
    async with Bot(TOKEN, base_url=f"{url}/bot", request=request) as bot:
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await _round(bot, json.loads(line), in_flight)), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
