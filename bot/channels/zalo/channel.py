"""One bot of Zalo's Bot Platform, on httpx: plain text without buttons, edits or replies.

Guarantees: one attempt a call; errors are jobs.channel's; nothing is set at the platform on its own.
"""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from urllib.parse import urlsplit

from bot.channels.pacing import PacingLimits, SlidingWindows
from bot.channels.safe_json import parse_json
from bot.channels.zalo.capabilities import CAPABILITIES, LIMITS, MOST_TEXT
from bot.channels.zalo.http import (
    ANSWER_SECONDS,
    BASE_URL,
    POLL_FLOOR,
    ZaloClient,
    poll_zalo,
    raw_update_from_zalo,
)
from bot.channels.zalo.updates import incoming_from_zalo
from jobs.channel import (
    Attachment,
    Capabilities,
    ForeignFile,
    Incoming,
    OutgoingMessage,
    Pacing,
    RawUpdate,
    Receipt,
    Rejected,
    Unknown,
)

LINK = "https://bot.zaloplatforms.com/bots/{}"  # opens the bot's chat; it carries no code
# Hosts of messages' photos, each with all below it. An address in an update is fetched from no other.
PHOTO_HOSTS = ("zdn.vn", "zadn.vn", "zalo.me", "zaloapp.com", "zaloplatforms.com")


class ZaloBotChannel:
    """One bot on Zalo."""

    kind = "zalo_bot"
    capabilities = CAPABILITIES

    def __init__(
        self,
        token: str,
        *,
        base_url: str = BASE_URL,
        limits: PacingLimits = LIMITS,
        capabilities: Capabilities = CAPABILITIES,
        answer_seconds: float = ANSWER_SECONDS,
        poll_floor: float = POLL_FLOOR,
        photo_hosts: Sequence[str] = PHOTO_HOSTS,
    ) -> None:
        self._client = ZaloClient(token, base_url=base_url, answer_seconds=answer_seconds)
        self._own_host = urlsplit(base_url).netloc
        self._photo_hosts = tuple(f".{host}" for host in photo_hosts)
        self._poll_floor = poll_floor
        self.name = token.partition(":")[0]  # known before the platform is reached, unlike its id
        self._bot_id = ""
        self.title: str | None = None
        self.link: str | None = None
        self.capabilities = capabilities
        self.pacing: Pacing = SlidingWindows(limits)

    async def open(self) -> None:
        """Connect and learn the bot's id and name; raises Unauthorised, Transient or Unknown."""
        found = await self._client.call("getMe", {})
        if not isinstance(found, dict) or not isinstance(found.get("id"), str):
            raise Unknown("answer not understood")
        self._bot_id = found["id"]
        self.title = str(found.get("display_name") or found.get("account_name") or "") or None
        self.link = LINK.format(self._bot_id)

    async def close(self) -> None:
        """Close the connections; never raises."""
        with contextlib.suppress(Exception):
            await self._client.close()

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Send once; raises a DeliveryError."""
        text = unicodedata.normalize("NFC", message.text)
        if len(text.encode("utf-16-le")) // 2 > MOST_TEXT:
            raise Rejected("text too long")
        if message.picture_url is not None:
            what = {"photo": message.picture_url, "caption": text}
            sent = await self._client.call("sendPhoto", {"chat_id": message.address, **what})
        else:
            what = {"chat_id": message.address, "text": text}
            sent = await self._client.call("sendMessage", what)
        if not isinstance(sent, dict) or not sent.get("message_id"):
            raise Unknown("answer not understood")
        return Receipt(str(sent["message_id"]))

    async def acknowledge(self, incoming: Incoming, words: str = "") -> None:
        """Do nothing: the platform has no buttons."""

    async def show_typing(self, incoming: Incoming) -> None:
        """Show "typing…" for some seconds; best effort, never raises."""
        with contextlib.suppress(Exception):
            action = {"chat_id": incoming.address, "action": "typing"}
            await self._client.call("sendChatAction", action)

    async def offer_menu(self, address: str, commands: Sequence[tuple[str, str]]) -> None:
        """Do nothing: the platform shows no commands."""

    async def fetch(self, attachment: Attachment, *, most: int) -> bytes:
        """Download a photo, whose address soon dies.

        Raises FileTooBig for more than `most` bytes, ForeignFile for an address that is not the platform's.
        """
        parts = urlsplit(attachment.ref)
        is_platforms = parts.scheme == "https" and f".{parts.hostname}".endswith(self._photo_hosts)
        if not is_platforms and parts.netloc != self._own_host:
            raise ForeignFile(str(parts.hostname or "no address")[:100])
        return await self._client.download(attachment.ref, most=most)

    def split(self, body: bytes) -> RawUpdate:
        """Return id and chat of one webhook body; ValueError for a body that is no update."""
        return raw_update_from_zalo(parse_json(body), body)

    def parse(self, account_id: int, raw: bytes) -> Incoming | None:
        """Read one stored update; None where there is nothing to do, ValueError where malformed."""
        return incoming_from_zalo(account_id, parse_json(raw), self._bot_id)

    def updates(self, offset: int | None) -> AsyncGenerator[list[RawUpdate], None]:
        """Long-poll for ever, without an offset; see bot.channels.zalo.http.poll_zalo."""
        return poll_zalo(self._client, floor=self._poll_floor)

    async def webhook(self) -> str:
        """Return the address that updates are sent to, "" for none; raises DeliveryError."""
        return await self._client.webhook()

    async def set_webhook(self, url: str, *, secret: str) -> dict[str, Any]:
        """Have updates sent to a public https address; return the platform's answer."""
        found = await self._client.call("setWebhook", {"url": url, "secret_token": secret})
        return found if isinstance(found, dict) else {}

    async def delete_webhook(self) -> None:
        """Stop the webhook; raises DeliveryError."""
        await self._client.call("deleteWebhook", {})

    async def test_webhook(self) -> dict[str, Any]:
        """Have the platform try the webhook; raises DeliveryError (it may no longer be offered)."""
        found = await self._client.call("testWebhook", {})
        return found if isinstance(found, dict) else {}
