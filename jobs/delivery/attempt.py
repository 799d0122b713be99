"""Send one message once, and tell pacing when the platform may have counted it.

Guarantees:
- No send begins once another process may own the account.
"""

from __future__ import annotations

import asyncio
import math

from jobs.channel import Channel, DeliveryError, OutgoingMessage, Slot, Transient, Unknown
from jobs.delivery.lease import AccountLease
from jobs.delivery.outcomes import Ending


class SendAttempts:
    """The sends of one account."""

    def __init__(self, channel: Channel, account_lease: AccountLease) -> None:
        self._channel = channel
        self._account_lease = account_lease
        self._quickest = math.inf  # seconds from start to receipt

    async def send(self, outgoing: OutgoingMessage, slot: Slot) -> Ending:
        """Send once; never raises.

        slot: set to the latest instant at which the platform may have counted the message. Seconds beyond
        the quickest send so far may have passed before it arrived.
        """
        loop = asyncio.get_running_loop()
        slot.at = start = loop.time()
        if not await self._account_lease.holds():  # the process was suspended since the claim
            return Transient("the lease ran out before it was sent")
        ending: Ending
        try:
            ending = await self._channel.send(outgoing)
        except DeliveryError as error:
            ending = error
        except Exception as error:
            ending = Unknown(f"fault of the channel: {type(error).__name__}")
        seconds = loop.time() - start
        self._quickest = min(self._quickest, seconds)
        slot.at = start + seconds - self._quickest
        return ending
