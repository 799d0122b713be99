"""What a refusal of the Bot API means, read from its words: Telegram's own codes are too coarse.

The words are those of the Bot API server's source and of MTProto (core.telegram.org/api/errors).
"""

from __future__ import annotations

import re
from typing import Any

from bot.channels.safe_json import parse_json
from jobs.channel import (
    DeliveryError,
    FilesForbidden,
    FileTooBig,
    Gone,
    Moved,
    RateLimited,
    Rejected,
    TopicClosed,
    Transient,
    Unauthorised,
    Unknown,
    WritingForbidden,
)

# The words of a wait, where an old server leaves the parameter out; slow mode names its seconds in a code.
_WAIT = re.compile(r"(?:retry after |slowmode_wait_|flood_wait_)(\d+)")

_TOPIC_IS_GONE = ("message thread not found", "topic_deleted", "topic_id_invalid")
_TOPIC_IS_CLOSED = ("topic_closed",)
# "not enough rights to send photos to the chat", but neither "… text messages …" nor "… a message …".
_FILES_ARE_FORBIDDEN = re.compile(
    r"rights to send (?!(?:text |a |the )?messages?\b)\w+|chat_send_(?!plain_)\w+_forbidden"
)
_FILE_IS_TOO_BIG = ("file is too big",)
_WRITING_IS_FORBIDDEN = (
    "not enough rights",
    "have no rights",
    "no write access",
    "need administrator rights",
    "chat_write_forbidden",
    "chat_restricted",
    "chat_send_plain_forbidden",
    "chat_guest_send_forbidden",
    "chat_admin_required",
    "user_banned_in_channel",
    "payment_required",
)
_CHAT_IS_GONE = (
    "chat not found",
    "user not found",
    "user is deactivated",
    "bot was kicked",
    "bot was blocked",
    "bot is not a member",
    "group chat was deactivated",
    "group chat was deleted",
    "can't initiate conversation",
    "can't send messages to bots",
    "peer_id_invalid",
    "chat_id_invalid",
    "chat_forbidden",
    "channel_private",
    "channel_invalid",
    "user_is_blocked",
    "user_deactivated",
    "user_privacy_restricted",
    "privacy_premium_required",
)


class TopicGone(DeliveryError):
    """The forum topic was deleted; the forum is still there."""


def telegram_delivery_error(code: int, payload: bytes) -> DeliveryError:
    """Return the error that an answer other than 200 means.

    A refusal that is not the Bot API's JSON comes from a firewall or a proxy in between. A 4xx of it never
    reached Telegram; a 5xx of it may have.
    """
    try:
        given = parse_json(payload)
        words, parameters = str(given["description"]), given.get("parameters")
    except (ValueError, KeyError, TypeError, AttributeError):
        detail = f"HTTP {code}, not from the Bot API"
        return Unknown(detail) if code >= 500 else Transient(detail)
    if not isinstance(parameters, dict):
        parameters = {}
    detail, lower = f"{code} {words}"[:300], words.lower()
    new_address = parameters.get("migrate_to_chat_id")
    if isinstance(new_address, int | str) and new_address:
        return Moved(detail, new_address=str(new_address))
    wait = _WAIT.search(lower)
    if code in (420, 429) or (wait is not None and code == 400):
        retry_after = _seconds(parameters.get("retry_after")) or (float(wait[1]) if wait else 0.0)
        return RateLimited(detail, retry_after=retry_after or 1.0)
    if code == 404 and "method" in lower:
        return Rejected(detail)  # a server of an older version does not know it
    if code in (401, 404):  # 404: not even shaped like a token
        return Unauthorised(detail)
    if code in (400, 403):
        meaning = _meaning(lower)
        return (meaning or (Gone if code == 403 else Rejected))(detail)
    return Rejected(detail) if code == 413 else Transient(detail)


def _meaning(words: str) -> type[DeliveryError] | None:
    """Return what a refusal's words say of a chat, its topic, or the bot's rights there."""
    if any(sign in words for sign in _TOPIC_IS_GONE):
        return TopicGone
    if any(sign in words for sign in _TOPIC_IS_CLOSED):
        return TopicClosed
    if any(sign in words for sign in _CHAT_IS_GONE):
        return Gone
    if _FILES_ARE_FORBIDDEN.search(words):
        return FilesForbidden
    if any(sign in words for sign in _WRITING_IS_FORBIDDEN):
        return WritingForbidden
    return FileTooBig if any(sign in words for sign in _FILE_IS_TOO_BIG) else None


def _seconds(value: Any) -> float:
    """Return a wait that a server names, at most a week; 0 where it names none."""
    try:
        return min(max(0.0, float(value)), 7 * 86400.0)
    except (TypeError, ValueError):
        return 0.0


def refused_code(given: Any) -> int | None:
    """Return the code of an answer that is a refusal though its HTTP status is 200, as some servers send it."""
    if not isinstance(given, dict) or given.get("ok") is not False:
        return None
    code = given.get("error_code")
    return code if isinstance(code, int) and 400 <= code < 600 else 400
