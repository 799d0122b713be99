"""A platform that misbehaves in the middle of a broadcast: nothing lost, repeats few and marked, others go on.

Every chat may be given faults of its own by a seed: 429, 500, what is not the platform, no answer, an
answer that comes too late, one that is dropped after the message was taken. What must become of each
message follows from its chat's faults alone.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.zalo.channel import ZaloBotChannel
from data.clock import SteppedClock
from data.db.database import Database
from data.models import Delivery, Message
from tests.support.outbox_rows import MORNING, account, broadcast, chats, sender
from tests.support.small_service import RunningClock
from tests.support.telegram_server import TOKEN, BotApi
from tests.support.zalo_server import TOKENS, ZaloApi

CHATS = 100
FIRST = 1_000_000  # the address of the first chat
PATIENCE = 0.4  # seconds that an answer is waited for
AGAIN = " (gửi lại)"
# What the platform does where we cannot know the outcome, and whether the message then stands there.
TELEGRAM = {"lost": True, "too_late": True, "hang": False, "dropped": False, "garbage": False}
ZALO = {"lost": True, "timed_out": True, "hang": False, "dropped": False, "garbage": False}
REFUSED = ("rate_limited", "server_error", "portal")
WAITS = {"rate_limited": 1.0, "late": PATIENCE / 4, "too_late": PATIENCE * 2}
LONGEST = 90  # seconds, for a busy machine; idle it takes a tenth

Faults = Mapping[int, Sequence[str]]  # by chat


def chosen(seed: int, kinds: Sequence[str]) -> Faults:
    """Give a third of the chats one fault, some of them two or three in a row."""
    chance = random.Random(seed)
    return {
        number: [chance.choice(kinds) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
        for number in range(CHATS)
        if chance.random() < 0.35
    }


def tell(api: BotApi | ZaloApi, faults: Faults) -> None:
    for number, kinds in faults.items():
        for kind in kinds:
            seconds = WAITS.get(kind, 0.0)
            api.misbehave(kind.removeprefix("too_"), chat=FIRST + number, seconds=seconds)


async def states(database: Database) -> dict[str, str]:
    """Return each message's state, by its words."""
    async with database.read() as connection:
        rows = await connection.execute(select(Message.context, Message.state))
        return {row.context["text"]: row.state for row in rows}


async def waiting(database: Database) -> int:
    async with database.read() as connection:
        unsettled = Message.state.in_(("pending", "claimed"))
        return await connection.scalar(select(func.count()).where(unsettled)) or 0


async def attempts(database: Database) -> dict[str, list[str]]:
    """Return how each message's attempts ended, by its words."""
    found: dict[str, list[str]] = defaultdict(list)
    query = select(Message.context, Delivery.outcome).join(
        Message, Message.id == Delivery.message_id
    )
    async with database.read() as connection:
        for row in await connection.execute(query.order_by(Delivery.id)):
            found[row.context["text"]].append(row.outcome)
    return found


@pytest.mark.slow
async def test_on_telegram_a_broadcast_of_100_through_every_fault_loses_nothing(
    database: Database,
) -> None:
    account_id = await account(database)
    await broadcast(database, account_id, await chats(database, account_id, CHATS))
    faults = chosen(7, [*TELEGRAM, *REFUSED, "late"])
    async with BotApi() as api:
        tell(api, faults)
        channel = TelegramChannel(
            TOKEN, base_url=api.url, limits=PacingLimits(), answer_seconds=PATIENCE
        )
        await channel.open()
        began, loop_began = time.time(), asyncio.get_running_loop().time()
        delivery = sender(database, {account_id: channel}, clock=RunningClock(began))
        running = asyncio.create_task(delivery.run())
        async with asyncio.timeout(LONGEST):
            while await waiting(database):
                await asyncio.sleep(0.05)
        took = time.time() - began
        delivery.stop()
        await running
        await asyncio.sleep(PATIENCE * 2)  # what the platform takes too late
        await channel.close()
        arrived: dict[int, list[str]] = {number: [] for number in range(CHATS)}
        for taken in api.messages:
            arrived[taken.chat - FIRST].append(taken.text)
        unharmed = max(
            taken.at - loop_began for taken in api.messages if taken.chat - FIRST not in faults
        )
    found, tried = await states(database), await attempts(database)
    lost = 0
    for number, texts in arrived.items():
        words = f"tin {number}"
        unknown = tried[words].count("unknown")
        told = (number, faults.get(number), texts, tried[words])
        assert found[words] == ("uncertain" if unknown == 3 else "sent"), told
        assert tried[words].count("sent") == (unknown < 3), told
        lost += not texts and found[words] != "uncertain"
        assert len(texts) <= 1 + min(unknown, 2), told  # each repeat has its reason
        assert sum(not text.endswith(AGAIN) for text in texts) <= 1, told  # and says so
    repeats = len(api.messages) - sum(bool(texts) for texts in arrived.values())
    one_by_one = sum(WAITS.get(kind, PATIENCE) for kinds in faults.values() for kind in kinds)
    print(
        f"telegram: chats {CHATS}, faults {sum(map(len, faults.values()))}, lost {lost},"
        f" repeats {repeats}, {dict(Counter(found.values()))}, {took:.1f} s, those without a fault"
        f" within {unharmed:.1f} s; the faults one after another take {one_by_one:.0f} s"
    )
    assert lost == 0
    assert unharmed < one_by_one


@pytest.mark.slow
async def test_on_zalo_a_broadcast_of_100_through_every_fault_repeats_nothing(
    database: Database,
) -> None:
    account_id = await account(database, "zalo_bot", "7001")
    await broadcast(database, account_id, await chats(database, account_id, CHATS))
    faults = chosen(3, [*ZALO, *REFUSED])
    clock = SteppedClock(MORNING)
    async with ZaloApi() as api:
        tell(api, faults)
        channel = ZaloBotChannel(
            TOKENS[0], base_url=api.url, limits=PacingLimits(), answer_seconds=PATIENCE
        )
        await channel.open()
        delivery = sender(database, {account_id: channel}, clock=clock)
        async with asyncio.timeout(LONGEST):
            while await waiting(database):
                await delivery.run_until_idle()
                clock.move_to(await clock.now() + timedelta(seconds=20))
        took = await clock.now() - MORNING
        await channel.close()
        arrived = Counter(int(taken.chat) - FIRST for taken in api.messages)
    found, tried = await states(database), await attempts(database)
    lost = 0
    for number in range(CHATS):
        words = f"tin {number}"
        told = (number, faults.get(number), arrived[number], tried[words])
        assert tried[words][-1] in ("sent", "unknown"), told
        assert found[words] == {"sent": "sent", "unknown": "uncertain"}[tried[words][-1]], told
        assert tried[words].count("unknown") + tried[words].count("sent") == 1, told
        assert arrived[number] <= 1, told
        lost += arrived[number] == 0 and found[words] == "sent"
    print(
        f"zalo: chats {CHATS}, faults {sum(map(len, faults.values()))}, lost {lost}, repeats 0,"
        f" {dict(Counter(found.values()))}, {took.total_seconds() / 60:.0f} minutes by the clock"
    )
    assert lost == 0
    assert took < timedelta(hours=3)
