"""Requests as bytes on a socket: lengths that two programs would read differently, and a Host that lies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.channels.messenger import WebhookAddress
from bot.channels.telegram.account import SECRET_HEADER
from bot.sandbox.page import make_page_app
from bot.web.routes import Webhook, make_web_app
from bot.web.server import open_listener, serve
from data.clock import SystemClock
from data.db.database import Database

pytestmark = pytest.mark.slow

SECRET = "s3cret-Token"
HIDDEN = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"  # what a proxy took for a part of the body


class Server:
    """The service's web side on a port; `bodies`: what it was given to store."""

    def __init__(self) -> None:
        self.port = 0
        self.bodies: list[bytes] = []

    async def receive(self, body: bytes) -> None:
        self.bodies.append(body)

    async def send(self, *lines: str, body: bytes = b"", version: str = "1.1") -> bytes:
        """Send a request to the webhook; returns all that came until the server closed."""
        head = [f"POST /telegram/8001 HTTP/{version}", "Host: x", f"{SECRET_HEADER}: {SECRET}"]
        return await self.exchange("\r\n".join([*head, *lines, "", ""]).encode() + body)

    async def exchange(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        try:
            async with asyncio.timeout(10):
                return await reader.read()
        finally:
            writer.close()


@pytest.fixture
async def server(database: Database) -> AsyncIterator[Server]:
    made = Server()
    hook = Webhook(WebhookAddress("/telegram/8001", SECRET_HEADER, SECRET), made.receive)
    async with served(made, make_web_app(database, SystemClock(), [hook])):
        yield made


@asynccontextmanager
async def served(made: Server, app: Any) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    with open_listener("127.0.0.1", 0) as listener:
        made.port = listener.getsockname()[1]
        serving = asyncio.create_task(serve(app, listener, stopping))
        try:
            yield
        finally:
            stopping.set()
            await serving


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 40", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 40"),
        ("transfer-encoding: Chunked", "CONTENT-LENGTH: 0"),
        ("Content-Length: 5", "Content-Length: 5", "Transfer-Encoding: chunked"),
    ],
)
async def test_a_body_with_two_lengths_is_refused_and_what_follows_is_no_request(
    server: Server, lines: tuple[str, ...]
) -> None:
    answer = await server.send(*lines, body=b"0\r\n\r\n" + HIDDEN)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert server.bodies == []


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Content-Length: 40"),
        ("Content-Length: 5, 40",),
        ("Content-Length: +5",),
        ("Content-Length: 0x5",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding:\x0bchunked", "Content-Length: 5"),
    ],
)
async def test_a_length_that_is_none_is_refused_as_well(
    server: Server, lines: tuple[str, ...]
) -> None:
    answer = await server.send(*lines, body=b"0\r\n\r\n" + HIDDEN)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert server.bodies == []


async def test_chunks_to_a_server_of_an_older_protocol_are_refused(server: Server) -> None:
    answer = await server.send("Transfer-Encoding: chunked", body=b"0\r\n\r\n", version="1.0")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert server.bodies == []


async def test_one_length_of_either_kind_is_taken(server: Server) -> None:
    close = "Connection: close"
    plain = await server.send(close, "Content-Length: 2", body=b"{}")
    chunked = await server.send(close, "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n")
    assert [each.split()[1] for each in (plain, chunked)] == [b"200", b"200"]
    assert server.bodies == [b"{}", b"{}"]


@pytest.mark.parametrize(
    "path", ["/healthz/", "/metrics/", "/telegram/8001/", "//healthz", "/nothing/"]
)
async def test_no_answer_sends_the_caller_to_the_host_it_named(server: Server, path: str) -> None:
    for method in ("GET", "POST", "HEAD"):
        head = [f"{method} {path} HTTP/1.1", "Host: evil.example", "Connection: close"]
        answer = await server.exchange("\r\n".join([*head, "", ""]).encode())
        assert answer.split()[1] in (b"404", b"405")
        assert b"evil.example" not in answer


@pytest.mark.parametrize(
    ("path", "cookie", "place"),
    [
        ("/?khoa=tok-en", "", b"/?"),
        ("//evil.example/?khoa=tok-en", "", b""),
        ("/file/", "nhacviec_khoa_1=tok-en", b""),
        ("/say/", "nhacviec_khoa_1=tok-en", b""),
    ],
)
async def test_the_sandbox_page_sends_nobody_elsewhere_either(
    path: str, cookie: str, place: bytes
) -> None:
    made = Server()
    async with served(made, make_page_app(Any, port=1, token="tok-en")):  # type: ignore[arg-type]
        head = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1:1", "X-Forwarded-Host: evil.example"]
        lines = [*head, f"Cookie: {cookie}", "Connection: close", "", ""]
        answer = (await made.exchange("\r\n".join(lines).encode())).partition(b"\r\n\r\n")[0]
        assert [
            line.partition(b": ")[2]
            for line in answer.split(b"\r\n")
            if line.lower().startswith(b"location:")
        ] == [place][: len(place)]
