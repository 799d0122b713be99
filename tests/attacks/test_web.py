"""The web side under attack, as a process of its own: floods, dribbles, bodies without end.

What is measured is that process: its memory, and how soon genuine updates are answered meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from bot.channels.messenger import WebhookAddress
from bot.channels.telegram.account import SECRET_HEADER
from bot.channels.telegram.channel import TelegramChannel
from bot.config import webhook_secret
from bot.web.request_limits import REQUEST_SECONDS
from bot.web.routes import MAX_BODY_BYTES, Webhook, make_web_app
from bot.web.server import open_listener, serve, stop_on_signals
from data.accounts.leases import LEASE_SECONDS
from data.clock import SystemClock
from data.db.database import Database
from data.db.upgrade import upgrade_schema
from data.models import Account, InboxEvent
from jobs.inbox.intake import store_webhook
from tests.support.outbox_rows import account
from tests.support.telegram_server import TOKEN

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

SECRET, OTHER_SECRET = webhook_secret(TOKEN), webhook_secret("4243:another-bot-of-the-tests-alone")
GROWTH = 120  # MB that an attack may add
LARGE = 50_000_000  # bytes of a body


# ------------------------------------------------------------------ the processes


async def serving(folder: str) -> None:
    """Serve two bots' webhooks on a database of their own; prints the port. Runs until SIGTERM."""
    database = Database(f"sqlite+aiosqlite:///{folder}/web.db")
    await upgrade_schema(database)
    clock, hooks = SystemClock(), []
    for name, secret in (("4242", SECRET), ("4243", OTHER_SECRET)):
        number = await account(database, "telegram", name)
        channel = TelegramChannel(TOKEN)

        async def keep(body: bytes, number: int = number, channel: Any = channel) -> None:
            await store_webhook(database, channel, number, body, now=await clock.now())

        hooks.append(Webhook(WebhookAddress(f"/telegram/{name}", SECRET_HEADER, secret), keep))
    owning = asyncio.create_task(keep_owning(database))
    listener = open_listener("127.0.0.1", 0)
    print(listener.getsockname()[1], flush=True)
    with stop_on_signals() as stopping:
        await serve(make_web_app(database, clock, hooks), listener, stopping)
    owning.cancel()
    await database.dispose()


async def keep_owning(database: Database) -> None:
    """Renew the leases of all accounts, as a service does."""
    while True:
        until = datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS)
        async with database.write() as connection:
            await connection.execute(update(Account).values(owned_until=until, epoch=1))
        await asyncio.sleep(LEASE_SECONDS / 4)


async def flood(port: int, count: int, lanes: int = 20, rate: int = 1000) -> None:
    """Send so many forged updates a second over a few connections, whether they are answered or not.

    Prints how many were answered, and how many a second were sent and answered.
    """
    request = (
        f"POST /telegram/4242 HTTP/1.1\r\nHost: x\r\n{SECRET_HEADER}: falsch\r\n"
        "Content-Length: 2\r\n\r\n{}"
    ).encode()
    answered, all_sent, began = 0, 0.0, time.perf_counter()

    async def send(writer: asyncio.StreamWriter) -> None:
        nonlocal all_sent
        for number in range(count // lanes):
            await asyncio.sleep(max(0, began + number * lanes / rate - time.perf_counter()))
            writer.write(request)
            await writer.drain()
        all_sent = max(all_sent, time.perf_counter() - began)

    async def lane() -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sending = asyncio.create_task(send(writer))
        for _ in range(count // lanes):
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 403 " in head, head
            await reader.readexactly(len("forbidden"))
            answered += 1
        await sending
        writer.close()

    await asyncio.gather(*(lane() for _ in range(lanes)))
    took = time.perf_counter() - began
    print(f"{answered} {count / all_sent:.0f} {answered / took:.0f}", flush=True)


@asynccontextmanager
async def running(call: str) -> AsyncIterator[asyncio.subprocess.Process]:
    words = f"import asyncio; from tests.attacks import test_web as t; asyncio.run({call})"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", words, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(30):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def megabytes(process: asyncio.subprocess.Process, what: str) -> float:
    """Return what a process takes, or took at most (VmRSS, VmHWM)."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) / 1024
    raise AssertionError(what)


# ------------------------------------------------------------------ what genuine ones see


def genuine(number: int) -> bytes:
    chat = {"id": 5, "type": "private", "first_name": "Lan"}
    sender = {"id": 5, "is_bot": False, "first_name": "Lan"}
    message = {"message_id": number, "date": 1_790_000_000, "chat": chat, "from": sender}
    return json.dumps({"update_id": number, "message": {**message, "text": "xin chào"}}).encode()


class Platform:
    """Genuine updates, one after another, over one connection, each sent twice; how soon each was answered."""

    def __init__(self, address: str) -> None:
        self.client = httpx.AsyncClient(base_url=address, timeout=60)
        self.seconds: list[float] = []
        self.number = 7000

    async def send(self) -> None:
        self.number += 1
        for _ in range(2):
            began = time.perf_counter()
            answer = await self.client.post(
                "/telegram/4242", content=genuine(self.number), headers={SECRET_HEADER: SECRET}
            )
            assert answer.status_code == 200, answer.text
            self.seconds.append(time.perf_counter() - began)
        health = await self.client.get("/healthz")
        assert health.status_code == 200, health.text

    async def send_until(self, done: asyncio.Future[Any], *, least: int = 20) -> str:
        self.seconds.clear()
        while not done.done() or len(self.seconds) < 2 * least:
            await self.send()
            await asyncio.sleep(0.02)
        ordered = sorted(self.seconds)
        p95 = ordered[int(len(ordered) * 0.95)]
        assert p95 < 5, f"p95 {p95:.2f} s"
        return f"{len(ordered)} genuine answered, p95 {p95 * 1000:.0f} ms"


async def dribble(port: int, head: bytes, piece: bytes, *, pause: float, seconds: float) -> float:
    """Send a beginning, then a piece each pause; returns after how long the connection was cut."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    cut = asyncio.ensure_future(reader.read())  # to the end: what is answered, then the end
    with contextlib.suppress(ConnectionError):
        writer.write(head)
        while not cut.done() and time.perf_counter() - began < seconds:
            writer.write(piece)
            await writer.drain()
            await asyncio.wait([cut], timeout=pause)
    took = time.perf_counter() - began
    cut.cancel()
    with contextlib.suppress(ConnectionError, asyncio.CancelledError):
        await cut
    writer.transport.abort()
    return took


def post(secret: str, *lines: str) -> bytes:
    head = [
        "POST /telegram/4242 HTTP/1.1",
        "Host: x",
        f"{SECRET_HEADER}: {secret}",
        *lines,
        "",
        "",
    ]
    return "\r\n".join(head).encode()


async def each_secret_opens_its_own_path_alone(client: httpx.AsyncClient) -> None:
    codes = {}
    for name in ("4242", "4243", "4244"):
        for secret in (SECRET, OTHER_SECRET, "", SECRET.upper(), SECRET[:-1], f"{SECRET}0", TOKEN):
            answer = await client.post(
                f"/telegram/{name}", content=genuine(7001), headers={SECRET_HEADER: secret}
            )
            codes[name, secret] = answer.status_code
    opened = {place for place, code in codes.items() if code == 200}
    assert opened == {("4242", SECRET), ("4243", OTHER_SECRET)}
    assert {code for (name, _), code in codes.items() if name == "4244"} == {404}


async def test_attacks_neither_fill_its_memory_nor_keep_genuine_updates_waiting(
    tmp_path: Path,
) -> None:
    async with running(f"t.serving({str(tmp_path)!r})") as server:
        assert server.stdout is not None
        port = int(await server.stdout.readline())
        platform = Platform(f"http://127.0.0.1:{port}")
        await platform.send()
        await each_secret_opens_its_own_path_alone(platform.client)
        before = megabytes(server, "VmRSS")

        async def attack(kinds: list[tuple[bytes, bytes, float]], each: int) -> list[float]:
            longest = 6 * REQUEST_SECONDS
            return await asyncio.gather(
                *(
                    dribble(port, head, piece, pause=pause, seconds=longest)
                    for head, piece, pause in kinds
                    for _ in range(each)
                )
            )

        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        slow = asyncio.ensure_future(
            attack(
                [
                    (b"POST /telegram/4242 HTTP/1.1\r\nX-", b"a", 0.5),  # a head that never ends
                    (post(SECRET, "Content-Length: 1000"), b" ", 0.5),  # a body that never ends
                    (post("sai", "Content-Length: 1000"), b" ", 0.5),  # refused, and going on
                    (b"", b"", 0.5),  # nothing at all
                ],
                60,
            )
        )
        told = await platform.send_until(slow)
        took = slow.result()
        assert max(took) < 3 * REQUEST_SECONDS, f"held for {max(took):.0f} s"
        print(f"240 dribbling connections: cut after at most {max(took):.1f} s; {told}")

        large = asyncio.ensure_future(
            attack(
                [
                    (post(SECRET, f"Content-Length: {LARGE}"), b"x" * 65536, 0.0),
                    (post(SECRET, "Transfer-Encoding: chunked"), chunk, 0.0),
                    (post("sai", "Transfer-Encoding: chunked"), chunk, 0.0),
                    (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 60_000, b"a" * 60_000, 0.0),
                ],
                8,
            )
        )
        told = await platform.send_until(large)
        assert max(large.result()) < 3 * REQUEST_SECONDS
        print(f"32 bodies and heads of 50 MB: cut after {max(large.result()):.1f} s; {told}")

        async with running(f"t.flood({port}, 4000)") as load:
            assert load.stdout is not None
            line = asyncio.ensure_future(load.stdout.readline())
            told = await platform.send_until(line)
            count, sent, answered = line.result().decode().split()
            assert int(count) == 4000
            print(
                f"a flood of {count} forged requests, {sent} a second sent, {answered} answered: {told}"
            )

        grown = megabytes(server, "VmHWM") - before
        print(f"memory: {before:.0f} MB before, at most {grown:.0f} MB more")
        assert grown < GROWTH
        await platform.client.aclose()
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'web.db'}")
    async with database.read() as connection:
        stored = await connection.scalar(select(func.count()).select_from(InboxEvent))
        longest = await connection.scalar(select(func.max(func.length(InboxEvent.raw))))
    await database.dispose()
    assert stored == platform.number - 7000 + 1  # each came twice; one more to the other bot
    assert longest < MAX_BODY_BYTES
