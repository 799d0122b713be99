"""A sending process for the tests to kill: `python -m tests.broadcaster DATABASE API STARTED`.

Loads everything once, then forks a child for each line on its standard input, prints the child's
number, and how it ended when it has. The child does what `nhacviec run` does with the outbox.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import datetime, timedelta

from bot.channels.pacing import Limits
from bot.channels.telegram import TelegramChannel
from data.database import Database
from tests.botapi import TOKEN
from tests.outgoing import MORNING, account, sender


class RunningClock:
    """A morning that goes on from one process to the next; `started`: when it was half past seven."""

    def __init__(self, started: float) -> None:
        self._started = started

    async def now(self) -> datetime:
        return MORNING + timedelta(seconds=time.time() - self._started)


async def send(database_url: str, api_url: str, started: float) -> None:
    database = Database(database_url)
    channel = TelegramChannel(TOKEN, base_url=api_url, limits=Limits())
    await channel.open()
    account_id = await account(database)
    delivery = sender(database, {account_id: channel}, clock=RunningClock(started))
    await delivery.run_until_idle()
    await channel.close()
    await database.dispose()


def main() -> None:
    database_url, api_url, started = sys.argv[1:]
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(send(database_url, api_url, float(started)))
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
