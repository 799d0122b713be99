"""A send counts in the windows from when it may have arrived, not from when it was begun."""

from __future__ import annotations

import asyncio
import statistics
from typing import Any

import pytest

from jobs.channel import OutgoingMessage, Receipt, Slot, Unknown
from jobs.delivery.in_flight import SendAttempts


class Answering:
    """A channel whose sends are answered after so many seconds of the loop's clock."""

    def __init__(self, *seconds: float | Exception) -> None:
        self._seconds = iter(seconds)

    async def send(self, message: OutgoingMessage) -> Receipt:
        seconds = next(self._seconds)
        if isinstance(seconds, Exception):
            raise seconds
        await asyncio.sleep(seconds)
        return Receipt("1")


class Holding:
    """A lease that holds."""

    async def holds(self) -> bool:
        return True


def attempts_of(*answers: float | Exception) -> SendAttempts:
    return SendAttempts(Answering(*answers), Holding())  # type: ignore[arg-type]


async def attempt(attempts: SendAttempts) -> tuple[Any, float]:
    slot = Slot(0.0)
    began = asyncio.get_running_loop().time()
    ending = await attempts.send(OutgoingMessage(address="1", text="x"), slot)
    return ending, slot.at - began


async def test_what_a_send_took_beyond_the_quickest_is_time_in_which_it_may_have_arrived() -> None:
    attempts = attempts_of(0.0, 0.2, 0.1)
    _, at_once = await attempt(attempts)
    _, late = await attempt(attempts)
    _, less = await attempt(attempts)
    assert at_once < 0.05
    assert late >= 0.14
    assert less >= 0.07


async def test_a_platform_that_always_takes_as_long_costs_the_windows_nothing() -> None:
    attempts = attempts_of(*[0.1] * 5)
    moved = [(await attempt(attempts))[1] for _ in range(5)]
    assert statistics.median(moved) < 0.05


@pytest.mark.parametrize("fault", [ValueError("no words of a person"), Unknown("no answer")])
async def test_whatever_a_channel_raises_is_an_ending(fault: Exception) -> None:
    ending, _ = await attempt(attempts_of(fault))
    assert isinstance(ending, Unknown)
    assert "person" not in str(ending)
