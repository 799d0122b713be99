"""One account's lease as this process has it: taken, renewed, lost, and asked about by whoever acts.

Promises that what needs the account (sending, polling, menus) is held to be ours only until the instant
to which the lease was surely lengthened: a process that stood still finds out by its clock before it asks
the database. Whoever waits for the account looks again the instant its lease runs out.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from data.accounts import leases
from data.accounts.leases import Lease
from data.clock import Clock
from data.db.database import Database
from data.log import get_logger
from data.outbox import claims

log = get_logger("delivery")

RENEW_SECONDS = 5.0
_LEAST_WAIT = 0.2


class AccountLease:
    """The lease of one account; see the module.

    clock: of leases, which must be one for all processes. owner: names this process,
    see data.accounts.leases.take_lease.
    """

    def __init__(self, account_id: int, owner: str, database: Database, clock: Clock) -> None:
        self._account_id = account_id
        self._owner = owner
        self._database = database
        self._clock = clock
        self.lease: Lease | None = None
        self._until: datetime | None = None
        self._renew_at = 0.0
        self._began, self._ended = asyncio.Event(), asyncio.Event()

    async def take(self, *, repeats_unknown: bool) -> float | None:
        """Take the lease and settle what dead owners claimed; None once taken.

        Returns the seconds after which to try again, where another process owns the account.
        """
        now = await self._clock.now()
        async with self._database.write() as connection:
            lease = await claims.acquire_account(
                connection, self._account_id, self._owner, repeats_unknown=repeats_unknown, now=now
            )
            if lease is None:
                row = await leases.load_account(connection, self._account_id)
        if lease is not None:
            self.lease = lease
            self._extend_until(now)
            self._ended.clear()
            self._began.set()
            return None
        left = (row.owned_until - now).total_seconds() if row.owned_until else 0.0
        return min(RENEW_SECONDS, max(_LEAST_WAIT, left))

    async def renew(self) -> None:
        """Lengthen the lease where it is time to; raises LeaseLost."""
        if self.lease is None:
            return
        now = await self._clock.now()
        in_time = self._until is not None and now + timedelta(seconds=RENEW_SECONDS) < self._until
        if in_time and asyncio.get_running_loop().time() < self._renew_at:
            return
        async with self._database.write() as connection:
            await leases.renew_lease(connection, self.lease, now=now)
        self._extend_until(now)

    def drop(self) -> None:
        """Act for the account no more: it was lost, or is about to be given back."""
        self.lease = self._until = None
        self._began.clear()
        self._ended.set()

    async def holds(self) -> bool:
        """Tell whether the account is surely ours at this instant; costs no query."""
        return self._until is not None and await self._clock.now() < self._until

    async def now(self) -> datetime:
        """Return the present instant by the clock of leases."""
        return await self._clock.now()

    async def wait_until_owned(self) -> None:
        """Wait until the account is ours."""
        await self._began.wait()

    async def wait_until_lost(self) -> None:
        """Wait until it is ours no more, as far as was found out."""
        await self._ended.wait()

    def _extend_until(self, now: datetime) -> None:
        self._until = now + timedelta(seconds=leases.LEASE_SECONDS)
        self._renew_at = asyncio.get_running_loop().time() + RENEW_SECONDS
