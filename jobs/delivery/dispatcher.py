"""Delivery: the outbox goes out, one line an account.

Promises what ARCHITECTURE.md says of the outbox: nothing is lost, no message is sent by two processes
at once, a crash repeats at most what was in flight, answers go before broadcasts, and broadcasts go
only within sending hours. Decides nothing about what is said (jobs.rendering.renderer) or when (jobs.morning.run).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

from data.clock import Clock
from data.db.database import Database
from data.registry.workdays import Workdays
from jobs.channel import Channel
from jobs.delivery.lease import AccountLease
from jobs.delivery.prepare import MessageRenderer
from jobs.delivery.sender import AccountSender

_NO_MORE = frozenset({"sent", "skipped", "not_owned"})  # give the other accounts nothing to do


class Dispatcher:
    """The ways out of all accounts of one process.

    owner: names this process in the leases; see data.accounts.leases.take_lease. lease_clock: what leases are
    reckoned by,
    where that is another than `clock`.
    """

    def __init__(
        self,
        database: Database,
        channels: Mapping[int, Channel],
        renderer: MessageRenderer,
        workdays_source: Callable[[], Workdays],
        clock: Clock,
        owner: str,
        *,
        lease_clock: Clock | None = None,
    ) -> None:
        self.account_leases: Mapping[int, AccountLease] = {
            account_id: AccountLease(account_id, owner, database, lease_clock or clock)
            for account_id in channels
        }
        self._senders = [
            AccountSender(
                account_id,
                channel,
                database=database,
                renderer=renderer,
                workdays_source=workdays_source,
                clock=clock,
                account_lease=self.account_leases[account_id],
            )
            for account_id, channel in channels.items()
        ]
        self._one_at_a_time = asyncio.Lock()
        self._running = False

    def wake(self) -> None:
        """Look again now; call after a commit that put something, and when a stepped clock was moved."""
        for line in self._senders:
            line.wake()

    async def run(self) -> None:
        """Deliver until stop() or cancellation; ends when what was in flight is recorded.

        Sends within milliseconds of a message's send_at or of wake(); looks every second besides (on a file every
        five), for what another process put.
        """
        self._running = True
        try:
            async with asyncio.TaskGroup() as group:
                for line in self._senders:
                    group.create_task(line.run())
        finally:
            self._running = False

    def stop(self) -> None:
        """Let run() end; nothing more is claimed."""
        for line in self._senders:
            line.stop()

    async def run_until_idle(self) -> Counter[str]:
        """Send everything that may be sent now, then give the accounts back; for tick, sandbox, tests.

        Waits for windows of pacing (at most a minute at a time), not for what the clock must bring: a
        platform's "wait", a back-off, a later send_at, sending hours. Returns how many ended how:
        "sent", "skipped", "gone" …; "not_owned" counts accounts that another process has. Raises
        RuntimeError while run() is at work: there, wake() is enough.
        """
        if self._running:
            raise RuntimeError("run() is at work; wake() it instead")
        total: Counter[str] = Counter()
        async with self._one_at_a_time:
            while True:
                counts = await asyncio.gather(*(line.run_until_idle() for line in self._senders))
                found = sum(counts, Counter())
                if total:
                    del found["not_owned"]  # counted by the first round
                total += found
                # What one account could not bring may wait at another, whose line was idle already.
                if len(self._senders) == 1 or found.keys() <= _NO_MORE:
                    return total
