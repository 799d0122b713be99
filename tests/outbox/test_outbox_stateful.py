"""The outbox under any interleaving of owners, crashes, endings and clocks: its guarantees after each step.

What a step may change is said before it; tests/support/outbox_oracle.py judges what it changed. How to search
for longer: tests/support/stateful.py.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from bot.channels.pacing import PacingLimits, SlidingWindows
from data.accounts import leases
from data.accounts.leases import Lease, LeaseLost
from data.clock import civil_date
from data.db.upgrade import upgrade_schema
from data.outbox import claims
from jobs.channel import Receipt
from jobs.delivery.outcomes import AttemptResult, NotRenderable, Skipped, record_results
from jobs.delivery.queue import SendQueue
from tests.support.conversations import small_registry
from tests.support.loaded_province import load_world
from tests.support.outbox_events import Happenings
from tests.support.outbox_oracle import ENDS
from tests.support.outbox_processes import (
    CHATS,
    LIKE,
    LOSSES,
    RESULTS,
    Hand,
    made,
    seat,
    seat_people,
)
from tests.support.outbox_rows import MORNING, workdays
from tests.support.stateful import OnServer, ground_on, run

pytestmark = pytest.mark.slow
NAMES = ("một", "hai", "ba")
SECONDS = (1, 1, 1, 11, 11, 31, 31, 3600, 24 * 3600, -45)
ACTS = st.sampled_from(
    [
        *["go"] * 12,
        *["sent", "look", "turn"] * 6,
        *["put", "die"] * 5,
        *["back", "mend"] * 3,
        *["clock", "lost", "unknown", "transient", "transient", "morning"] * 2,
        *["renew", "release"],
        *sorted(RESULTS),
    ]
)


class Refused(Exception):
    """The database refuses the commit."""


class Outbox(Happenings):
    @rule(
        act=ACTS,
        name=st.sampled_from([*[NAMES[0]] * 4, *NAMES]),
        where=st.sampled_from([1, 1, 2]),
        to=st.sampled_from([1, 1, 1, 3, 3, *CHATS]),
        number=st.integers(0, 9),
    )
    def step(self, act: str, name: str, where: int, to: int, number: int) -> None:
        """One rule and not many, for a machine leaves some of its rules out in each run."""
        hand = self.hands.get((name, where))
        match act:
            case "put":
                self.put(to, number)
            case "clock":
                self.now += timedelta(seconds=SECONDS[number])
            case "morning":
                self.morning()
            case "lost" | "back":
                self.a_chat_is_lost_or_heard_from(to, back=act == "back")
            case "mend":
                self.mend(where)
            case "die":
                self.die(name)
                self.now += timedelta(seconds=31 * (number % 3 > 0))
            case _ if hand is None:
                self.take_over(name, where)
            case "look":
                self.look(hand)
            case "go":
                self.look(hand)
                self.turn(hand, "done")
            case "renew" | "release":
                self.renew_or_release(hand, let_go=act == "release")
            case "turn":
                self.turn(hand, "unsure" if number == 0 else "refused" if number == 1 else "done")
            case _:
                self.end(hand, act)

    # ------------------------------------------------------------------ owners

    def take_over(self, name: str, where: int) -> None:
        owner = f"{name}#{self.births[name]}"
        repeats_unknown = LIKE[where].repeats_unknown
        held, epoch, until = self.owners[where]
        is_free = held in (None, owner) or until is None or until <= self.now
        concerned: dict[int, set[str]] = {}
        for row in self.oracle.rows.values() if is_free else ():
            if (row.account_id, row.state) == (where, "claimed"):
                again = repeats_unknown and row.repeats < claims.MAX_REPEATS
                concerned[row.id] = {"pending" if again else "uncertain"}
                self.oracle.attempts[row.id, row.attempts, "unknown"] += 1
            elif (row.account_id, row.state) == (where, "pending") and row.send_at > self.now:
                concerned[row.id] = {"pending"}  # the clock may have been set back since

        async def work() -> Lease | None:
            async with self.database.write() as connection:
                return await claims.acquire_account(
                    connection, where, owner, repeats_unknown=repeats_unknown, now=self.now
                )

        taken = self.do(work())
        assert (taken is not None) == is_free
        if taken is not None:
            assert taken.epoch == epoch + 1
            until = self.now + timedelta(seconds=leases.LEASE_SECONDS)
            self.owners[where] = (owner, taken.epoch, until)
            self.forget(name, where)
            ahead = SendQueue(where, SlidingWindows(PacingLimits()), self.database, workdays)
            self.hands[name, where] = Hand(name, taken, ahead)
        self.see({**concerned})
        assert all(self.oracle.rows[key].state in states for key, states in concerned.items())
        self.tell()

    def renew_or_release(self, hand: Hand, *, let_go: bool) -> None:
        if let_go and (hand.sending or hand.ended):
            return

        async def work() -> None:
            async with self.database.write() as connection:
                if let_go:
                    await leases.release_lease(connection, hand.lease, now=self.now)
                else:
                    await leases.renew_lease(connection, hand.lease, now=self.now)

        mine, (owner, epoch, _) = self.is_owner(hand), self.owners[hand.where]
        try:
            self.do(work())
        except LeaseLost:
            assert not mine
            self.forget(hand.name, hand.where)
        else:
            assert mine or let_go
            if mine:
                until = self.now + timedelta(seconds=leases.LEASE_SECONDS)
                self.owners[hand.where] = (
                    (None, epoch, self.now) if let_go else (owner, epoch, until)
                )
            if let_go:
                self.forget(hand.name, hand.where)
        self.see({})

    def die(self, name: str) -> None:
        self.births[name] += 1
        for where in LIKE:
            self.forget(name, where)

    # ------------------------------------------------------------------ a process's turn

    def look(self, hand: Hand) -> None:
        if hand.chosen:  # who has chosen claims next, or begins anew
            return
        if hand.doubt:
            self.make_sure(hand)
        in_hand = {row.id: row.chat_id for row in hand.sending.values()}
        for one in hand.ended:
            if not isinstance(one.ending, Receipt) or one.message.attempts > 1:
                in_hand[one.message.id] = one.message.chat_id
        free = LIKE[hand.where].in_flight - len(hand.sending)
        if hand.told:
            hand.known, hand.told = set(self.oracle.rows), False
        choice = self.do(hand.ahead.choose(self.now, free, set(in_hand.values())))
        assert len(choice.chosen) <= max(free, 0)
        hand.chosen = {one.message.id: one.message.chat_id for one in choice.chosen}
        hand.looked = self.now
        self.see(  # what was due by a clock since set back is due by this one
            {
                key: {"pending"}
                for key, row in self.oracle.rows.items()
                if (row.account_id, row.state) == (hand.where, "pending") and row.send_at > self.now
            }
        )
        for one in choice.chosen:
            for rest in (hand.rests.get(None), hand.rests.get(one.message.chat_id)):
                assert rest is None or rest <= self.now, "it was to rest"

    def end(self, hand: Hand, ending: str) -> None:
        """The platform answers, or does not: the owner writes it down at its next turn."""
        if not hand.sending:
            return
        row = hand.sending.pop(min(hand.sending))
        if ending in ("sent", "unknown"):
            self.platform_took(row)
        hand.ended.append(AttemptResult(row, made(ending, row, next(self.addresses))))

    def turn(self, hand: Hand, commit: str) -> None:
        """Record what ended and claim what was chosen, in one transaction.

        commit: "unsure" where it is done and its owner hears that it failed; "refused" where it failed.
        """
        if hand.doubt:
            return None
        ended, chosen = list(hand.ended), hand.chosen
        concerned, before, mine = self.may_become(hand), dict(self.oracle.rows), self.is_owner(hand)
        hand.chosen = {}

        async def work() -> tuple[Any, Any]:
            async with self.database.write() as connection:
                like = LIKE[hand.where]
                done = await record_results(
                    connection, hand.lease, ended, like, now=self.now, claim=chosen
                )
                if commit == "refused":
                    raise Refused
                return done

        only_sent = all(isinstance(one.ending, Receipt) for one in ended)
        try:
            pauses, rows = self.do(work())
        except LeaseLost:
            assert not mine
            self.forget(hand.name, hand.where)
            return self.see({})
        except Refused:
            hand.doubt = True
            return self.see({})
        assert mine or (only_sent and not chosen)
        for one in ended:
            if not isinstance(one.ending, Skipped | NotRenderable):
                self.oracle.attempts[one.message.id, one.message.attempts, one.outcome] += 1
        self.see(concerned, may_add=any(isinstance(one.ending, LOSSES) for one in ended))
        if commit == "unsure":
            hand.doubt = True
            return None
        hand.ended.clear()
        for one, pause in zip(ended, pauses, strict=True):
            if pause is not None:
                hand.rest(None if pause.whole_account else one.message.chat_id, pause.until)
        was_retried = any(one.message.attempts > 1 for one in ended)
        if len(rows) < len(chosen) or not only_sent or was_retried:
            hand.ahead.refresh()
        for row in rows:
            was = before[row.id]
            self.in_order(hand, was, before, {each.id for each in rows})
            assert was.broadcast_on is None or was.broadcast_on >= civil_date(self.now), "too late"
            hand.sending[row.id] = row
            self.life_of[row.id, row.attempts] = self.lives[row.id]
        return None

    # ------------------------------------------------------------------ nothing is lost

    def teardown(self) -> None:
        """In the end everything goes out or is parked, whatever happened before."""
        self.now = max(self.now, MORNING) + timedelta(days=14)
        for name in NAMES:
            self.die(name)
        for which in CHATS:
            self.a_chat_is_lost_or_heard_from(which, back=True)
        for where in LIKE:
            self.mend(where)
        self.morning()
        for where in LIKE:
            self.take_over("một", where)
            hand = self.hands["một", where]
            for _ in range(3 * len(self.oracle.rows)):
                if not (self.waits(account_id=where) or hand.ended or hand.chosen):
                    break
                self.look(hand)
                self.turn(hand, "done")
                for _ in range(LIKE[where].in_flight):
                    self.end(hand, "sent")
        self.morning()  # what was claimed by the dead until now, of an earlier morning
        left = [row for row in self.oracle.rows.values() if row.state not in ENDS]
        assert not left, f"never left: {left} {self.now}"


def test_the_outbox_keeps_its_promises_whoever_does_what(migrated: Path, tmp_path: Path) -> None:
    with ground_on(migrated, tmp_path) as ground:
        ground.prepare(seat)
        run(Outbox, ground, runs=15, steps=120)


def test_the_outbox_keeps_them_on_postgresql(server: Any) -> None:
    server.psql("CREATE DATABASE stateful;")
    url = server.get_uri("stateful").replace("postgresql://", "postgresql+psycopg://")
    ground = OnServer(url, seat_people)
    try:
        ground.do(upgrade_schema(ground.databases[0]))
        ground.do(load_world(ground.databases[0], small_registry(), now=MORNING))
        run(Outbox, ground, runs=3, steps=120)
    finally:
        ground.close()
