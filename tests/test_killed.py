"""Killed without warning, many times, in the middle of a broadcast: nothing lost, little repeated."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import Awaitable
from typing import Any

import pytest
from sqlalchemy import func, select

from data.database import Database
from data.models import Delivery, Message
from tests.botapi import BotApi
from tests.outgoing import account, broadcast, chats

IN_FLIGHT = 3
MESSAGES, KILLS = 400, 40


class Broadcaster:
    """The process that forks what is killed; see tests.broadcaster."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout

    @classmethod
    async def started(cls, database: Database, api: BotApi) -> Broadcaster:
        url = database.url.render_as_string(hide_password=False)
        arguments = ("-m", "tests.broadcaster", url, api.url, str(time.time()))
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, *arguments, stdin=PIPE, stdout=PIPE
            )
        )

    async def spawn(self) -> int:
        self._stdin.write(b"\n")
        await self._stdin.drain()
        return int(await self._stdout.readline())

    async def ended(self) -> int:
        return int(await self._stdout.readline())

    async def close(self) -> None:
        self._stdin.close()
        await self._process.wait()


async def at_least(api: BotApi, count: int, ended: Awaitable[int]) -> None:
    """Wait until so many messages were taken, or the process has ended by itself."""
    while len(api.messages) < count and not ended.done():  # type: ignore[attr-defined]
        await asyncio.sleep(0.001)


async def kill_while_sending(database: Database, api: BotApi, *, kills: int, seed: int) -> int:
    """Kill the sender at random points until it was killed often enough; then let it finish."""
    chance = random.Random(seed)
    broadcaster = await Broadcaster.started(database, api)
    killed = 0
    while True:
        child = await broadcaster.spawn()
        ended = asyncio.ensure_future(broadcaster.ended())
        if killed == kills:
            assert await ended == 0
            break
        await at_least(api, len(api.messages) + chance.randint(1, 8), ended)
        await asyncio.sleep(chance.random() * 0.02)
        if not ended.done():
            os.kill(child, signal.SIGKILL)
        status = await ended
        if status == 0:
            break  # all was sent before
        assert status == -signal.SIGKILL
        killed += 1
    await broadcaster.close()
    return killed


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_broadcast_that_is_killed_again_and_again_loses_nothing(
    database: Database, seed: int
) -> None:
    account_id = await account(database)
    await broadcast(database, account_id, await chats(database, account_id, MESSAGES))
    async with BotApi() as api:
        killed = await kill_while_sending(database, api, kills=KILLS, seed=seed)
        taken = Counter(text.removesuffix(" (gửi lại)") for text in api.texts())
        unmarked = Counter(text for text in api.texts() if not text.endswith("(gửi lại)"))
    figures = await figures_of(database)
    repeats = sum(taken.values()) - len(taken)
    print(f"kills {killed}, repeats {repeats}, {repeats / killed:.2f} a kill, {figures}")
    assert killed == KILLS
    assert set(taken) == {f"tin {number}" for number in range(MESSAGES)}
    assert figures.keys() <= {"sent", "uncertain"}
    assert repeats <= killed * IN_FLIGHT
    assert max(taken.values()) <= 3
    assert max(unmarked.values()) == 1  # whatever came again says so


async def figures_of(database: Database) -> dict[str, Any]:
    async with database.read() as connection:
        rows = await connection.execute(select(Message.state, func.count()).group_by(Message.state))
        figures = {row[0]: row[1] for row in rows}
        attempts = await connection.scalar(select(func.count()).select_from(Delivery))
    assert attempts is not None
    assert attempts >= sum(figures.values())
    return figures
