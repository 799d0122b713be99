"""Requests that are still arriving: how long one may take, and how many connections may be open.

Promises that whoever dribbles a request, its head or its body, or sends on after it was refused, loses the
connection after SECONDS; and that with MOST connections open, the request that has been arriving for longest
gives way to a new one, so that those who are quick are answered. uvicorn has no such limits of its own:
its keep-alive counts between requests, and its limit_concurrency turns the quick away as well.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = (
    10.0  # an update of a platform takes milliseconds, its largest body a second on a bad line
)
MAX_CONNECTIONS = (
    500  # connections; platforms open at most 100 (Telegram's max_connections), a proxy a few
)
KEEP_ALIVE = 15  # seconds between requests; platforms send updates over one connection
LONGEST_HEAD = 16 * 1024  # bytes


class TimedH11Protocol(H11Protocol):
    """uvicorn's own protocol with a clock on each request until it is there whole."""

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, in place of the slowest where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            arriving = [each for each in self.connections if getattr(each, "_due", None)]
            if arriving:
                min(arriving, key=_since)._let_go()  # type: ignore[union-attr]
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came, and stop the clock once the request is whole."""
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._wait()
        else:
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock with the connection."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._due is None and not self.transport.is_closing():
            self._due = self.loop.call_later(REQUEST_SECONDS, self._let_go)

    def _stop(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _let_go(self) -> None:
        self._stop()
        self.transport.abort()


def _since(protocol: Any) -> float:
    due = protocol._due
    return due.when() if due is not None else float("inf")
