"""What must be true of the outbox after each step, whoever did what: the oracle of the stateful test.

It knows nothing of SQL: it compares the rows before a step with those after it, and counts what the
platform took.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from data.outbox.claims import MAX_REPEATS
from data.outbox.messages import NOBODY_LEFT

ENDS = {"sent", "failed", "uncertain", "skipped"}
# As ARCHITECTURE.md draws them; what nobody was left to tell is replaced by the next morning's.
ARROWS = {
    ("pending", "claimed"),
    ("pending", "skipped"),
    ("pending", "failed"),
    ("claimed", "pending"),
    ("failed", "skipped"),
    *(("claimed", end) for end in ENDS),
}
Rows = Mapping[int, Any]


@dataclass
class Oracle:
    """What was promised: by account how many in flight, and what each message's words and lives are."""

    in_flight: Mapping[int, int]
    words: dict[int, str] = field(default_factory=dict)
    taken: Counter[tuple[int, int]] = field(default_factory=Counter)  # (message, its life)
    attempts: Counter[tuple[int, int, str]] = field(default_factory=Counter)
    rows: dict[int, Any] = field(default_factory=dict)

    def follow(
        self,
        rows: dict[int, Any],
        *,
        may_change: Mapping[int, Iterable[str]],
        may_add: bool,
    ) -> None:
        """Check one step; may_change: the states in which it may have left the messages it concerns."""
        gone = self.rows.keys() - rows.keys()
        assert not gone, f"messages vanished: {gone}"
        assert may_add or rows.keys() == self.rows.keys(), "a message that nobody put"
        for key, row in rows.items():
            before = self.rows.get(key)
            if before is None:
                assert row.state == "pending"
                self.words.setdefault(key, row.context.get("text", ""))
                continue
            if before == row:
                continue
            step = (before.state, row.state)
            assert key in may_change, f"message {key} is not concerned: {before} became {row}"
            assert row.state in may_change[key], f"message {key}: {step}, not {may_change[key]}"
            if step[0] != step[1]:
                assert step in ARROWS, f"message {key}: {step}"
            assert before.state not in ENDS or step == ("failed", "skipped"), f"ended {key}: {step}"
            if step == ("failed", "skipped"):
                assert before.error == NOBODY_LEFT
        self.rows = rows

    def check(
        self,
        epochs: Mapping[int, int],
        attempts: Counter[tuple[int, int, str]],
        lives: Counter[int],
    ) -> None:
        """Check what is always true. epochs: each account's; attempts: the rows of `delivery`."""
        held: Counter[tuple[int, int]] = Counter()
        chats: Counter[tuple[int, int]] = Counter()
        for row in self.rows.values():
            assert row.repeats <= MAX_REPEATS, f"message {row.id} was repeated {row.repeats} times"
            assert (row.state != "pending") or row.claim_epoch is None, f"{row.id} is half claimed"
            if row.state == "claimed":
                assert row.claim_epoch is not None
                assert row.claim_epoch <= epochs[row.account_id]
                held[row.account_id, row.claim_epoch] += 1
                chats[row.chat_id, row.claim_epoch] += 1
            if row.state == "sent":
                assert self.taken[row.id, lives[row.id]], f"{row.id} is sent, and nobody took it"
            if row.secret and row.state in ENDS:
                assert row.context == {}, f"the secret of {row.id} is kept"
            elif row.template == "words":
                assert row.context.get("text") == self.words[row.id], (
                    f"the words of {row.id} are lost"
                )
        for (account_id, epoch), count in held.items():
            assert count <= self.in_flight[account_id], f"{count} claimed by epoch {epoch}"
        assert all(count == 1 for count in chats.values()), "two of a chat in flight"
        # Once, and at most two repeats; a message that goes on in another chat begins anew there.
        assert all(count <= 1 + MAX_REPEATS for count in self.taken.values()), "more than thrice"
        assert attempts == self.attempts, f"{attempts - self.attempts} {self.attempts - attempts}"
