"""Killed without warning, 200 times, in the middle of a broadcast of 2,000: nothing lost, little repeated."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
from sqlalchemy import func, select

from data.accounts.leases import LEASE_SECONDS
from data.db.database import Database
from data.models import Account, Chat, InboxEvent, Message, StatusReply
from tests.support.kill_setup import (
    PATIENCE,
    Mortal,
    Mortals,
    Platform,
    copies,
    leap,
    mortals,
    press,
    setting_for,
)
from tests.support.prepared_databases import FIRST_ASKER, FIRST_READER, Prepared, theirs
from tests.support.start_steps import Birth
from tests.support.telegram_server import BotApi

pytestmark = pytest.mark.slow

MESSAGES, KILLS, UPDATES = 2000, 200, 40
MOST_A_KILL, MOST_OF_ONE = 3.0, 3


def runs() -> Iterator[Any]:
    """Yield every set-up with three seeds; one seed of each runs always, the others with `-m long`."""
    set_ups = product(("sqlite", "postgres"), (1, 3), ("poll", "webhook"))
    for number, set_up in enumerate(set_ups):
        for seed in (1, 2, 3):
            always = seed == number % 3 + 1
            yield pytest.param(*set_up, seed, marks=() if always else pytest.mark.long)


@dataclass
class Broadcast:
    """A broadcast under way, and what its processes go through."""

    database: Database
    api: BotApi
    processes: Mortals
    platform: Platform
    chance: random.Random
    living: list[Mortal]
    killed: int = 0
    owners_killed: int = 0
    in_turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def until_more(self, wanted: int) -> None:
        """Wait until so many more messages were taken, and an instant more; none: it may still be starting."""
        wanted += len(self.api.messages)
        async with asyncio.timeout(PATIENCE):
            while len(self.api.messages) < wanted:
                assert not any(one.ended.done() for one in self.living)
                await asyncio.sleep(0.001)
        await asyncio.sleep(self.chance.random() * 0.01)

    async def kill_one(self) -> None:
        """Kill one of the processes and start it anew, after as long as the owner's lease lasts."""
        slot = self.chance.randrange(len(self.living))
        victim = self.living[slot]
        async with self.database.read() as connection:
            owner = await connection.scalar(select(Account.owner))
        assert not victim.ended.done()
        os.kill(victim.pid, signal.SIGKILL)
        assert await victim.ended == -signal.SIGKILL
        self.killed += 1
        if victim.name.done() and victim.name.result() == owner:
            self.owners_killed += 1
            leap(self.platform.setting, LEASE_SECONDS)  # whoever looks first takes over
        self.living[slot] = await self.processes.spawn(Birth(slot))

    async def unsent(self) -> int:
        """Return how many messages are still to be sent."""
        async with self.database.read() as connection:
            messages = await connection.scalar(
                select(func.count()).where(Message.state.in_(("pending", "claimed")))
            )
        return messages or 0

    async def unhandled(self) -> int:
        """Return how many updates are still to be handled, those that were not stored yet as well."""
        async with self.database.read() as connection:
            handled = await connection.scalar(
                select(func.count()).where(InboxEvent.state == "done")
            )
        return UPDATES - (handled or 0)

    async def ask(self, asker: int, obligation_id: int) -> None:
        """Bring an update and wait until it was handled, one after the other."""
        mine = InboxEvent.address == str(FIRST_ASKER + asker)
        async with self.in_turn:
            await self.platform.bring(press(asker, obligation_id))
            async with asyncio.timeout(PATIENCE):
                while True:
                    async with self.database.read() as connection:
                        found = select(InboxEvent.state).where(mine)
                        if await connection.scalar(found) == "done":
                            return
                    await asyncio.sleep(0.05)

    async def ended(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while await self.unhandled() or await self.unsent():
                await asyncio.sleep(0.1)
        for one in self.living:
            os.kill(one.pid, signal.SIGTERM)
        for one in self.living:
            assert await one.ended == 0


@pytest.mark.parametrize(("kind", "processes", "by", "seed"), list(runs()))
async def test_a_broadcast_that_is_killed_again_and_again_loses_nothing(
    prepared: Prepared, kind: str, processes: int, by: str, seed: int
) -> None:
    began, chance = time.monotonic(), random.Random(seed)
    database = await prepared.copy(kind, readers=MESSAGES, askers=UPDATES)
    obligation_id = await theirs(database)
    async with BotApi() as api:
        webhook = by == "webhook"
        setting = setting_for(database, api, webhook=webhook, lives=20)
        async with mortals(setting) as forks:
            await forks.ready
            living = [await forks.spawn(Birth(slot)) for slot in range(processes)]
            platform = Platform(api, setting, processes, chance)
            run = Broadcast(database, api, forks, platform, chance, living)
            bringing: list[asyncio.Task[None]] = []
            before = Counter(chance.choices(range(KILLS), k=UPDATES))
            for kill in range(KILLS):
                for _ in range(before[kill]):
                    asking = run.ask(len(bringing), obligation_id)
                    bringing.append(asyncio.create_task(asking))
                await run.until_more(chance.randint(0, 6))
                await run.kill_one()
            unsent = await run.unsent()
            await asyncio.gather(*bringing)
            await run.ended()
            await platform.client.aclose()
        seen: dict[int, list[str]] = {}
        for taken in api.messages:
            seen.setdefault(taken.chat, []).append(taken.text)
    reminded = {chat: copies(t) for chat, t in seen.items() if chat < FIRST_ASKER}
    answered = {chat: copies(t) for chat, t in seen.items() if chat >= FIRST_ASKER}
    repeats = sum(count for count, _ in reminded.values()) - len(reminded)
    most = max(count for count, _ in reminded.values())
    async with database.read() as connection:
        of_readers = select(Message.state).join(Chat, Chat.id == Message.chat_id)
        of_readers = of_readers.where(Chat.address < str(FIRST_ASKER))
        states = Counter((await connection.scalars(of_readers)).all())
        parked = select(Chat.address).join(Message, Message.chat_id == Chat.id)
        shown = set(map(int, await connection.scalars(parked.where(Message.state == "uncertain"))))
        known = shown | reminded.keys() | answered.keys()  # it arrived, or is shown
        said = Counter((await connection.scalars(select(StatusReply.event_id))).all())
        events = Counter((await connection.scalars(select(InboxEvent.state))).all())
        owners = await connection.scalar(select(func.max(Account.epoch)))
    await database.dispose()
    lost = MESSAGES + UPDATES - len(known)
    print(
        f"{kind}, {processes} process(es), {by}, seed {seed}: kills {run.killed} (of the owner"
        f" {run.owners_killed}), lost {lost},"
        f" repeats {repeats} ({repeats / KILLS:.2f} a kill), most of one {most},"
        f" uncertain {len(shown)} (arrived {len(shown & (reminded.keys() | answered.keys()))}), owners {owners}, updates {sum(events.values())} handled once,"
        f" posts {platform.tries}, {time.monotonic() - began:.0f} s"
    )
    assert unsent > 0  # the last kill, too, was in the middle of it
    assert lost == 0
    assert repeats <= MOST_A_KILL * KILLS
    assert most <= MOST_OF_ONE
    assert max(unmarked for _, unmarked in reminded.values()) == 1  # whatever came again says so
    assert states.keys() <= {"sent", "uncertain"}
    assert events == {"done": UPDATES}
    assert len(said) == UPDATES
    assert set(said.values()) == {1}
    assert max(unmarked for _, unmarked in answered.values()) == 1
    assert max(count for count, _ in answered.values()) <= MOST_OF_ONE
    assert min(reminded) == FIRST_READER
