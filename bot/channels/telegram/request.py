"""python-telegram-bot's BaseRequest on httpcore, the engine of httpx.

Guarantees:
- Every refusal is raised as it came (BotApiRefusal), before the library reads it.
- Of an answer the library reads only what is used: an old or strange server may write the rest as it likes.
- A NetworkError's cause is httpcore's own error, which tells whether the request left.
- Nothing is logged, because addresses hold the token.

The library's own request goes through an httpx client. Cookies, redirects and merged addresses, which the
Bot API has no use for, take an eighth of the time from claim to record there.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx
from telegram.error import NetworkError, TelegramError
from telegram.request import BaseRequest, RequestData

from bot.channels.http_client import tls_context
from bot.channels.safe_json import parse_json
from bot.channels.telegram.refusals import refused_code

_CONNECT_SECONDS, _POOL_SECONDS = 10.0, 5.0
_KEPT_SECONDS = 5.0  # how long an idle connection stays open
_CONNECTIONS = 8


class BotApiRefusal(TelegramError):
    """Any answer but 2xx, as it came."""

    def __init__(self, code: int, payload: bytes) -> None:
        super().__init__(f"HTTP {code}")
        self.code = code
        self.payload = payload


class HttpcoreRequest(BaseRequest):
    """The connections to one server; answer_seconds: for reading, and for writing."""

    def __init__(self, base_url: str, *, answer_seconds: float) -> None:
        self._answer_seconds = answer_seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls_context(),
            proxy=_proxy_to(base_url),
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_KEPT_SECONDS,
        )

    @property
    def read_timeout(self) -> float:
        """Seconds to wait for an answer."""
        return self._answer_seconds

    async def initialize(self) -> None:
        """Do nothing: connections are made on use."""

    async def shutdown(self) -> None:
        """Close all connections; a later request makes new ones."""
        await self._pool.aclose()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Ask once; return status and body. Raises BotApiRefusal, TelegramError or NetworkError."""
        headers, content = _body(request_data)
        seconds = {
            "read": _given(read_timeout, self._answer_seconds),
            "write": _given(write_timeout, self._answer_seconds),
            "connect": _given(connect_timeout, _CONNECT_SECONDS),
            "pool": _given(pool_timeout, _POOL_SECONDS),
        }
        try:
            answer = await self._pool.request(
                method,
                url,
                headers=[("User-Agent", self.USER_AGENT), *headers],
                content=content,
                extensions={"timeout": seconds},
            )
        except _FAILURES as error:
            raise NetworkError(type(error).__name__) from error
        payload = answer.content
        if not 200 <= answer.status <= 299:
            raise BotApiRefusal(answer.status, payload)
        is_file = "/file/bot" in url
        if not is_file and not (payload.startswith(b"{") and payload.rstrip().endswith(b"}")):
            raise TelegramError("garbled answer")  # before the library logs it
        return answer.status, payload

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Read an answer and keep what is used of it; raises BotApiRefusal, TelegramError."""
        try:
            given = parse_json(payload)
        except ValueError:
            raise TelegramError("garbled answer") from None
        if (code := refused_code(given)) is not None:
            raise BotApiRefusal(code, payload)
        if not isinstance(given, dict) or "result" not in given:
            raise TelegramError("garbled answer")
        return {"ok": True, "result": _used_part(given["result"])}


# What a server of an older version leaves out of an answer, by a part that the answer has.
_LEFT_OUT: dict[str, dict[str, Any]] = {
    "file_path": {"file_id": "", "file_unique_id": ""},
    "url": {"has_custom_certificate": False, "pending_update_count": 0},  # of a webhook
    "id": {"is_bot": True, "first_name": ""},  # of a bot
}
_FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


def _used_part(result: Any) -> Any:
    """Return a sent message by its number alone; a bot or a file with what an old server leaves out."""
    if not isinstance(result, dict):
        return result
    if "message_id" in result:
        if not isinstance(result["message_id"], int | str):
            raise TelegramError("a message without a number")
        return {"message_id": result["message_id"], "date": 0, "chat": {"id": 0, "type": "private"}}
    for key, left_out in _LEFT_OUT.items():
        if key in result:
            return left_out | result
    return result


def _given(seconds: Any, usual: float) -> float | None:
    return usual if seconds is BaseRequest.DEFAULT_NONE else seconds


def _body(data: RequestData | None) -> tuple[list[tuple[str, str]], bytes | None]:
    """Return a request's headers and body: JSON, or a multipart form where there are files."""
    if data is None:
        return [], None
    if not data.multipart_data:
        return [("Content-Type", "application/json")], data.json_payload
    form = httpx.Request(
        "POST", "http://form", data=data.json_parameters, files=data.multipart_data
    )
    return [("Content-Type", form.headers["Content-Type"])], form.read()


def _proxy_to(base_url: str) -> httpcore.Proxy | None:
    """Return the proxy for a server by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, as httpx does."""
    address = urlsplit(base_url)
    proxies = getproxies()
    named = proxies.get(address.scheme) or proxies.get("all")
    if not named or proxy_bypass(address.hostname or ""):
        return None
    proxy = httpx.Proxy(named if "://" in named else f"http://{named}")
    secured = tls_context() if proxy.url.scheme == "https" else None
    return httpcore.Proxy(str(proxy.url), auth=proxy.raw_auth, ssl_context=secured)
