"""Limits on how long a request may arrive, and on open connections; uvicorn has none of its own.

Guarantees:
- A request that is not whole after REQUEST_SECONDS loses its connection, also while it sends on after a refusal.
- With MAX_CONNECTIONS open, the slowest arriving request is dropped for a new one.

uvicorn's keep-alive counts between requests, and its limit_concurrency turns quick clients away as well.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 10.0  # an update takes milliseconds, the largest body a second on a bad line
MAX_CONNECTIONS = 500  # platforms open at most 100 (Telegram's max_connections), a proxy a few
KEEP_ALIVE = 15  # seconds between requests; platforms send updates over one connection
LONGEST_HEAD = 16 * 1024  # bytes


class TimedH11Protocol(H11Protocol):
    """uvicorn's protocol with a timer on each request until it is whole."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection, in place of the slowest where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            arriving = [each for each in self.connections if getattr(each, "_timer", None)]
            if arriving:
                min(arriving, key=_deadline)._drop()  # type: ignore[union-attr]
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Accept data, and stop the timer once the request is whole."""
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._start_timer()
        else:
            self._stop_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer with the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        if self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(REQUEST_SECONDS, self._drop)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drop(self) -> None:
        self._stop_timer()
        self.transport.abort()


def _deadline(protocol: Any) -> float:
    timer = protocol._timer
    return timer.when() if timer is not None else float("inf")
