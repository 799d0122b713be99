"""One account's attempts: how each ended, and when the platform may have counted it.

Promises an ending for whatever a channel does, raised faults too; that no send begins once another process
may have the account (jobs.delivery.lease); and that windows of pacing count a send from when it may have arrived:
what it took beyond the quickest send, it may have spent on its way. Decides nothing: jobs.delivery.outcomes says
what an ending leads to.
"""

from __future__ import annotations

import asyncio
import math

from jobs.channel import Channel, DeliveryError, OutgoingMessage, Slot, Transient, Unknown
from jobs.delivery.lease import AccountLease
from jobs.delivery.outcomes import Ending


class SendAttempts:
    """The sends of one account; see the module."""

    def __init__(self, channel: Channel, account_lease: AccountLease) -> None:
        self._channel = channel
        self._account_lease = account_lease
        self._quickest = math.inf  # seconds from start to answer

    async def send(self, outgoing: OutgoingMessage, slot: Slot) -> Ending:
        """Send once; never raises. slot: moved to when the message may have arrived at the latest."""
        loop = asyncio.get_running_loop()
        slot.at = began = loop.time()
        if not await self._account_lease.holds():  # this process stood still since the claim
            return Transient("the lease ran out before it was sent")
        ending: Ending
        try:
            ending = await self._channel.send(outgoing)
        except DeliveryError as error:
            ending = error
        except Exception as error:
            ending = Unknown(f"fault of the channel: {type(error).__name__}")
        took = loop.time() - began
        self._quickest = min(self._quickest, took)
        slot.at = began + took - self._quickest
        return ending
