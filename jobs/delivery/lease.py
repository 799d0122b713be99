"""This process's lease on one account: take, renew, drop.

    free ──take──▶ owned ──renew──▶ owned ──drop, or 20 s without renewal──▶ free
                            (every 5 s)

Guarantees:
- holds() is False as soon as the lease may have expired, by this process's own clock.
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
_SHORTEST_WAIT = 0.2  # seconds between two tries to take it


class AccountLease:
    """The lease of one account.

    clock: must be the same for all processes. owner: names this process, see data.accounts.leases.take_lease.
    """

    def __init__(self, account_id: int, owner: str, database: Database, clock: Clock) -> None:
        self._account_id = account_id
        self._owner = owner
        self._database = database
        self._clock = clock
        self.lease: Lease | None = None
        self._until: datetime | None = None
        self._renew_at = 0.0  # seconds of the event loop
        self._seen: tuple[datetime, float] | None = (
            None  # another's lease, and since when it stands
        )
        self._taken, self._dropped = asyncio.Event(), asyncio.Event()

    async def take(self, *, repeats_unknown: bool) -> float | None:
        """Take the lease and settle the claims of dead owners; None once taken.

        Returns the seconds until a retry where another process owns the account: it ends with that lease. One
        that nobody renews for as long as a lease runs is over, though a clock since set back gave it longer.
        """
        now = await self._clock.now()
        async with self._database.write() as connection:
            lease = await claims.acquire_account(
                connection,
                self._account_id,
                self._owner,
                repeats_unknown=repeats_unknown,
                now=now,
                stale_until=self._find_stale_lease(),
            )
            if lease is None:
                row = await leases.load_account(connection, self._account_id)
        if lease is not None:
            self.lease = lease
            self._seen = None
            self._extend_until(now)
            self._dropped.clear()
            self._taken.set()
            return None
        if self._seen is None or self._seen[0] != row.owned_until:
            self._seen = (row.owned_until, asyncio.get_running_loop().time())
        left = (row.owned_until - now).total_seconds() if row.owned_until else 0.0
        return min(RENEW_SECONDS, max(_SHORTEST_WAIT, left))

    async def renew(self) -> None:
        """Extend the lease where five seconds have passed; raises LeaseLost."""
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
        """Stop acting for the account: the lease was lost, or is about to be released."""
        self.lease = self._until = None
        self._taken.clear()
        self._dropped.set()

    async def holds(self) -> bool:
        """Tell whether this process surely owns the account now; costs no query."""
        return self._until is not None and await self._clock.now() < self._until

    async def now(self) -> datetime:
        """Return the current instant by the clock of leases."""
        return await self._clock.now()

    async def wait_until_owned(self) -> None:
        """Wait until this process takes the account."""
        await self._taken.wait()

    async def wait_until_lost(self) -> None:
        """Wait until drop() is called."""
        await self._dropped.wait()

    def _find_stale_lease(self) -> datetime | None:
        """Return the end of another's lease that was not renewed for so long that it must be over."""
        if self._seen is None:
            return None
        until, since = self._seen
        stood = asyncio.get_running_loop().time() - since
        return until if stood > leases.LEASE_SECONDS else None

    def _extend_until(self, now: datetime) -> None:
        self._until = now + timedelta(seconds=leases.LEASE_SECONDS)
        self._renew_at = asyncio.get_running_loop().time() + RENEW_SECONDS
