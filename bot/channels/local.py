"""The channel of the sandbox and the tests: its chats exist only in our own database.

Guarantees: nothing leaves the machine. The sandbox's page reads the messages, and stores its updates itself,
as JSON of Incoming's fields with a file's bytes within.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import uuid4

from bot.channels.pacing import PacingLimits, SlidingWindows
from bot.channels.safe_json import parse_json
from jobs.channel import (
    Attachment,
    Capabilities,
    FileTooBig,
    Incoming,
    OutgoingMessage,
    Pacing,
    RawUpdate,
    Receipt,
    Rejected,
)

LIKE_TELEGRAM = Capabilities(
    max_text=4096,
    buttons=True,
    edits=True,
    groups=True,
    markup="html",
    in_flight=1,
    repeats_unknown=True,
    max_caption=1024,
)
LIKE_ZALO = Capabilities(
    max_text=2000,
    buttons=False,
    edits=False,
    groups=False,
    markup="plain",
    in_flight=1,
    repeats_unknown=True,
)

_FIELDS = {field.name for field in fields(Incoming)} - {"account_id"}
_WORDS = (
    "kind",
    "chat_kind",
    "address",
    "sender",
    "sender_name",
    "chat_title",
    "text",
    "thread",
    "borrowed",
    "album",
)
_KINDS = {"text", "action", "moved", "gone", "back", "other"}


class LocalChannel:
    """Chats that exist only in our own database."""

    kind = "local"
    capabilities = LIKE_TELEGRAM

    def __init__(
        self,
        name: str = "sandbox",
        *,
        title: str | None = None,
        capabilities: Capabilities = LIKE_TELEGRAM,
    ) -> None:
        self.name = name
        self.title = title
        self.link: str | None = None
        self.capabilities = capabilities
        self.pacing: Pacing = SlidingWindows(PacingLimits())

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to close."""

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Accept the message; an edit keeps the id of the message that it replaces."""
        if message.edits is not None:
            return Receipt(message.edits)
        return Receipt(uuid4().hex)

    async def updates(self, offset: int | None) -> AsyncGenerator[list[RawUpdate], None]:
        """Yield nothing: the page stores its updates."""
        nothing: list[list[RawUpdate]] = []
        for batch in nothing:
            yield batch

    def split(self, body: bytes) -> RawUpdate:
        """Return id and chat of one stored update; ValueError for a body that is no update."""
        given = _object(body)
        update_id, address = given.get("update_id"), given.get("address")
        if not isinstance(update_id, str) or not isinstance(address, str):
            raise ValueError("update_id and address must be strings")
        return RawUpdate(update_id, body, address)

    def parse(self, account_id: int, raw: bytes) -> Incoming | None:
        """Read one stored update; ValueError where malformed."""
        given = _object(raw)
        unknown = given.keys() - _FIELDS
        unknown |= {name for name in _WORDS if not isinstance(given.get(name, ""), str)}
        if unknown or given.get("kind") not in _KINDS:
            raise ValueError(f"not an update: {sorted(unknown) or 'kind'}")
        if isinstance(given.get("sent_at"), str):
            given["sent_at"] = datetime.fromisoformat(given["sent_at"])
        given["attachments"] = tuple(given.get("attachments", ()))
        try:
            given["files"] = tuple(Attachment(**file) for file in given.get("files", ()))
            return Incoming(account_id=account_id, **given)
        except TypeError as error:
            raise ValueError(f"not an update: {error}") from None

    async def fetch(self, attachment: Attachment, *, most: int) -> bytes:
        """Return a file's bytes: its ref is the bytes themselves, in base64."""
        try:
            content = base64.b64decode(attachment.ref, validate=True)
        except ValueError:
            raise Rejected("not base64") from None
        if len(content) > most:
            raise FileTooBig("file too big")
        return content

    async def acknowledge(self, incoming: Incoming, words: str = "") -> None:
        """Do nothing: a local button has no spinner."""

    async def show_typing(self, incoming: Incoming) -> None:
        """Do nothing: a local chat is answered at once."""

    async def offer_menu(self, address: str, commands: Sequence[tuple[str, str]]) -> None:
        """Do nothing: a local chat shows no menu."""


def make_local_update(*, address: str, chat_kind: str, kind: str, **more: Any) -> RawUpdate:
    """Return an update to be stored, as typed or tapped on the page; more: Incoming's fields."""
    update_id = uuid4().hex
    given = {
        "update_id": update_id,
        "address": address,
        "chat_kind": chat_kind,
        "kind": kind,
        **more,
    }
    return RawUpdate(update_id, json.dumps(given, ensure_ascii=False).encode(), address)


def _object(raw: bytes) -> dict[str, Any]:
    given = parse_json(raw)
    if not isinstance(given, dict):
        raise ValueError("an update is a JSON object")
    return given
