"""A Bot API of a process of its own: `async with stub() as api`, or with Telegram's limits enforced.

Promises that what the sender is measured against costs the sender's process nothing: it answers as Telegram
does, with the message as taken, and keeps when each came. With limits it is the tests' own server, which
refuses what Telegram refuses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tests.support.telegram_server import TOKEN, BotApi, Limits

ME = {
    "id": int(TOKEN.partition(":")[0]),
    "is_bot": True,
    "first_name": "Nhắc",
    "username": "stub_bot",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What a stub took since it was asked last: instants by the wall clock, and how often it refused."""

    at: list[float]
    refused: int

    def most_in(self, seconds: float) -> int:
        """Return the most messages taken in any span of so many seconds."""
        most = first = 0
        for last, at in enumerate(self.at):
            while self.at[first] <= at - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


class Stub:
    """A running stub; `url` is its address."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process, self.url = process, url

    async def taken(self) -> Taken:
        """Return what was taken since this was asked last."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        await self._process.stdin.drain()
        return Taken(**json.loads(await self._process.stdout.readline()))


@contextlib.asynccontextmanager
async def stub(*, limits: bool = False) -> AsyncIterator[Stub]:
    """Run a stub for as long as the block lasts."""
    command = [sys.executable, "-m", "benchmarks.stub", *(["limits"] if limits else [])]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=2**26)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Stub(process, (await process.stdout.readline()).decode().strip())
    finally:
        process.stdin.close()
        await process.wait()


class _Bare(asyncio.Protocol):
    """One connection: takes a message, answers with it."""

    instants: list[float] = []
    numbers = iter(range(1, 2**40))

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._held = b""

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (head := self._held.find(b"\r\n\r\n")) >= 0:
            lines = self._held[:head].lower()
            at = lines.find(b"content-length:")
            length = int(lines[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._held) < head + 4 + length:
                return
            body = self._held[head + 4 : head + 4 + length]
            method = lines.split(b" ", 2)[1].rsplit(b"/", 1)[1]
            self._held = self._held[head + 4 + length :]
            answer = json.dumps({"ok": True, "result": self._result(method, body)}).encode()
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                % (len(answer), answer)
            )

    def _result(self, method: bytes, body: bytes) -> Any:
        if method == b"getupdates":
            time.sleep(0)
            return []
        if method != b"sendmessage":
            return ME
        self.instants.append(time.time())
        asked = json.loads(body) if body.startswith(b"{") else dict(parse_qsl(body.decode()))
        chat = {"id": int(asked["chat_id"]), "type": "private"}
        return {
            "message_id": next(self.numbers),
            "from": ME,
            "date": 1_790_000_000,
            "chat": chat,
            "text": asked["text"],
        }


async def _tell(figures: Any) -> None:
    """Print what was taken whenever a line comes in, until whoever started us lets go."""
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(figures()), flush=True)


async def _bare() -> None:
    server = await asyncio.get_running_loop().create_server(_Bare, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)

    def figures() -> dict[str, Any]:
        taken = list(_Bare.instants)
        _Bare.instants.clear()
        return {"at": taken, "refused": 0}

    await _tell(figures)


async def _limiting() -> None:
    async with BotApi(limits=Limits()) as api:
        print(api.url, flush=True)
        offset = time.time() - asyncio.get_running_loop().time()

        def figures() -> dict[str, Any]:
            taken = [one.at + offset for one in api.messages]
            refused, api.breaches = api.breaches, 0
            api.messages.clear()
            return {"at": taken, "refused": refused}

        await _tell(figures)


if __name__ == "__main__":
    asyncio.run(_limiting() if "limits" in sys.argv[1:] else _bare())
