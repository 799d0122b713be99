"""The sandbox's chats: what was sent and typed in each, as a messenger keeps it.

Promises that a chat holds what was really sent then, not what would be rendered now; that an edit
changes a message in place; and that beside each message stands the same one as Zalo would carry it.
Lives in memory: the sandbox begins afresh at every start.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from bot.channels.local import LIKE_TELEGRAM, LIKE_ZALO, LocalChannel, update
from data.clock import Clock
from jobs.channel import Capabilities, OutgoingMessage, RawUpdate, Receipt
from jobs.messages import Content, Renderer

_CAPABILITIES = replace(LIKE_TELEGRAM, in_flight=64)  # nothing is lost with this process
# Long texts come whole: the page cuts them where Zalo would want a new message.
_ON_ZALO = replace(LIKE_ZALO, max_text=2 * LIKE_TELEGRAM.max_text)


@dataclass(frozen=True, slots=True)
class TwinMessage(OutgoingMessage):
    """A message for the page that also says how it reads on Zalo."""

    on_zalo: str = ""


class TwinRenderer(Renderer):
    """Renders for the page, and the same content once more for Zalo."""

    def render(self, content: Content, capabilities: Capabilities, **how: Any) -> TwinMessage:
        shown = super().render(content, capabilities, **how)
        zalo = super().render(content, _ON_ZALO, **how)
        values = {field.name: getattr(shown, field.name) for field in fields(OutgoingMessage)}
        return TwinMessage(**values, on_zalo=zalo.text)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened in a chat: a message of ours (or an edit of one), or a person's words."""

    remote_id: str
    at: datetime
    sent: OutgoingMessage | None
    typed: str = ""


class NoSuchButton(Exception):
    """The message in its present form has no such button; it was changed meanwhile."""


class ChatKeeper(LocalChannel):
    """The local channel whose messages stay to be looked at; `chats`: lines by address, oldest first."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(title="Nhắc Việc", capabilities=_CAPABILITIES)
        self.chats: dict[str, list[Line]] = {}
        self._clock = clock

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Put a message into its chat."""
        receipt = await super().send(message)
        line = Line(receipt.remote_id, await self._clock.now(), message)
        self.chats.setdefault(message.address, []).append(line)
        return receipt

    async def say(self, address: str, text: str) -> RawUpdate:
        """Type a text in a chat; returns the update to be stored."""
        now = await self._clock.now()
        raw = update(
            address=address,
            chat_kind="private",
            kind="text",
            sender=address,
            text=text,
            sent_at=now.isoformat(),
        )
        self.chats.setdefault(address, []).append(Line(raw.update_id, now, None, text))
        return raw

    async def press(self, address: str, remote_id: str, action: str) -> RawUpdate:
        """Tap a button of a message; returns the update to be stored. Raises NoSuchButton."""
        present = next(
            (line for line in folded(self.chats.get(address, [])) if line.remote_id == remote_id),
            None,
        )
        rows = present.sent.buttons if present is not None and present.sent is not None else ()
        if action not in {button.action for row in rows for button in row}:
            raise NoSuchButton
        return update(
            address=address,
            chat_kind="private",
            kind="action",
            sender=address,
            text=action,
            reply_to=remote_id,
            action_id=remote_id,
            sent_at=(await self._clock.now()).isoformat(),
        )


def folded(lines: list[Line]) -> list[Line]:
    """Return a chat as a messenger with edits shows it: each message once, in its latest form.

    A message keeps the place and the time of its first sending.
    """
    shown: dict[str, Line] = {}
    for line in lines:
        earlier = shown.get(line.remote_id)
        shown[line.remote_id] = line if earlier is None else replace(line, at=earlier.at)
    return list(shown.values())


def on_zalo(line: Line) -> str:
    """Return a line as it reads on Zalo: plain text with numbered choices."""
    if line.sent is None:
        return line.typed
    return line.sent.on_zalo if isinstance(line.sent, TwinMessage) else line.sent.text
