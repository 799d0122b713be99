"""Databases whose transactions wait to be let in one by one, so that a test decides who comes first.

SQLite takes one writer at a time, so all that processes on one file can do to each other is a matter of
which transaction comes before which, of what is read meanwhile, and of where one of them dies.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.database import Database

_SETTLES = 40  # turns of the loop after which all that can go on without the database has


@dataclass(eq=False)
class Waiter:
    """A task that waits: before a transaction, or in the middle of the one that it holds."""

    kind: Literal["read", "write", "middle"]
    process: int
    let_in: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Gate:
    """Lets in one at a time."""

    def __init__(self) -> None:
        self._waiting: list[Waiter] = []
        self._idle = asyncio.Event()
        self._at_work = 0
        self._writes = False

    @property
    def is_written(self) -> bool:
        """Tell whether a write transaction is open."""
        return self._writes

    def may_go(self) -> list[Waiter]:
        """Return who may be let in: writers one at a time, readers always."""
        shut = "write" if self._writes else "middle"
        return [one for one in self._waiting if one.kind != shut]

    async def let_in(self, waiter: Waiter) -> None:
        """Let one in, and wait until nobody is at work."""
        self._idle.clear()
        waiter.let_in.set_result(None)
        await self._idle.wait()
        await self.settle()

    async def settle(self) -> None:
        """Let everybody come to where they wait."""
        for _ in range(_SETTLES):
            await asyncio.sleep(0)

    async def middle(self, process: int) -> None:
        """Wait in the middle of a transaction; for a handler."""
        self._rest()
        await self._wait("middle", process)

    async def _wait(self, kind: Literal["read", "write", "middle"], process: int) -> None:
        waiter = Waiter(kind, process)
        self._waiting.append(waiter)
        try:
            await waiter.let_in
        finally:
            self._waiting.remove(waiter)
        self._at_work += 1

    def _rest(self) -> None:
        self._at_work -= 1
        if self._at_work == 0:
            self._idle.set()

    @asynccontextmanager
    async def through(self, kind: Literal["read", "write"], process: int) -> AsyncIterator[None]:
        """Wait before a transaction and tell of its end."""
        await self._wait(kind, process)
        self._writes = self._writes or kind == "write"
        try:
            yield
        except asyncio.CancelledError:  # killed in the middle: it was not at work
            self._at_work += 1
            raise
        finally:
            self._writes = self._writes and kind != "write"
            self._rest()


class Gated(Database):
    """One process's database behind a gate."""

    gate: Gate
    process: int

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with self.gate.through("read", self.process), super().read() as connection:
            yield connection

    @asynccontextmanager
    async def write(self, *, alone: bool = False) -> AsyncIterator[AsyncConnection]:
        async with (
            self.gate.through("write", self.process),
            super().write(alone=alone) as connection,
        ):
            yield connection
