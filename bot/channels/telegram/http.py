"""The Bot API over bare HTTP: what a broken connection means, and the long poll.

Guarantees: the token, which is part of the address, is in no error and no log line.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator
from typing import Any, TypeGuard

import httpcore
import httpx

from bot.channels.http_client import tls_context
from bot.channels.safe_json import parse_json
from bot.channels.telegram.refusals import refused_code, telegram_delivery_error
from data.log import get_logger
from jobs.channel import DeliveryError, RateLimited, RawUpdate, Transient, Unauthorised, Unknown

log = get_logger("telegram")

UPDATE_TYPES = [
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
]  # the server keeps the last list given
ANSWER_SECONDS = 30  # an answer may take long; giving up early makes repeats

_POLL_SECONDS = 50  # the longest that the server keeps a poll open
_QUIET_SECONDS = 6 * 86400.0  # after a week without updates their numbers begin anew
# Seconds from poll to poll of a server that answers at once with nothing new: some keep no poll open.
_FIRST_FLOOR, _LONGEST_FLOOR = 1.0, 5.0


def delivery_error_from_transport(cause: BaseException | None) -> DeliveryError:
    """Tell a request that never left (Transient) from one that may have arrived, by httpcore's error."""
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
    """Long-poll for ever and yield each batch; url ends with the token. Raises Unauthorised.

    The caller stores a batch before it takes the next, because the next poll tells Telegram to forget it.
    A webhook is deleted first: the server refuses both at once, and keeps the updates that wait. After a
    network error, or a 409 from a second poller, it waits and goes on.
    """
    loop = asyncio.get_running_loop()
    heard_at, pause, floor, has_webhook = loop.time(), 1.0, _FIRST_FLOOR, True
    timeout = httpx.Timeout(ANSWER_SECONDS, read=_POLL_SECONDS + 15)
    async with httpx.AsyncClient(timeout=timeout, verify=tls_context()) as client:
        while True:
            began = loop.time()
            try:
                if has_webhook:
                    await _ask(client, f"{url}/deleteWebhook", {})
                    has_webhook = False
                if began - heard_at > _QUIET_SECONDS:
                    offset = None
                query = {"timeout": _POLL_SECONDS, "limit": 100, "allowed_updates": UPDATE_TYPES}
                if offset is not None:
                    query["offset"] = offset
                updates = await _ask(client, f"{url}/getUpdates", query)
            except Unauthorised:
                raise
            except DeliveryError as error:
                wait = error.retry_after if isinstance(error, RateLimited) else pause
                log.warning("poll.failed", error=str(error), wait=round(wait))
                await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311
                pause = min(pause * 2, 30.0)
                yield []  # the other poller may be the account's new owner: the caller checks
                continue
            pause = 1.0
            batch = [raw_update_from_telegram(given) for given in updates if _is_update(given)]
            if batch:
                heard_at = loop.time()
            yield batch  # an empty one too: the caller may have lost the account
            last = offset
            if batch:
                offset = int(batch[-1].update_id) + 1
            if batch and offset != last:
                floor = _FIRST_FLOOR
                continue
            left = began + floor - loop.time()
            if left <= 0:  # the server kept the poll open
                floor = _FIRST_FLOOR
                continue
            await asyncio.sleep(left)
            floor = min(floor * 2, _LONGEST_FLOOR)


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
                given = parse_json(answer.content)
                if (code := refused_code(given)) is None:
                    return given["result"] if isinstance(given["result"], list) else []
                failed = telegram_delivery_error(code, answer.content)
            except (ValueError, KeyError, TypeError):
                failed = Transient("garbled answer")
    raise failed  # outside of the handler: httpx's error holds the address


def raw_update_from_telegram(given: Any, body: bytes | None = None) -> RawUpdate:
    """Return an update with its number and chat; ValueError for a value that is no update."""
    if not _is_update(given):
        raise ValueError("an update is a JSON object with a number")
    if body is None:
        body = json.dumps(given, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return RawUpdate(str(given["update_id"]), body, _address(given), _message_id(given))


def _is_update(given: Any) -> bool:
    return isinstance(given, dict) and is_telegram_number(given.get("update_id"))


def is_telegram_number(value: Any) -> TypeGuard[int]:
    """Tell whether a value is an integer of Telegram's, which has at most 52 significant bits."""
    return type(value) is int and abs(value) < 2**53


def _address(given: dict[str, Any]) -> str | None:
    """Look up the chat's id without trusting the update's shape."""
    for kind in UPDATE_TYPES:
        part = given.get(kind)
        if isinstance(part, dict) and kind == "callback_query":
            part = part.get("message")
        chat = part.get("chat") if isinstance(part, dict) else None
        if isinstance(chat, dict) and is_telegram_number(chat.get("id")):
            return str(chat["id"])
    return None


def _message_id(given: dict[str, Any]) -> str | None:
    """Look up the message's id, of an edit that of the message it changes."""
    for kind in ("message", "edited_message"):
        part = given.get(kind)
        if isinstance(part, dict) and is_telegram_number(part.get("message_id")):
            return str(part["message_id"])
    return None
