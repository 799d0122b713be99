"""How fast a platform lets us send: sliding windows of our own.

Promises that no window ever holds more sends than its figure. It lives in memory: after a restart the
sends of the last minute are told to it again, and the platform's own "wait" is the truth in any case.
Reads no clock: instants are monotonic seconds given by the caller.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from jobs.channel import Slot


@dataclass(frozen=True, slots=True)
class Window:
    """At most `count` sends in any `seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class PacingLimits:
    """The windows of one platform; an empty tuple is no limit.

    account: every send counts, and answers may fill it. broadcast: what others than answers may not
    exceed, counting every send; the difference is kept for answers. chat, group: windows of a single
    chat; a group obeys both.
    """

    account: tuple[Window, ...] = ()
    broadcast: tuple[Window, ...] = ()
    chat: tuple[Window, ...] = ()
    group: tuple[Window, ...] = ()


class SlidingWindows:
    """The sends of one account within the windows of its platform; a jobs.channel.Pacing."""

    def __init__(self, limits: PacingLimits) -> None:
        self._limits = limits
        every = (*limits.account, *limits.broadcast, *limits.chat, *limits.group)
        self.longest = max((window.seconds for window in every), default=0.0)
        alone = (*limits.chat, *limits.group)
        self._longest_of_a_chat = max((window.seconds for window in alone), default=0.0)
        self._account: deque[Slot] = deque(
            maxlen=max((window.count for window in (*limits.account, *limits.broadcast)), default=0)
        )
        self._kept = max((window.count for window in alone), default=0)
        self._chats: dict[int, deque[Slot]] = {}
        self._sweep_at = 0.0

    def wait(self, chat_id: int | None, *, group: bool, answer: bool, at: float) -> float:
        """Return how many seconds a send to the chat must wait; 0 where it may go now.

        chat_id None: a chat that was never written to.
        """
        limits = self._limits
        longest = _wait(limits.account, self._account, at)
        if not answer:
            longest = max(longest, _wait(limits.broadcast, self._account, at))
        sends = self._chats.get(chat_id) if chat_id is not None else None
        if sends:
            longest = max(longest, _wait(limits.chat, sends, at))
            if group:
                longest = max(longest, _wait(limits.group, sends, at))
        return longest

    def take(self, chat_id: int, *, group: bool, at: float) -> Slot:
        """Reserve a send that starts now, or that started then (told in the order they started)."""
        slot = Slot(at)
        if self._account.maxlen:
            self._account.append(slot)
        if not self._kept:
            return slot
        if at >= self._sweep_at:
            self._sweep(at)
        sends = self._chats.get(chat_id)
        if sends is None:
            sends = self._chats[chat_id] = deque(maxlen=self._kept)
        sends.append(slot)
        return slot

    def _sweep(self, at: float) -> None:
        """Forget chats that were quiet for as long as their longest window."""
        before = at - self._longest_of_a_chat
        self._chats = {chat: sends for chat, sends in self._chats.items() if sends[-1].at > before}
        self._sweep_at = at + self._longest_of_a_chat


def _wait(windows: tuple[Window, ...], sends: deque[Slot], at: float) -> float:
    longest = 0.0
    for window in windows:
        if len(sends) >= window.count:
            longest = max(longest, sends[-window.count].at + window.seconds - at)
    return longest
