"""Calendar feeds at secret addresses, which calendar programs poll.

Guarantees: a wrong, ended or foreign address is answered 404 alike; nothing is written; an unchanged calendar is
not sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.config import TEMPLATES
from data.calendars.feeds import find_active_feed
from data.clock import Clock, civil_date
from data.db.database import Database
from data.files import ICS
from data.registry.registry import Registry
from jobs.calendars.entries import load_agenda
from jobs.calendars.ics import fingerprint, installation_id, render_ics
from jobs.rendering.links import CALENDARS, Links


def calendar_route(
    database: Database, clock: Clock, links: Links, registry: Callable[[], Registry]
) -> Route:
    """Return the route of the feeds; registry is called at each request."""
    installation = installation_id(links.key)

    async def get(request: Request) -> Response:
        now = await clock.now()
        number = links.read_calendar_token(request.path_params["token"])
        known, agenda = registry(), None
        if number is not None:
            async with database.read() as connection:
                feed = await find_active_feed(connection, number, today=civil_date(now))
                if feed is not None and feed.province in known.provinces:
                    agenda = await load_agenda(
                        connection,
                        known,
                        province=feed.province,
                        agency=feed.agency_code,
                        coordinating=feed.role == "coordinator",
                        today=civil_date(now),
                    )
        if agenda is None:
            return PlainTextResponse("Không có lịch này, hoặc đã ngừng.", status_code=404)
        content = await asyncio.to_thread(
            render_ics, agenda, installation=installation, now=now, templates=TEMPLATES
        )
        # Weak: two renderings of the same calendar differ in their timestamp (RFC 9110 §8.8.1).
        tag = f'W/"{fingerprint(content)}"'
        headers = {
            "ETag": tag,
            "Cache-Control": "private, max-age=0, must-revalidate",
            "X-Robots-Tag": "noindex",
            "Referrer-Policy": "no-referrer",
        }
        if _matches(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers=headers)
        headers["Content-Disposition"] = 'inline; filename="nhacviec.ics"'
        return Response(content, media_type=ICS, headers=headers)

    return Route(f"{CALENDARS}/{{token}}.ics", get, methods=["GET"])


def _matches(if_none_match: str, tag: str) -> bool:
    """Tell whether If-None-Match names a tag, weakly compared (RFC 9110 §13.1.2)."""
    opaque = tag.removeprefix("W/")
    return any(
        each.strip().removeprefix("W/") in (opaque, "*") for each in if_none_match.split(",")
    )
