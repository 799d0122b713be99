"""Zalo's updates as jobs.channel.Incoming.

Guarantees:
- The bot's own messages and those of groups are ignored. The platform's groups are a trial, and only private
  chats enrol.
- What is not used may be missing or strange; what is used and cannot be read makes the update malformed.
"""

from __future__ import annotations

from typing import Any

from bot.channels.instants import instant_from_number
from bot.channels.zalo.http import id_from_zalo, raw_update_from_zalo, unwrap_event
from jobs.channel import Attachment, Incoming

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
    sender, chat = _part(message, "from"), _part(message, "chat")
    sender_id, address = id_from_zalo(sender.get("id")), id_from_zalo(chat.get("id"))
    if (sender_id and sender_id == bot_id) or sender.get("is_bot") is True:
        return None
    chat_type = _text(chat, "chat_type").upper()
    if chat_type not in ("", "PRIVATE"):
        return None
    if chat_type:  # both ids are one there, so that either will do
        sender_id, address = sender_id or address, address or sender_id
    if not address or not sender_id:
        raise ValueError("a message without the id of its chat or sender")
    if sender_id != address and not chat_type:
        raise ValueError("a chat of unknown kind")
    words = _text(message, "text") if kind == "text" else _text(message, "caption")
    return Incoming(
        account_id=account_id,
        update_id=raw_update_from_zalo(given).update_id,
        address=address,
        chat_kind="private",
        kind="text" if words else "other",
        sender=sender_id,
        sender_name=_text(sender, "display_name"),
        text=words,
        sent_at=instant_from_number(message.get("date")),
        attachments=() if kind == "text" else (kind,),
        files=(_photo(message),) if kind == "image" else (),
    )


def _kind(event_name: str) -> str | None:
    parts = event_name.split(".")
    known = len(parts) == 3 and parts[0] == "message" and parts[2] == "received"
    return parts[1] if known and parts[1] in ("text", "image", *_UNREAD) else None


def _photo(message: dict[str, Any]) -> Attachment:
    """Return a message's photo; one without an address as lost."""
    url = _text(message, "photo_url") or _text(message, "photo")
    return Attachment(url, "anh.jpg", fault="" if url else "lost")


def _part(given: dict[str, Any], key: str) -> dict[str, Any]:
    value = given.get(key)
    return value if isinstance(value, dict) else {}


def _text(given: dict[str, Any], key: str) -> str:
    value = given.get(key)
    return value if isinstance(value, str) else ""
