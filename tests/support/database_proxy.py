"""A relay between the service and its database server, which a test may cut, hang or close."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

How = Literal["open", "refusing", "hanging"]


class Proxy:
    """Relays a local TCP port to a server's Unix socket. drop_commits: answers to so many are swallowed."""

    def __init__(self, socket_path: str) -> None:
        self._path = socket_path
        self._how: How = "open"
        self._passing = asyncio.Event()
        self._passing.set()
        self._relays: set[asyncio.StreamWriter] = set()
        self._muted: set[asyncio.StreamWriter] = set()  # they hear nothing more
        self._server: asyncio.Server | None = None
        self.port = 0
        self.drop_commits = 0

    async def open(self) -> None:
        """Let connections in, and what hangs go on."""
        self._how = "open"
        self._passing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Cut every connection at once, in whatever it is, and let none in: the server is gone."""
        self._how = "refusing"
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    def hang(self) -> None:
        """Pass nothing on any more and close nothing: the server stands still."""
        self._how = "hanging"
        self._passing.clear()

    def cut(self) -> None:
        """Cut every connection; new ones are let in."""
        for writer in [*self._relays]:
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_unix_connection(self._path)
        self._relays |= {writer, there}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, there, asks=True, back=writer))
                group.create_task(self._pass(there_reader, writer, asks=False, back=there))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for each in (writer, there):
                self._relays.discard(each)
                each.transport.abort()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        asks: bool,
        back: asyncio.StreamWriter,
    ) -> None:
        while part := await reader.read(65536):
            await self._passing.wait()
            swallowed = asks and self.drop_commits > 0 and b"COMMIT" in part
            if swallowed:
                self.drop_commits -= 1
                self._muted.add(back)
            if writer in self._muted:
                continue  # the answer to a commit
            writer.write(part)
            await writer.drain()
            if swallowed:
                await asyncio.sleep(0.05)  # it is done there before we hang up here
                back.transport.abort()
        raise ConnectionResetError


@asynccontextmanager
async def proxied(socket_path: str) -> AsyncIterator[Proxy]:
    """Run a relay for as long as the block lasts."""
    proxy = Proxy(socket_path)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.open()
        await proxy.refuse()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                while proxy._relays:
                    await asyncio.sleep(0.01)
