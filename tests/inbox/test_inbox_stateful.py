"""The inbox under two processes whose transactions come in any order, with deaths in between: its guarantees.

Each update says how often its handling fails. Who goes next at each transaction is the machine's choice;
a process dies before, in the middle of or after any of them. How to search for longer: tests/support/stateful.py.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.local import LocalChannel
from data.clock import SteppedClock
from data.db.database import Database
from data.inbox import MOST_ATTEMPTS
from data.models import Account, Chat, InboxEvent, Message, Meta
from jobs.channel import Answer, Incoming
from jobs.inbox.intake import poll_updates, store_updates
from jobs.inbox.worker import Inbox
from tests.support.gated_database import Gate, Gated
from tests.support.incoming_updates import ADDRESSES, PROCESSES, TEXTS, Platform, Sent, seat
from tests.support.outbox_rows import MORNING
from tests.support.stateful import Machine, ground_on, run

pytestmark = pytest.mark.slow
ACTS = st.sampled_from(
    [
        *["go on"] * 9,
        *["hook", "start both"] * 3,
        *["the platform takes", "ask", "start"] * 2,
        "kill",
    ]
)


async def _ours() -> bool:
    return True


class Incomings(Machine):
    """Two processes, two accounts with two chats each; the first account is polled."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()
        for process, database in zip(PROCESSES, self.ground.databases[1:], strict=True):
            assert isinstance(database, Gated)
            database.gate, database.process = self.gate, process
        self.platform = Platform()
        self.clock = SteppedClock(MORNING)
        self.running: dict[int, asyncio.Task[int]] = {}
        self.polled: list[Sent] = []
        self.stored: dict[tuple[int, str], Sent] = {}
        self.failures: Counter[tuple[int, str]] = Counter()
        self.serial = 0

    async def handle(
        self,
        connection: AsyncConnection,
        incoming: Incoming,
        *,
        event_id: int,
        now: datetime,
        process: int,
    ) -> list[Answer]:
        """Write the effect down, halt in the middle, and fail as often as the update says."""
        self.serial += 1
        key = (incoming.account_id, incoming.update_id)
        words = json.dumps([*key, event_id])
        await connection.execute(insert(Meta).values(key=f"{self.serial:09}", value=words))
        await self.gate.middle(process)
        if self.failures[key] < self.stored[key].fails:
            self.failures[key] += 1
            raise RuntimeError("a fault of ours")
        return [Answer("words", {"text": incoming.update_id})]

    @rule(
        act=ACTS,
        process=st.sampled_from(PROCESSES),
        address=st.sampled_from(ADDRESSES),
        text=st.sampled_from(TEXTS),
        nths=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    )
    def step(self, act: str, process: int, address: str, text: str, nths: list[int]) -> None:
        """One rule and not many, for a machine leaves some of its rules out in each run."""
        match act:
            case "go on":
                self.go_on(nths)
            case "start":
                self.start(process)
            case "start both":
                self.start(0)
                self.start(1)
            case "kill":
                self.kill(process)
            case "the platform takes":
                self.the_platform_takes(address, text, times=1 + nths[0] % 2)
            case _ if self.gate.is_written:  # another writer would have to wait
                return
            case "ask":
                self.ask()
            case _:
                fresh = [(ADDRESSES[nth % 2], TEXTS[nth % len(TEXTS)]) for nth in nths[1:3]]
                self.hooks([(address, text), *fresh], again=nths[3:])

    # ------------------------------------------------------------------ what comes in

    def the_platform_takes(self, address: str, text: str, times: int) -> None:
        """Something for the account that polls; it is stored when it asks."""
        for _ in range(times):
            number = 1 + len(self.polled)
            self.polled.append(Sent(str(number), 1, address, text))
            self.platform.keeps.append(self.polled[-1])

    def ask(self) -> None:
        batch = self.platform.keeps[:3]
        asked = self.do(self._polled_to())
        polling = poll_updates(
            self.database, self.platform, 1, self.clock, stored=lambda: None, is_owned=_ours
        )
        self.do(polling)
        known = {one.update_id for one in self.stored.values() if one.account_id == 1}
        assert self.platform.forgotten <= known, "forgotten by the platform and not stored"
        if asked is not None:
            batch = [one for one in self.polled if int(one.update_id) >= asked][:3]
        self.keep(batch)
        self.look()

    def hooks(self, fresh: list[tuple[str, str]], again: list[int]) -> None:
        """What a webhook brings, new and once more, in whatever order; numbers as the other account's."""
        old = [one for one in self.stored.values() if one.account_id == 2]
        batch = [old[nth % len(old)] for nth in again if old]
        numbers = count(1 + len(old))
        batch += [Sent(str(next(numbers)), 2, *each) for each in fresh]
        batch += batch[:1]
        self.do(store_updates(self.database, 2, [one.raw for one in batch], now=MORNING))
        self.keep(batch)
        self.look()

    def keep(self, batch: list[Sent]) -> None:
        for one in batch:
            self.stored.setdefault((one.account_id, one.update_id), one)

    async def _polled_to(self) -> int | None:
        async with self.database.read() as connection:
            return await connection.scalar(select(Account.polled_to).where(Account.id == 1))

    # ------------------------------------------------------------------ processes

    def start(self, process: int) -> None:
        async def work() -> None:
            if process not in self.running or self.running[process].done():
                channels = {1: LocalChannel(), 2: LocalChannel()}
                handle = partial(self.handle, process=process)
                inbox = Inbox(self.ground.databases[1 + process], channels, handle, self.clock)
                self.running[process] = asyncio.create_task(inbox.handle_pending())
            await self.gate.settle()

        self.do(work())

    def go_on(self, nths: list[int]) -> None:
        """Let one in after the other."""
        for nth in nths:
            if not (waiting := self.gate.may_go()):
                return
            self.do(self.gate.let_in(waiting[nth % len(waiting)]))
            self.look()

    def kill(self, process: int) -> None:
        async def work() -> None:
            task = self.running.pop(process, None)
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled() or task.exception() is None
            await self.gate.settle()

        self.do(work())
        self.look()

    # ------------------------------------------------------------------ what is always true

    def look(self) -> None:
        async def read() -> tuple[list[Any], list[Any], list[Any]]:
            async with self.database.read() as connection:
                events = await connection.execute(
                    select(InboxEvent.__table__).order_by(InboxEvent.id)
                )
                effects = await connection.execute(
                    select(Meta.value).where(Meta.key.like("0%")).order_by(Meta.key)
                )
                answers = await connection.execute(
                    select(Chat.account_id, Chat.address, Message.template, Message.context)
                    .join(Chat, Chat.id == Message.chat_id)
                    .order_by(Message.id)
                )
                return list(events), [json.loads(one) for one in effects.scalars()], list(answers)

        events, effects, answers = self.do(read())
        keys = [(row.account_id, row.update_id) for row in events]
        assert sorted(keys) == sorted(self.stored), "stored once each, and nothing else"
        done: dict[tuple[int, str], list[str]] = defaultdict(list)
        told: Counter[tuple[int, str, str]] = Counter()
        held: set[tuple[int, str]] = set()
        for key, row in zip(keys, events, strict=True):
            sent = self.stored[key]
            assert row.state in self._may_be(sent), f"{sent} is {row.state}"
            if row.state == "refused":
                assert (row.raw, row.address) == (b"", None)
                told[(*sent.lane, "refused_secret")] += 1
            elif "KXQ7B" in sent.text and row.state != "new":
                assert row.raw == b"", "the code is kept"
            else:
                assert row.raw == sent.raw.raw
            if not sent.is_ordinary():
                continue
            if row.state == "new":
                held.add(sent.lane)
                continue
            assert sent.lane not in held, f"{sent} went before what came before it in its chat"
            if row.state == "done":
                done[sent.lane].append(sent.update_id)
                told[(*sent.lane, "words")] += 1
            else:
                assert self.failures[key] >= MOST_ATTEMPTS, "given up too early"
                assert row.error == "RuntimeError" + (
                    "" if "KXQ7B" in sent.text else ": a fault of ours"
                )
                told[(*sent.lane, "sorry")] += 1
        effective: dict[tuple[int, str], list[str]] = defaultdict(list)
        for account_id, update_id, _ in effects:
            effective[self.stored[account_id, update_id].lane].append(update_id)
        assert effective == done, "an effect once, with its end, in the order of its chat"
        assert told == Counter((row.account_id, row.address, row.template) for row in answers)
        for lane, ids in done.items():
            words = [
                row.context["text"]
                for row in answers
                if (row[0], row[1]) == lane and row.template == "words"
            ]
            assert words == ids, "answers in the order of what they answer"

    def _may_be(self, sent: Sent) -> set[str]:
        if sent.text == "TỐI MẬT":
            return {"refused"}
        if sent.text == "{":
            return {"new", "parked"}
        return {"new", "parked", "done"} if sent.fails else {"new", "done"}

    # ------------------------------------------------------------------ nothing is held up

    def teardown(self) -> None:
        """In the end one process alone ends everything, whatever the other left."""
        self.kill(0)
        self.kill(1)
        for _ in self.polled:
            self.ask()
        assert not self.platform.keeps or len(self.polled) <= len(self.stored)
        self.start(0)
        for _ in range(40 * (1 + len(self.stored))):
            if self.running[0].done():
                break
            self.go_on([0])
        assert self.running[0].done()
        self.running[0].result()

        async def left() -> list[str]:
            async with self.database.read() as connection:
                return list(await connection.scalars(select(InboxEvent.state)))

        assert "new" not in self.do(left())


def test_an_update_counts_once_whoever_dies_when(migrated: Path, tmp_path: Path) -> None:
    with ground_on(migrated, tmp_path, Database, Gated, Gated) as ground:
        ground.prepare(seat)
        run(Incomings, ground, runs=12, steps=50)
