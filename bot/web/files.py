"""Files for people, at secret addresses that expire.

Guarantees: a wrong, expired or foreign address is answered 404 alike; no browser runs a file; no search engine
indexes one.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from data.clock import Clock
from data.db.database import Database
from data.files import PNG, load_file
from jobs.rendering.links import FILES, Links


def file_route(database: Database, clock: Clock, links: Links) -> Route:
    """Return the route of the files; the name after the token is for people and is not read."""

    async def get(request: Request) -> Response:
        number = links.read_file_token(request.path_params["token"], now=await clock.now())
        file = None
        if number is not None:
            async with database.read() as connection:
                file = await load_file(connection, number)
        if file is None:
            return PlainTextResponse("Không có tệp này, hoặc đã hết hạn tải.", status_code=404)
        shown = "inline" if file.mime == PNG else "attachment"
        return Response(
            file.content,
            media_type=file.mime,
            headers={
                "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(file.name)}",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "X-Robots-Tag": "noindex",
            },
        )

    return Route(f"{FILES}/{{token}}/{{name}}", get, methods=["GET"])
