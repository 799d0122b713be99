"""What the local servers of the platforms share: running in the test's own loop, and answering badly."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import uvicorn
from starlette.routing import Route, Router


class Refused(Exception):
    """The platform says no, in its own words."""

    def __init__(self, code: int, words: str, **parameters: int) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.parameters = parameters


class GarbledError(Exception):
    """What answers is not the platform."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Fault:
    """How to answer `times` requests (of a chat, if told) instead of serving them as usual.

    kind: rate_limited, server_error, garbage, bad_gateway, late (serve after `seconds`), hang (never
    answer, take nothing), lost (take it, drop the answer), dropped (drop the connection, take
    nothing), blocked, kicked, not_found, migrated (to `to`), no_topic, unauthorised, bad_request.
    """

    kind: str
    chat: int | None = None
    method: str = "sendMessage"
    times: int = 1
    seconds: float = 0.0
    to: int = 0
    words: str = "Bad Request: no"


class LocalServer(abc.ABC):
    """A server on a free port of this machine for as long as the block lasts; `url` is its address."""

    url: str

    @abc.abstractmethod
    def routes(self) -> Sequence[Route]:
        """Return where what is asked goes; the platform's methods to an Endpoint."""

    @abc.abstractmethod
    async def answer(
        self, given: dict[str, str], body: bytes, at: float
    ) -> tuple[int, dict[str, Any]]:
        """Return status and body for one request, or raise GarbledError or ConnectionAbortedError."""

    async def __aenter__(self) -> Self:
        self._news = asyncio.Event()
        self._shut = asyncio.Event()
        config = uvicorn.Config(
            Router(self.routes()),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config, self._shut)
        # asyncio sends small packets at once only on sockets that are told to be TCP
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))
        while not self._server.started:
            await asyncio.sleep(0.005)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._shut.set()
        self._news.set()
        await self._task


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, shut: asyncio.Event) -> None:
        super().__init__(config)
        self._shut = shut

    async def main_loop(self) -> None:
        await self.on_tick(0)  # sets the date of answers; the original goes on ten times a second
        await self._shut.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the test runner's


class Endpoint:
    """The raw ASGI side, so that an answer can be dropped on the floor."""

    def __init__(self, server: LocalServer) -> None:
        self._api = server

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        at = asyncio.get_running_loop().time()
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        try:
            status, answer = await self._answer(scope["path_params"], body, at, receive)
            await _send(send, status, json.dumps(answer).encode())
        except GarbledError as garbled:
            await _send(send, garbled.code, b"<html><body>Welcome to the Wi-Fi</body></html>")
        except ConnectionAbortedError:
            send.__self__.transport.abort()  # uvicorn's cycle: nothing is answered

    async def _answer(
        self, given: dict[str, str], body: bytes, at: float, receive: Any
    ) -> tuple[int, dict[str, Any]]:
        """Answer; a poll whose asker is gone ends, and takes no update with it."""
        if given.get("method") != "getUpdates":
            return await self._api.answer(given, body, at)
        answering = asyncio.create_task(self._api.answer(given, body, at))
        gone = asyncio.create_task(receive())
        try:
            await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise ConnectionAbortedError
            return answering.result()
        finally:
            gone.cancel()
            answering.cancel()


async def _send(send: Any, code: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body})
