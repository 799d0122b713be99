"""Deliver the outbox: one sender for each account of this process.

Guarantees:
- No message is lost, and none is sent by two processes at once; a crash repeats at most those in flight.
- Answers go before notices, notices before broadcasts, and broadcasts within sending hours only.
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
from jobs.delivery.sender import AccountSender
from jobs.rendering.renderer import Renderer

_SETTLED = frozenset({"sent", "skipped", "not_owned"})  # outcomes that give other accounts no work


class Dispatcher:
    """The senders and leases of all accounts of one process.

    owner: names this process in the leases; see data.accounts.leases.take_lease. lease_clock: the clock of
    leases, where `clock` is another one.
    """

    def __init__(
        self,
        database: Database,
        channels: Mapping[int, Channel],
        renderer: Renderer,
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
        """Send now; call after a commit that put messages, and when a stepped clock was moved."""
        for sender in self._senders:
            sender.wake()

    async def run(self) -> None:
        """Deliver until stop() or cancellation; ends when the messages in flight are recorded.

        Sends within milliseconds of a message's send_at or of wake(). Messages that another process put are
        found within a second, on SQLite within five.
        """
        self._running = True
        try:
            async with asyncio.TaskGroup() as group:
                for sender in self._senders:
                    group.create_task(sender.run())
        finally:
            self._running = False

    def stop(self) -> None:
        """Let run() end; nothing more is claimed."""
        for sender in self._senders:
            sender.stop()

    async def run_until_idle(self) -> Counter[str]:
        """Send everything that may be sent now, then release the accounts; for tick, sandbox, tests.

        Waits for pacing windows (at most a minute each), not for a platform's "wait", a back-off, a later
        send_at or sending hours. Returns the number of results by outcome: "sent", "skipped", "gone" …;
        "not_owned" counts accounts that another process owns. Raises RuntimeError while run() runs.
        """
        if self._running:
            raise RuntimeError("run() is running; wake() it instead")
        total: Counter[str] = Counter()
        async with self._one_at_a_time:
            while True:
                by_sender = await asyncio.gather(
                    *(sender.run_until_idle() for sender in self._senders)
                )
                counts = sum(by_sender, Counter())
                if total:
                    del counts["not_owned"]  # counted by the first round
                total += counts
                # A message that one account could not send may wait at another, whose sender was idle already.
                if len(self._senders) == 1 or counts.keys() <= _SETTLED:
                    return total
