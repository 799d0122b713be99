"""Sliding windows: never more than the platform allows, and room kept for answers."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from bot.channels.pacing import PacingLimits, SlidingWindows, Window
from bot.channels.telegram.capabilities import LIMITS as TELEGRAM


def send_all(
    windows: SlidingWindows, chats: list[int], *, group: bool = False, answer: bool = False
) -> list[float]:
    """Send to each chat in turn as early as allowed; return the instants."""
    at, times = 0.0, []
    for chat in chats:
        while (wait := windows.wait(chat, group=group, answer=answer, at=at)) > 0:
            at += wait
        windows.take(chat, group=group, at=at)
        times.append(at)
    return times


def most_in(times: list[float], seconds: float) -> int:
    return max(sum(1 for other in times if at - seconds < other <= at) for at in times)


def test_a_broadcast_to_a_thousand_chats_uses_the_platform_and_never_exceeds_it() -> None:
    times = send_all(SlidingWindows(TELEGRAM), list(range(1000)))
    assert most_in(times, 1.0) <= 29
    assert 1000 / times[-1] >= 28.5


def test_one_chat_gets_one_message_a_second() -> None:
    times = send_all(SlidingWindows(TELEGRAM), [7] * 10)
    assert min(b - a for a, b in pairwise(times)) >= 1.0


def test_a_group_gets_nineteen_messages_a_minute() -> None:
    times = send_all(SlidingWindows(TELEGRAM), [-7] * 60, group=True)
    assert most_in(times, 60.0) == 19


def test_two_answers_go_within_a_quarter_second_though_broadcasts_take_all_they_may() -> None:
    windows = SlidingWindows(TELEGRAM)
    at = send_all(windows, list(range(500)))[-1]
    for chat in range(500, 600):
        if windows.wait(chat, group=False, answer=False, at=at) == 0:
            windows.take(chat, group=False, at=at)
    assert windows.wait(None, group=False, answer=False, at=at) > 0
    assert windows.wait(1000, group=False, answer=True, at=at) == 0
    windows.take(1000, group=False, at=at)
    assert windows.wait(1001, group=False, answer=True, at=at) <= 0.27
    at += windows.wait(1001, group=False, answer=True, at=at)
    assert windows.wait(1001, group=False, answer=True, at=at) == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_answers_and_broadcasts_together_never_exceed_thirty_a_second(seed: int) -> None:
    chance = random.Random(seed)
    windows, times, at = SlidingWindows(TELEGRAM), [], 0.0
    for chat in range(2000):
        answer = chance.random() < 0.2
        wait = windows.wait(chat, group=False, answer=answer, at=at)
        if wait == 0:
            windows.take(chat, group=False, at=at)
            times.append(at)
        at += chance.random() * 0.02
    assert 28 <= most_in(times, 1.0) <= 30


def test_sends_before_a_restart_count_when_they_are_told() -> None:
    windows = SlidingWindows(TELEGRAM)
    for second in range(19):
        windows.take(-7, group=True, at=-30.0 + second)
    assert windows.wait(-7, group=True, answer=True, at=0.0) == pytest.approx(30.5)


def test_chats_that_were_quiet_are_forgotten() -> None:
    windows = SlidingWindows(PacingLimits(chat=(Window(1, 1.0),)))
    for chat in range(1000):
        windows.take(chat, group=False, at=chat * 0.1)
    assert len(windows._chats) < 50


def test_without_limits_nothing_waits() -> None:
    windows = SlidingWindows(PacingLimits())
    assert windows.longest == 0
    assert send_all(windows, [1] * 100) == [0.0] * 100
