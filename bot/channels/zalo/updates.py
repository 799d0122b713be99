"""Zalo's updates as jobs.channel.Incoming.

Guarantees: the bot's own messages and those of groups are ignored. The platform's groups are a trial, and
only private chats enrol.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.channels.zalo.http import raw_update_from_zalo, unwrap_event
from jobs.channel import Attachment, Incoming

_MILLISECONDS_FROM = 1e12  # the platform writes milliseconds; some of its relays seconds
_UNREAD = ("sticker", "voice", "unsupported")


def incoming_from_zalo(account_id: int, given: Any, bot_id: str) -> Incoming | None:
    """Read one update; None where there is nothing to do, ValueError where malformed."""
    event = unwrap_event(given)
    kind = _kind(event["event_name"])
    message = event.get("message")
    if kind is None:
        return None
    if not isinstance(message, dict):
        raise ValueError("an event of a message without one")
    sender, chat = message.get("from"), message.get("chat")
    if not isinstance(sender, dict) or not isinstance(chat, dict):
        raise ValueError("a message without a sender or a chat")
    address, sender_id = _text(chat, "id"), _text(sender, "id")
    if not address or not sender_id:
        raise ValueError("a message without the id of its chat or sender")
    if sender_id == bot_id or sender.get("is_bot") is True:
        return None
    if str(chat.get("chat_type", "PRIVATE")).upper() != "PRIVATE":
        return None
    words = _text(message, "text") if kind == "text" else _text(message, "caption")
    photo = _text(message, "photo_url") or _text(message, "photo") if kind == "image" else ""
    return Incoming(
        account_id=account_id,
        update_id=raw_update_from_zalo(given).update_id,
        address=address,
        chat_kind="private",
        kind="text" if words else "other",
        sender=sender_id,
        sender_name=_text(sender, "display_name"),
        text=words,
        sent_at=_instant(message.get("date")),
        attachments=() if kind == "text" else (kind,),
        files=(Attachment(photo, "anh.jpg"),) if photo else (),
    )


def _kind(event_name: str) -> str | None:
    parts = event_name.split(".")
    known = len(parts) == 3 and parts[0] == "message" and parts[2] == "received"
    return parts[1] if known and parts[1] in ("text", "image", *_UNREAD) else None


def _text(given: dict[str, Any], key: str) -> str:
    value = given.get(key)
    return value if isinstance(value, str) else ""


def _instant(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None
