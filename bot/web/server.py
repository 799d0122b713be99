"""A web server that runs until the process is asked to stop.

Guarantees:
- A port in use is refused before anything else begins.
- SIGTERM and Ctrl-C end it within seconds: open requests are answered, then the caller goes on.
"""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from bot.errors import AdminError
from bot.web.request_limits import KEEP_ALIVE, LONGEST_HEAD, MAX_CONNECTIONS, TimedH11Protocol
from data.os_errors import explain_os_error

GRACE_SECONDS = 2


class PortUnusable(AdminError):
    """The port cannot be opened; str() is a Vietnamese sentence that says what to do."""


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0: any free one. Raises PortUnusable."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise PortUnusable(
            f"NHACVIEC_WEB_HOST: «{host}» không phải địa chỉ của máy này. Hãy đặt 127.0.0.1 hoặc 0.0.0.0."
        ) from None
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortUnusable(_why(error, host, port)) from None
    return listener


@contextmanager
def stop_on_signals() -> Iterator[asyncio.Event]:
    """Yield an event that SIGTERM and SIGINT set; needs a running event loop."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stopping.set)
    try:
        yield stopping
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def serve(application: ASGIApp, listener: socket.socket, stopping: asyncio.Event) -> None:
    """Serve on a listening socket until the event is set, then end open requests within seconds."""
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        # Limits on strangers' connections: see bot/web/request_limits.py. There are no websockets.
        http=TimedH11Protocol,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        limit_concurrency=2 * MAX_CONNECTIONS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    waiting = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        waiting.cancel()
        serving.cancel()


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: its own raise the signal again after a clean end."""

    def capture_signals(self) -> Any:
        return nullcontext()


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Cổng {port} đang có chương trình khác dùng. Hãy dừng chương trình đó,"
            " hoặc đặt NHACVIEC_WEB_PORT thành cổng khác."
        )
    if error.errno == errno.EACCES:
        return f"Không được phép dùng cổng {port}. Hãy đặt NHACVIEC_WEB_PORT từ 1024 trở lên."
    return (
        f"Không nghe được ở {host}:{port} ({explain_os_error(error)}). Hãy sửa NHACVIEC_WEB_HOST."
    )
