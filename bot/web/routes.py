"""The service's web application: webhooks, health and metrics.

Guarantees:
- A webhook's header is checked before a byte of the body is read, and a body is read up to MAX_BODY_BYTES.
- 200 is answered only once an update is stored: then the platform may forget it.
- No answer holds a secret or a person's words.
- A request whose length is told in two ways is refused, and no answer redirects to the Host it names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.channels.messenger import WebhookAddress
from bot.health.running import AccountKey
from bot.web.health import check_health
from bot.web.metrics import render_metrics
from data.clock import Clock
from data.db.database import Database
from data.db.errors import DatabaseUnusable, describe_fault
from data.log import get_logger
from data.registry.registry import Registry
from data.registry.workdays import Workdays
from jobs.channel import Capabilities

MAX_BODY_BYTES = 256 * 1024
HEALTH_SECONDS = 5.0  # that the database may take; a monitor waits no longer
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}

_log = get_logger("web")


@dataclass(frozen=True, slots=True)
class Webhook:
    """One address that a platform posts to.

    receive: stores one body and returns once it is committed. It raises ValueError for a body that is no
    update, any database error for one that could not be stored.
    """

    address: WebhookAddress
    receive: Callable[[bytes], Awaitable[None]]


def make_web_app(
    database: Database,
    clock: Clock,
    webhooks: Sequence[Webhook] = (),
    capabilities: Mapping[int, Capabilities] | None = None,
    extra_routes: Sequence[Route] = (),
    registry: Callable[[], Registry] | None = None,
    wanted: Collection[AccountKey] | None = None,
) -> Starlette:
    """Return the application: the webhooks, GET /healthz, GET /metrics and extra_routes.

    A webhook answers 200 once the update is stored, 403 for a wrong secret or signature, 413 for too large a
    body, and 500 only where the database failed, so that the platform sends it again. A body that is no
    update is answered 200 too: Telegram would resend a refused one for a day and hold its chat up.
    capabilities: of every open account, for its caps. registry: for the mornings that are due and the
    calendar; without one, every weekday is a working day. wanted: the accounts that are set, for the health.
    """
    routes = [Route(hook.address.path, _endpoint(hook), methods=["POST"]) for hook in webhooks]

    looking: asyncio.Task[dict[str, Any]] | None = None

    async def look() -> dict[str, Any]:
        known = None if registry is None else registry()
        return await check_health(database, known, wanted, now=await clock.now())

    async def healthz(_request: Request) -> Response:
        nonlocal looking
        if looking is None or looking.done():  # while the database is silent, one look waits
            looking = asyncio.create_task(look())
            looking.add_done_callback(lambda look: look.cancelled() or look.exception())
        done, _ = await asyncio.wait({looking}, timeout=HEALTH_SECONDS)
        if not done:
            _log.error("health.database_silent", seconds=HEALTH_SECONDS)
            return JSONResponse({"ok": False, "database": "silent"}, status_code=503)
        try:
            report = looking.result()
        except (SQLAlchemyError, DatabaseUnusable, OSError) as error:
            _log.error("health.database_failed", error=describe_fault(error))
            failed = {"ok": False, "database": "failed", "why": describe_fault(error)}
            return JSONResponse(failed, status_code=503)
        return JSONResponse(report, status_code=200 if report["ok"] else 503)

    async def metrics(_request: Request) -> Response:
        try:
            workdays = Workdays() if registry is None else registry().workdays
            now = await clock.now()
            page = await render_metrics(database, capabilities or {}, now=now, workdays=workdays)
        except (SQLAlchemyError, DatabaseUnusable, OSError) as error:
            _log.error("metrics.database_failed", error=describe_fault(error))
            return PlainTextResponse("database failed", status_code=503)
        return Response(page, media_type=CONTENT_TYPE_LATEST)

    routes.append(Route("/healthz", healthz, methods=["GET"]))
    routes.append(Route("/metrics", metrics, methods=["GET"]))
    routes += extra_routes
    middleware = [Middleware(FixedHeaders, headers=HEADERS), Middleware(OneLength)]
    return without_redirects(Starlette(routes=routes, middleware=middleware))


def without_redirects(app: Starlette) -> Starlette:
    """Return an application that answers 404 for a path with or without its last slash.

    By default Starlette redirects to the other one, at whatever Host the request names.
    """
    app.router.redirect_slashes = False
    return app


def _endpoint(hook: Webhook) -> Callable[[Request], Awaitable[Response]]:
    async def post(request: Request) -> Response:
        if not hook.address.may_read(request.headers):
            return PlainTextResponse("forbidden", status_code=403)
        try:
            body = await read_body(request, max_bytes=MAX_BODY_BYTES)
        except BodyTooLarge:
            return PlainTextResponse("too large", status_code=413)
        except ClientDisconnect:
            return PlainTextResponse("interrupted", status_code=400)
        if not hook.address.is_genuine(request.headers, body):
            return PlainTextResponse("forbidden", status_code=403)
        try:
            await hook.receive(body)
        except ValueError:
            _log.warning("webhook.no_update", path=hook.address.path, size=len(body))
        except (SQLAlchemyError, DatabaseUnusable, OSError) as error:
            _log.error("webhook.not_stored", path=hook.address.path, error=describe_fault(error))
            return PlainTextResponse("not stored", status_code=500)
        return PlainTextResponse("ok")

    return post


class BodyTooLarge(Exception):
    """The body is longer than allowed; answer 413 and close the connection."""


async def read_body(request: Request, *, max_bytes: int) -> bytes:
    """Return a request's body; raises BodyTooLarge by its declared length, or while it streams in."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise BodyTooLarge
    parts = bytearray()
    async for chunk in request.stream():
        parts += chunk
        if len(parts) > max_bytes:
            raise BodyTooLarge
    return bytes(parts)


class OneLength:
    """ASGI middleware that refuses a body whose length a proxy may read otherwise than we (RFC 9112 §6.1)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            names = {name.lower() for name, _ in scope["headers"]}
            is_old = scope.get("http_version", "1.1") == "1.0"
            if b"transfer-encoding" in names and (b"content-length" in names or is_old):
                close = {"Connection": "close"}  # what follows may be no request of its own
                app = PlainTextResponse("two lengths", status_code=400, headers=close)
        await app(scope, receive, send)


class FixedHeaders:
    """ASGI middleware that adds fixed headers to every answer, errors included."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = dict(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
