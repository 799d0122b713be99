"""Processes that share an outbox, for its stateful test: what each has in hand, and what a step may change.

They imitate jobs.delivery.sender: a process looks ahead, records what ended and claims in one transaction, and
forgets all it has when it dies or learns that another took over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import select

from data.accounts.leases import Lease
from data.clock import civil_date
from data.contacts import enrolments
from data.db.database import Database
from data.models import Account, Agency, Delivery, Message
from data.outbox import claims
from data.outbox.chat_order import MOST_HOLDING_ATTEMPTS
from jobs.channel import (
    Capabilities,
    Gone,
    Moved,
    RateLimited,
    Receipt,
    Rejected,
    Transient,
    Unauthorised,
    Unknown,
)
from jobs.delivery.outcomes import AttemptResult, NotRenderable, Skipped
from jobs.delivery.queue import SendQueue
from tests.support.conversations import small_registry
from tests.support.loaded_province import load_world
from tests.support.outbox_oracle import Oracle
from tests.support.outbox_rows import MORNING, account, chat
from tests.support.stateful import Machine

ACCOUNTS = {1: ("telegram", "4242"), 2: ("zalo_bot", "77")}
LIKE = {
    1: Capabilities(4096, True, True, True, "html", 3, repeats_unknown=True),
    2: Capabilities(2000, False, False, False, "plain", 1, repeats_unknown=False),
}
CHATS = (1, 2, 3, 4, 5)
_SEATS = (
    ("stc", 1, "focal"),
    ("stc", 2, "focal"),
    ("sxd", 1, "focal"),
    ("skhcn", 1, "coordinator"),
    ("skhcn", 2, "coordinator"),
)
MOVES = {"pending", "skipped", "failed"}  # where what waits goes when a chat or an account is lost
RESULTS = {
    "sent": {"sent"},
    "transient": {"pending"},
    "rate_limited": {"pending"},
    "account_limited": {"pending"},
    "account_spent": MOVES,
    "moved": {"pending", "failed"},
    "gone": MOVES,
    "rejected": {"pending", "failed"},
    "unauthorised": MOVES,
    "unknown": {"pending", "uncertain"},
    "skipped": {"skipped"},
    "not_renderable": {"failed"},
}
LOSSES = (Gone, Unauthorised, RateLimited)  # with which others may go another way, too


def made(ending: str, row: Any, serial: int) -> Any:
    """Return how an attempt ends."""
    return {
        "sent": Receipt(f"r{row.id}.{row.attempts}"),
        "transient": Transient("busy"),
        "rate_limited": RateLimited("wait", retry_after=20),
        "account_limited": RateLimited("wait", retry_after=1, whole_account=True),
        "account_spent": RateLimited("wait", retry_after=2000, whole_account=True),
        "moved": Moved("moved", new_address=str(serial)),
        "gone": Gone("blocked"),
        "rejected": Rejected("bad markup"),
        "unauthorised": Unauthorised("bad token"),
        "unknown": Unknown("no answer"),
        "skipped": Skipped(),
        "not_renderable": NotRenderable("no such name"),
    }[ending]


async def seat(database: Database) -> None:
    """Two provinces' files, and who is reached where."""
    await load_world(database, small_registry(), now=MORNING)
    await seat_people(database)


async def seat_people(database: Database) -> None:
    """Two accounts; stc has a chat on each, sxd a group on one, those who coordinate one on each."""
    for key, names in ACCOUNTS.items():
        assert await account(database, *names) == key
    for number, (code, where, role) in zip(CHATS, _SEATS, strict=True):
        kind = "group" if code == "sxd" else "private"
        assert await chat(database, where, f"{number}", kind=kind) == number
        async with database.write() as connection:
            its_id = select(Agency.id).where(Agency.province == "dong", Agency.code == code)
            person = None
            if kind == "private":
                person = await enrolments.ensure_person(
                    connection, where, f"{number}", code, now=MORNING
                )
            await enrolments.enrol(
                connection,
                chat_id=number,
                person_id=person,
                agency_id=(await connection.execute(its_id)).scalar_one(),
                role="focal" if role == "focal" else "coordinator",
                now=MORNING,
            )


@dataclass
class Hand:
    """What one process has of one account, in memory alone."""

    name: str
    lease: Lease
    ahead: SendQueue
    sending: dict[int, Any] = field(default_factory=dict)
    ended: list[AttemptResult] = field(default_factory=list)
    chosen: dict[int, int] = field(default_factory=dict)  # messages, each with its chat
    known: set[int] = field(default_factory=set)  # what its look ahead must know of
    told: bool = True
    doubt: bool = False
    looked: datetime = MORNING
    rests: dict[int | None, datetime] = field(default_factory=dict)

    @property
    def where(self) -> int:
        return self.lease.account_id

    def rest(self, chat_id: int | None, until: datetime) -> None:
        self.ahead.silence(chat_id, until)
        self.rests[chat_id] = max(until, self.rests.get(chat_id, until))


class Processes(Machine):
    """Three processes, two accounts, five chats; the rules are in the test."""

    def __init__(self) -> None:
        super().__init__()
        self.now = MORNING
        self.oracle = Oracle({key: like.in_flight for key, like in LIKE.items()})
        self.hands: dict[tuple[str, int], Hand] = {}
        self.births: Counter[str] = Counter()  # of processes: a new one has a new name
        self.lives: Counter[int] = Counter()  # of messages: in another chat one begins anew
        self.life_of: dict[tuple[int, int], int] = {}  # by message and attempt
        self.owners: dict[int, tuple[str | None, int, Any]] = dict.fromkeys(LIKE, (None, 0, None))
        self.disturbed: set[int] = set()  # what was moved to another chat
        self.keys: set[str] = set()
        self.addresses = count(100)

    def see(self, may_change: dict[int, Iterable[str]], *, may_add: bool = False) -> None:
        """Read everything and have it judged."""

        async def read() -> tuple[dict[int, Any], dict[int, Any], Counter[Any]]:
            tried = select(Delivery.message_id, Delivery.attempt, Delivery.outcome)
            async with self.database.read() as connection:
                rows = await connection.execute(select(Message.__table__))
                accounts = await connection.execute(select(Account.__table__))
                attempts = await connection.execute(tried)
                return (
                    {row.id: row for row in rows},
                    {row.id: row for row in accounts},
                    Counter(tuple(row) for row in attempts),
                )

        rows, accounts, attempts = self.do(read())
        for key, row in rows.items():
            old = self.oracle.rows.get(key)
            if old is not None and old.chat_id != row.chat_id:
                self.disturbed.add(key)
                self.lives[key] += 1
        self.oracle.follow(rows, may_change=may_change, may_add=may_add)
        for key, (owner, epoch, until) in self.owners.items():
            found = accounts[key]
            assert (found.owner, found.epoch, found.owned_until) == (owner, epoch, until)
        self.oracle.check({key: row.epoch for key, row in accounts.items()}, attempts, self.lives)

    def tell(self) -> None:
        """Wake every process, as a commit's caller does, or ten seconds."""
        for hand in self.hands.values():
            hand.ahead.refresh()
            hand.told = True

    def forget(self, name: str, where: int) -> None:
        """The process loses what it has in hand, and the platform has it all."""
        hand = self.hands.pop((name, where), None)
        for row in hand.sending.values() if hand is not None else ():
            self.platform_took(row)

    def platform_took(self, row: Any) -> None:
        self.oracle.taken[row.id, self.life_of[row.id, row.attempts]] += 1

    def is_owner(self, hand: Hand) -> bool:
        owner, epoch, _ = self.owners[hand.where]
        return (owner, epoch) == (hand.lease.owner, hand.lease.epoch)

    def make_sure(self, hand: Hand) -> None:
        """After a commit of unknown end the owner gives back what it surely did not send."""
        in_hand = {*hand.sending, *(one.message.id for one in hand.ended)}
        back = {key: {"pending"} for key in self.claimed_by(hand).keys() - in_hand}

        async def work() -> None:
            async with self.database.write() as connection:
                await claims.release_claims(connection, hand.lease, in_hand)

        self.do(work())
        hand.doubt = False
        hand.ahead.refresh()
        self.see({**back})

    # ------------------------------------------------------------------ what a step may change

    def waits(self, **of: Any) -> dict[int, Iterable[str]]:
        """Return what waits with such columns and may go any way of what is lost."""
        return {
            key: MOVES
            for key, row in self.oracle.rows.items()
            if row.state in ("pending", "claimed")
            and all(getattr(row, name) == value for name, value in of.items())
        }

    def claimed_by(self, hand: Hand) -> dict[int, Any]:
        of = (hand.where, hand.lease.epoch, "claimed")
        rows = self.oracle.rows.items()
        return {key: row for key, row in rows if (row.account_id, row.claim_epoch, row.state) == of}

    def may_become(self, hand: Hand) -> dict[int, Iterable[str]]:
        """Return what a turn may change, and to what: what it holds, and what is lost with a chat."""
        concerned: dict[int, Iterable[str]] = {}
        for one in hand.ended:
            if isinstance(one.ending, Gone):
                concerned |= self.waits(chat_id=one.message.chat_id)
            elif isinstance(one.ending, LOSSES):
                concerned |= self.waits(account_id=hand.where, state="pending")
        is_lost = any(isinstance(one.ending, LOSSES) for one in hand.ended)
        for one in hand.ended:
            row = self.claimed_by(hand).get(one.message.id)
            if row is not None and row.attempts == one.message.attempts:
                is_moved = is_lost and not isinstance(one.ending, Receipt)
                concerned[row.id] = RESULTS[one.outcome] | (MOVES if is_moved else set())
        for key, chat_id in hand.chosen.items():
            row = self.oracle.rows[key]
            if self.is_owner(hand) and (row.state, row.account_id) == ("pending", hand.where):
                becomes = "claimed" if row.chat_id == chat_id else "pending"  # rerouted since
                concerned[key] = {*concerned.get(key, ()), becomes}
        return concerned

    def in_order(self, hand: Hand, row: Any, before: dict[int, Any], together: set[int]) -> None:
        """Say that what stood before it in its chat went before, also where it must be tried again."""
        if row.id in self.disturbed:
            return
        for one in before.values():
            stands = one.chat_id == row.chat_id and one.state == "pending"
            if not stands or one.id in together | self.disturbed:
                continue
            is_of_today = one.broadcast_on in (None, civil_date(self.now))
            if one.priority == row.priority and one.attempts and one.id < row.id and is_of_today:
                gives_way = one.attempts > MOST_HOLDING_ATTEMPTS and one.send_at > self.now
                assert gives_way, (
                    f"{row.id} was claimed before {one.id}, which is to be tried again"
                )
                continue
            is_retry = one.priority == row.priority and row.attempts and row.id < one.id
            if one.priority == 2 or one.send_at > hand.looked or is_retry:
                continue
            if one.id in hand.known:
                ranks = [(each.priority, each.send_at, each.id) for each in (one, row)]
                assert ranks[1] < ranks[0], f"{row.id} was claimed before {one.id}"
