"""Sliding windows that keep an account within a platform's rates; instants are monotonic seconds.

Guarantees: no window ever holds more sends than its count. The windows live in memory: after a restart the
sender reports the sends of the last minute again, and the platform's own "wait" decides in any case.
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

    account: limits all sends. broadcast: limits sends that are no answers, counting every send; the
    difference is kept for answers. chat, group: windows of a single chat; a group obeys both.
    """

    account: tuple[Window, ...] = ()
    broadcast: tuple[Window, ...] = ()
    chat: tuple[Window, ...] = ()
    group: tuple[Window, ...] = ()


class SlidingWindows:
    """The sends of one account within the windows of its platform; a jobs.channel.Pacing."""

    def __init__(self, limits: PacingLimits) -> None:
        self._limits = limits
        of_account = (*limits.account, *limits.broadcast)
        of_chat = (*limits.chat, *limits.group)
        self._chat_seconds = max((window.seconds for window in of_chat), default=0.0)
        self.longest = max((window.seconds for window in (*of_account, *of_chat)), default=0.0)
        most = max((window.count for window in of_account), default=0)
        self._account: deque[Slot] = deque(maxlen=most)
        self._chat_count = max((window.count for window in of_chat), default=0)
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
        """Reserve a send that starts, or started, at an instant; call in the order of the starts."""
        slot = Slot(at)
        if self._account.maxlen:
            self._account.append(slot)
        if not self._chat_count:
            return slot
        if at >= self._sweep_at:
            self._sweep(at)
        sends = self._chats.get(chat_id)
        if sends is None:
            sends = self._chats[chat_id] = deque(maxlen=self._chat_count)
        sends.append(slot)
        return slot

    def _sweep(self, at: float) -> None:
        """Forget chats without a send within their longest window."""
        before = at - self._chat_seconds
        self._chats = {chat: sends for chat, sends in self._chats.items() if sends[-1].at > before}
        self._sweep_at = at + self._chat_seconds


def _wait(windows: tuple[Window, ...], sends: deque[Slot], at: float) -> float:
    longest = 0.0
    for window in windows:
        if len(sends) >= window.count:
            longest = max(longest, sends[-window.count].at + window.seconds - at)
    return longest
