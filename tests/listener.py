"""A listening process for the tests to kill: `python -m tests.listener DATABASE API ACCOUNT HOW`.

Does with what comes in what `nhacviec run` does, up to a point: "fetch" polls and stores, and handles
nothing; "stall" takes one webhook body from its standard input, stores it, and handles it up to where
the effect would be committed. Says so on its standard output and waits.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.telegram import TelegramChannel
from bot.conversation.router import Router
from bot.registry import LoadedRegistry
from data.clock import SystemClock
from data.database import Database
from jobs.channel import Answer, Incoming
from jobs.fetching import poll
from jobs.inbox import Inbox, receive
from tests.botapi import TOKEN


def say(words: str) -> None:
    print(words, flush=True)


async def fetch(database: Database, channel: TelegramChannel, account_id: int) -> None:
    async def ours() -> bool:
        return True

    clock = SystemClock()
    await poll(database, channel, account_id, clock, stored=lambda: say("stored"), ours=ours)


async def stall(database: Database, channel: TelegramChannel, account_id: int) -> None:
    registry = await LoadedRegistry.of(database)
    assert registry is not None
    router = Router(registry)

    async def handle(connection: AsyncConnection, incoming: Incoming, **more: Any) -> list[Answer]:
        answers = await router.handle(connection, incoming, **more)
        say(f"handled with {len(answers)} answers")
        await asyncio.Event().wait()
        return answers

    clock = SystemClock()
    now: datetime = await clock.now()
    body = sys.stdin.readline().encode()
    await receive(database, channel, account_id, body, now=now)
    await Inbox(database, {account_id: channel}, handle, clock).handle_pending()


async def main() -> None:
    database_url, api_url, account_id, how = sys.argv[1:]
    channel = TelegramChannel(TOKEN, base_url=api_url)
    work = {"fetch": fetch, "stall": stall}[how]
    await work(Database(database_url), channel, int(account_id))


if __name__ == "__main__":
    asyncio.run(main())
