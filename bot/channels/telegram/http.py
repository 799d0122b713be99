"""The Bot API over bare HTTP: what an answer means, and the long poll.

Promises that the token, which stands in the address, is in no error and no log line. Knows no library's
types: python-telegram-bot lives in bot/channels/telegram/channel.py and its request alone.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator
from typing import Any

import httpcore
import httpx

from bot.channels.http_client import tls_context
from bot.channels.safe_json import parse_json
from data.log import get_logger
from jobs.channel import (
    DeliveryError,
    Gone,
    Moved,
    RateLimited,
    RawUpdate,
    Rejected,
    Transient,
    Unauthorised,
    Unknown,
)

log = get_logger("telegram")

UPDATE_TYPES = [
    "message",
    "callback_query",
    "my_chat_member",
]  # the last list given sticks on the server
ANSWER_SECONDS = 30  # an answer may take long; giving up early makes repeats

_POLL_SECONDS = 50  # the longest that the server keeps a poll open
_QUIET_SECONDS = 6 * 86400.0  # after a week without updates their numbers begin anew

_TOPIC_IS_GONE = ("message thread not found", "topic_deleted", "topic_closed", "topic_id_invalid")
_CHAT_IS_GONE = (
    "chat not found",
    "user not found",
    "user is deactivated",
    "peer_id_invalid",
    "not enough rights",
    "have no rights",
    "chat_write_forbidden",
    "chat_restricted",
    "need administrator rights",
    "bot was kicked",
    "bot is not a member",
    "group chat was deactivated",
    "group chat was deleted",
)


class TopicGone(DeliveryError):
    """The forum topic was deleted or closed; the chat is still there."""


def telegram_delivery_error(code: int, payload: bytes) -> DeliveryError:
    """Return what an answer other than 200 means for the message that was sent.

    A refusal that is not the Bot API's JSON comes from something in between (a firewall, a proxy): a
    4xx of it never reached Telegram; a 5xx of it may have.
    """
    try:
        given = parse_json(payload)
        words, parameters = str(given["description"]), given.get("parameters") or {}
    except (ValueError, KeyError, TypeError, AttributeError):
        detail = f"HTTP {code}, not from the Bot API"
        return Unknown(detail) if code >= 500 else Transient(detail)
    detail, lower = f"{code} {words}"[:300], words.lower()
    if "migrate_to_chat_id" in parameters:
        return Moved(detail, new_address=str(parameters["migrate_to_chat_id"]))
    if code == 429:
        return RateLimited(detail, retry_after=float(parameters.get("retry_after") or 1))
    if code in (401, 404):  # 404: not even shaped like a token
        return Unauthorised(detail)
    if code == 403:
        return Gone(detail)
    if code == 400:
        if any(sign in lower for sign in _TOPIC_IS_GONE):
            return TopicGone(detail)
        return Gone(detail) if any(sign in lower for sign in _CHAT_IS_GONE) else Rejected(detail)
    return Rejected(detail) if code == 413 else Transient(detail)


def delivery_error_from_transport(cause: BaseException | None) -> DeliveryError:
    """Tell what never left from what may have arrived, by httpcore's own error."""
    name = type(cause).__name__
    never_left = (
        httpcore.ConnectError,
        httpcore.ConnectTimeout,
        httpcore.PoolTimeout,
        httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
    )
    return Transient(name) if isinstance(cause, never_left) else Unknown(name)


async def poll_telegram(url: str, offset: int | None) -> AsyncGenerator[list[RawUpdate], None]:
    """Long-poll the bot at an address (its token at the end) for ever; yields what each poll brought.

    The caller stores a batch before it asks for the next, for asking tells Telegram to forget. Takes a
    webhook away first, since the server refuses both at once; what waits there is kept. Waits and goes
    on after network errors and 409 (a second poller); raises Unauthorised.
    """
    loop = asyncio.get_running_loop()
    heard_at, pause, webhook = loop.time(), 1.0, True
    timeout = httpx.Timeout(ANSWER_SECONDS, read=_POLL_SECONDS + 15)
    async with httpx.AsyncClient(timeout=timeout, verify=tls_context()) as client:
        while True:
            try:
                if webhook:
                    await _ask(client, f"{url}/deleteWebhook", {})
                    webhook = False
                if loop.time() - heard_at > _QUIET_SECONDS:
                    offset = None
                asked = {"timeout": _POLL_SECONDS, "limit": 100, "allowed_updates": UPDATE_TYPES}
                if offset is not None:
                    asked["offset"] = offset
                found = await _ask(client, f"{url}/getUpdates", asked)
            except Unauthorised:
                raise
            except DeliveryError as error:
                wait = error.retry_after if isinstance(error, RateLimited) else pause
                log.warning("poll.failed", error=str(error), wait=round(wait))
                await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311
                pause = min(pause * 2, 30.0)
                yield []  # before it asks again: the other poller may be the account's new owner
                continue
            pause = 1.0
            batch = [raw_update_from_telegram(given) for given in found if _is_update(given)]
            if batch:
                heard_at = loop.time()
            yield batch  # an empty one too: the caller may have lost the account
            if batch:
                offset = int(batch[-1].update_id) + 1
            elif found:
                await asyncio.sleep(
                    pause
                )  # nothing in it has a number: do not ask in a tight circle


async def _ask(client: httpx.AsyncClient, address: str, data: dict[str, Any]) -> list[Any]:
    """Call a method; returns its list, [] for any other result."""
    failed: DeliveryError
    try:
        answer = await client.post(address, json=data)
    except httpx.HTTPError as error:
        failed = Transient(type(error).__name__)
    else:
        if answer.status_code != 200:
            failed = telegram_delivery_error(answer.status_code, answer.content)
        else:
            try:
                result = answer.json()["result"]
            except (ValueError, KeyError, TypeError):
                failed = Transient("garbled answer")
            else:
                return result if isinstance(result, list) else []
    raise failed  # outside of the handler: httpx's error holds the address


def raw_update_from_telegram(given: Any, body: bytes | None = None) -> RawUpdate:
    """Return an update with its number and chat; raises ValueError for what is no update."""
    if not _is_update(given):
        raise ValueError("an update is a JSON object with a number")
    if body is None:
        body = json.dumps(given, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return RawUpdate(str(given["update_id"]), body, _address(given))


def _is_update(given: Any) -> bool:
    return isinstance(given, dict) and _is_number(given.get("update_id"))


def _is_number(value: Any) -> bool:
    """Tell whether it is an integer of Telegram's, which has at most 52 significant bits."""
    return type(value) is int and abs(value) < 2**53


def _address(given: dict[str, Any]) -> str | None:
    """Look up the chat's id without trusting the update's shape."""
    for kind in UPDATE_TYPES:
        held = given.get(kind)
        if isinstance(held, dict) and kind == "callback_query":
            held = held.get("message")
        chat = held.get("chat") if isinstance(held, dict) else None
        if isinstance(chat, dict) and _is_number(chat.get("id")):
            return str(chat["id"])
    return None
