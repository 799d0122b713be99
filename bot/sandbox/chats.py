"""The sandbox's chats, in memory: messages and replies of each, as a messenger keeps them.

Guarantees:
- A chat holds each message as it was sent, not as it would render now.
- An edit changes a message in place; its picture or file stays.
- Each message also holds its text as Zalo would show it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal

from bot.channels.local import LIKE_TELEGRAM, LIKE_ZALO, LocalChannel, make_local_update
from bot.sandbox.people import SandboxChat, Speaker
from data.clock import Clock
from data.progress.evidence import MAX_EVIDENCE_BYTES
from jobs.channel import Capabilities, Gone, OutgoingMessage, RawUpdate, Receipt
from jobs.rendering.renderer import Content, Renderer

_CAPABILITIES = replace(LIKE_TELEGRAM, in_flight=64)  # no send is lost with this process
_CHOICES = re.compile(r"^Trả lời bằng số: (.+)$", re.MULTILINE)
# Long texts come whole: the page cuts them where Zalo would need a new message.
_ON_ZALO = replace(LIKE_ZALO, max_text=2 * LIKE_TELEGRAM.max_text)


@dataclass(frozen=True, slots=True)
class TwinMessage(OutgoingMessage):
    """A message for the page, with its text on Zalo."""

    on_zalo: str = ""


class TwinRenderer(Renderer):
    """Renders for the page, and the same content for Zalo."""

    def render(self, content: Content, capabilities: Capabilities, **how: Any) -> TwinMessage:
        shown = super().render(content, capabilities, **how)
        zalo = super().render(content, _ON_ZALO, **how)
        values = {field.name: getattr(shown, field.name) for field in fields(OutgoingMessage)}
        return TwinMessage(**values, on_zalo=zalo.text)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A photo or file chosen on the page."""

    name: str
    content: bytes
    is_photo: bool = False


@dataclass(frozen=True, slots=True)
class ChatEntry:
    """One event in a chat: a message or edit of the bot, or an act of a person.

    speaker: the person's name in a group. file: name and size of an attached file. left: "gone" where the
    person blocked the bot, "back" where they unblocked it.
    """

    remote_id: str
    at: datetime
    sent: OutgoingMessage | None
    typed: str = ""
    speaker: str = ""
    reply_to: str | None = None
    file: tuple[str, int] | None = None
    left: Literal["", "gone", "back"] = ""


class NoSuchButton(Exception):
    """The message has no such button any more."""


class SandboxChannel(LocalChannel):
    """The local channel that keeps its messages for the page.

    chats: entries by address, oldest first. blocked_addresses: chats that blocked the bot.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(title="Nhắc Việc", capabilities=_CAPABILITIES)
        self.chats: dict[str, list[ChatEntry]] = {}
        self.blocked_addresses: set[str] = set()
        self._clock = clock

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Put a message into its chat; raises Gone where the bot is blocked."""
        if message.address in self.blocked_addresses:
            raise Gone("blocked")
        receipt = await super().send(message)
        line = ChatEntry(receipt.remote_id, await self._clock.now(), message)
        self.chats.setdefault(message.address, []).append(line)
        return receipt

    async def say(
        self,
        chat: SandboxChat,
        text: str,
        speaker: Speaker,
        *,
        reply_to: str | None = None,
        file: UploadedFile | None = None,
    ) -> RawUpdate:
        """Type a text, send a file, or both; returns the update, with the file's bytes in it.

        reply_to: ignored unless it is a message of the bot in this chat. Of a file above the limit the
        update holds name and size alone, as messengers do.
        """
        if reply_to is not None and self.message(chat, reply_to) is None:
            reply_to = None
        more: dict[str, Any] = {}
        if file is not None:
            content = file.content if len(file.content) <= MAX_EVIDENCE_BYTES else b""
            ref = base64.b64encode(content).decode()
            more = {
                "attachments": ["photo" if file.is_photo else "document"],
                "files": [{"ref": ref, "name": file.name, "size": len(file.content)}],
            }
        kind = "text" if text else "other"
        raw = await self._update(chat, kind, speaker, text=text, reply_to=reply_to, **more)
        self._add(
            chat,
            ChatEntry(
                raw.update_id,
                await self._clock.now(),
                None,
                text,
                speaker.name if chat.kind == "group" else "",
                reply_to,
                (file.name, len(file.content)) if file is not None else None,
            ),
        )
        return raw

    async def press(
        self, chat: SandboxChat, remote_id: str, action: str, speaker: Speaker
    ) -> RawUpdate:
        """Tap a button of a message; returns the update. Raises NoSuchButton."""
        present = self.message(chat, remote_id)
        rows = present.buttons if present is not None else ()
        if action not in {button.action for row in rows for button in row}:
            raise NoSuchButton
        return await self._update(
            chat, "action", speaker, text=action, reply_to=remote_id, action_id=remote_id
        )

    async def block_bot(self, chat: SandboxChat, speaker: Speaker) -> RawUpdate:
        """Block the bot, or remove it from a group; returns the update."""
        self.blocked_addresses.add(chat.address)
        why = "blocked" if chat.kind == "private" else "kicked"
        raw = await self._update(chat, "gone", speaker, text=why)
        self._add(chat, ChatEntry(raw.update_id, await self._clock.now(), None, left="gone"))
        return raw

    async def unblock_bot(self, chat: SandboxChat, speaker: Speaker) -> RawUpdate:
        """Unblock the bot, or add it to the group again; returns the update."""
        self.blocked_addresses.discard(chat.address)
        raw = await self._update(chat, "back", speaker)
        self._add(chat, ChatEntry(raw.update_id, await self._clock.now(), None, left="back"))
        return raw

    def message(self, chat: SandboxChat, remote_id: str) -> OutgoingMessage | None:
        """Return a message of the bot in its present form, or None."""
        lines = merge_edits(self.chats.get(chat.address, []))
        return next((line.sent for line in lines if line.remote_id == remote_id), None)

    def _add(self, chat: SandboxChat, line: ChatEntry) -> None:
        self.chats.setdefault(chat.address, []).append(line)

    async def _update(
        self, chat: SandboxChat, kind: str, speaker: Speaker, **more: Any
    ) -> RawUpdate:
        return make_local_update(
            address=chat.address,
            chat_kind=chat.kind,
            kind=kind,
            sender=speaker.sender,
            sender_name=speaker.name,
            chat_title=chat.name if chat.kind == "group" else "",
            sent_at=(await self._clock.now()).isoformat(),
            **more,
        )


def merge_edits(lines: list[ChatEntry]) -> list[ChatEntry]:
    """Return each message once, in its latest form.

    An edited message keeps the place, time, picture and file of its first sending.
    """
    shown: dict[str, ChatEntry] = {}
    for line in lines:
        earlier = shown.get(line.remote_id)
        shown[line.remote_id] = line if earlier is None else _edited(earlier, line)
    return list(shown.values())


def _edited(earlier: ChatEntry, line: ChatEntry) -> ChatEntry:
    if earlier.sent is None or line.sent is None:
        return replace(line, at=earlier.at)
    sent = replace(line.sent, picture=earlier.sent.picture, document=earlier.sent.document)
    return replace(line, at=earlier.at, sent=sent)


def on_zalo(line: ChatEntry) -> str:
    """Return an entry as Zalo shows it: plain text with numbered choices."""
    if line.sent is None:
        return line.typed
    return line.sent.on_zalo if isinstance(line.sent, TwinMessage) else line.sent.text


def meant_on_zalo(lines: Sequence[ChatEntry], text: str) -> str:
    """Return the label that a number typed under a message means as Zalo shows it, else the text itself.

    The page's account has buttons: to it a bare number is an item, and the label the choice.
    """
    last = next((line for line in reversed(lines) if line.sent is not None), None)
    listed = None if last is None else _CHOICES.search(on_zalo(last))
    if listed is None:
        return text
    labels = dict(each.split(" ", 1) for each in listed[1].split(" · ") if " " in each)
    return labels.get(text.strip(), text)
