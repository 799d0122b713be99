"""The Zalo Bot Platform over bare HTTP: one call, the meaning of a refusal, and the poll.

Guarantees:
- One request a call. The platform has no idempotency key: without an answer a send may have arrived (Unknown).
- The token, which is part of the address, is in no error and no log line.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import random
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx

from bot.channels.http_client import tls_context
from bot.channels.safe_json import parse_json
from data.log import get_logger
from jobs.channel import (
    DeliveryError,
    FileTooBig,
    Gone,
    RateLimited,
    RawUpdate,
    Rejected,
    Transient,
    Unauthorised,
    Unknown,
)

log = get_logger("zalo")

BASE_URL = "https://bot-api.zaloplatforms.com"
ANSWER_SECONDS = 30.0
POLL_SECONDS = 30
POLL_FLOOR = 1.0  # seconds from poll to poll: consumed updates may come back at once, for ever
FIRST_REST, LONGEST_REST = 60.0, 3600.0  # seconds after a 429: no Retry-After is documented

_NO_REQUEST_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def zalo_delivery_error(code: int, words: str, *, rest: float = FIRST_REST) -> DeliveryError:
    """Return the error that a refusal in the platform's own form means; rest: seconds to wait after a 429.

    403 is documented as "Internal server error", 404 as an invalid request. 410 and 422 are undocumented,
    and were seen for chats that are gone or that may not be written to.
    """
    detail = f"{code} {words}"[:300]
    match code:
        case 401:
            return Unauthorised(detail)
        case 410 | 422:
            return Gone(detail)
        case 429:
            return RateLimited(detail, retry_after=rest, whole_account=True)
        case 408:
            return Unknown(detail)
        case 400 | 404 | 413:
            return Rejected(detail)
        case _:
            return Transient(detail)


class ZaloClient:
    """The calls of one bot."""

    def __init__(self, token: str, *, base_url: str, answer_seconds: float) -> None:
        self._url = f"{base_url.rstrip('/')}/bot{token}"
        self._seconds = answer_seconds
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(answer_seconds, connect=10.0), verify=tls_context()
        )
        self._refused = 0  # 429 in a row: the quota of the month, or of the second
        for library in ("httpx", "httpcore"):  # they log addresses, and the address holds the token
            logging.getLogger(library).setLevel(logging.WARNING)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(
        self,
        method: str,
        data: Mapping[str, Any],
        *,
        seconds: float | None = None,
        instead: Mapping[int, Any] | None = None,
    ) -> Any:
        """Call a method and return its result; raises DeliveryError.

        instead: results for refusals that are no fault of this method, by their code.
        """
        failed: DeliveryError
        try:
            answer = await self._http.post(
                f"{self._url}/{method}",
                json=dict(data),
                timeout=httpx.Timeout(seconds or self._seconds, connect=10.0),
            )
        except _NO_REQUEST_LEFT as error:
            failed = Transient(type(error).__name__)
        except httpx.HTTPError as error:
            failed = Unknown(type(error).__name__)
        else:
            given = _object(answer.content)
            if given is None:
                failed = _garbled(answer.status_code)
            elif given.get("ok") is True:
                self._refused = 0
                return given.get("result")
            else:
                code = _code(given, answer.status_code)
                if instead is not None and code in instead:
                    return instead[code]
                failed = self._refusal(code, str(given.get("description", "")))
        raise failed  # outside of the handler: httpx's error holds the address

    async def webhook(self) -> str:
        """Return the address that updates are sent to; "" where none was ever set (a 404)."""
        found = await self.call("getWebhookInfo", {}, instead={404: None})
        return str(found.get("url") or "") if isinstance(found, dict) else ""

    async def download(self, url: str, *, most: int) -> bytes:
        """Download an address; raises FileTooBig for more than `most` bytes, else a DeliveryError."""
        failed: DeliveryError
        try:
            async with self._http.stream("GET", url) as answer:
                if answer.status_code != 200:
                    failed = Transient(f"HTTP {answer.status_code}")
                else:
                    parts = bytearray()
                    async for part in answer.aiter_bytes():
                        parts += part
                        if len(parts) > most:
                            raise FileTooBig("file too big")
                    return bytes(parts)
        except httpx.HTTPError as error:
            failed = Transient(type(error).__name__)
        raise failed

    def _refusal(self, code: int, words: str) -> DeliveryError:
        if code != 429:
            return zalo_delivery_error(code, words)
        rest = min(FIRST_REST * 2.0 ** min(self._refused, 10), LONGEST_REST)
        self._refused += 1
        return zalo_delivery_error(code, words, rest=rest)


async def poll_zalo(
    client: ZaloClient, *, floor: float = POLL_FLOOR
) -> AsyncGenerator[list[RawUpdate], None]:
    """Poll for ever, at most once in `floor` seconds, and yield each answer; raises Unauthorised.

    One update comes at a time, without an offset: the caller stores it before the next poll, and knows it
    again if it comes back. While a webhook is set, nothing is polled until the administrator deletes it.
    """
    loop = asyncio.get_running_loop()
    pause, no_webhook = floor, False
    seconds: int | str = POLL_SECONDS  # documented as a string, shown as a number
    while True:
        began = loop.time()
        try:
            if not no_webhook:
                if await client.webhook():
                    raise Transient("a webhook is set: nhacviec zalo webhook delete")
                no_webhook = True
            result = await client.call(
                "getUpdates",
                {"timeout": seconds},
                seconds=POLL_SECONDS + 10.0,
                instead={408: None},
            )
        except Unauthorised:
            raise
        except DeliveryError as error:
            if no_webhook and isinstance(error, Rejected):
                seconds = POLL_SECONDS if isinstance(seconds, str) else str(POLL_SECONDS)
            no_webhook = False
            wait = error.retry_after if isinstance(error, RateLimited) else pause
            log.warning("poll.failed", error=str(error), wait=round(wait))
            await asyncio.sleep(wait * random.uniform(0.9, 1.1))  # noqa: S311
            pause = min(pause * 2, 30.0)
            yield []  # as after an empty poll
            continue
        pause = floor
        updates = result if isinstance(result, list) else [result]
        batch = [_polled_update(given) for given in updates if isinstance(given, dict) and given]
        yield batch  # an empty one too: the caller may have lost the account
        await asyncio.sleep(max(0.0, began + floor - loop.time()))


def raw_update_from_zalo(given: Any, body: bytes | None = None) -> RawUpdate:
    """Return an update with its chat; its id is its message's, or else a hash of its body.

    Takes both forms: {"event_name", "message"}, alone or as the result of an answer. Raises ValueError
    for a value that is no update.
    """
    event = unwrap_event(given)
    message = event.get("message")
    if body is None:
        body = json.dumps(given, ensure_ascii=False).encode("utf-8", "surrogatepass")
    key = id_from_zalo(message.get("message_id")) if isinstance(message, dict) else ""
    chat = message.get("chat") if isinstance(message, dict) else None
    given_address = id_from_zalo(chat.get("id")) if isinstance(chat, dict) else ""
    address = given_address if _is_name(given_address) else None
    if address is None or not _is_name(key):
        return RawUpdate(_hash_of(body), body, address)
    # Nothing says that a message's id is unique beyond its chat; both together may be too long to store.
    both = hashlib.sha256(json.dumps([address, key]).encode()).hexdigest()
    return RawUpdate(f"m:{both}", body, address)


def id_from_zalo(value: Any) -> str:
    """Return an id as text: the platform writes text, some of its relays numbers; "" for anything else."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if isinstance(value, str) else str(value) if is_number else ""


def _polled_update(given: dict[str, Any]) -> RawUpdate:
    """Return a polled update; one of no known form too, which the platform has forgotten: it is parked later."""
    try:
        return raw_update_from_zalo(given)
    except ValueError:
        body = json.dumps(given, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return RawUpdate(_hash_of(body), body)


def _hash_of(body: bytes) -> str:
    return f"h:{hashlib.sha256(body).hexdigest()}"


def _is_name(value: Any) -> bool:
    """Tell whether a value can be stored as an id: short, printable ASCII."""
    return (
        isinstance(value, str) and 0 < len(value) <= 78 and value.isascii() and value.isprintable()
    )


def unwrap_event(given: Any) -> dict[str, Any]:
    """Return the event of an update in either form; ValueError for a value that is none."""
    if isinstance(given, dict) and isinstance(given.get("result"), dict):
        given = given["result"]
    if not isinstance(given, dict) or not isinstance(given.get("event_name"), str):
        raise ValueError("an update is a JSON object with an event_name")
    return given


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        given = parse_json(body)
    except ValueError:
        return None
    return given if isinstance(given, dict) and "ok" in given else None


def _code(given: Mapping[str, Any], status: int) -> int:
    for name in ("error_code", "errorCode"):  # the platform writes both
        code = given.get(name)
        if isinstance(code, int):
            return code
    return status


def _garbled(status: int) -> DeliveryError:
    """Judge a refusal that is not the platform's JSON: a proxy's 4xx never reached the platform."""
    detail = f"HTTP {status}, not from the platform"
    return Transient(detail) if 400 <= status < 500 else Unknown(detail)
