"""Files made for people: who gets their bytes, who an address, and what an address is good for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
from starlette.applications import Starlette

from bot.config import TEMPLATES
from bot.web.files import file_route
from data.clock import SteppedClock, civil_date
from data.db.database import Database
from data.files import (
    DOCX,
    PNG,
    delete_expired_files,
    delete_report_files,
    load_file,
    load_link_key,
    store_file,
)
from data.registry.registry import Registry
from jobs.channel import Capabilities, OutgoingMessage
from jobs.rendering.links import Links
from jobs.rendering.renderer import Renderer
from tests.support.conversations import WITH_BUTTONS, WITHOUT

NOW = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
KEY = b"k" * 32
LINKS = Links("https://nhacviec.test", KEY)
UPLOADS = replace(WITH_BUTTONS, max_caption=1024)
BY_LINK = replace(WITHOUT, pictures_by_link=True)


async def made(database: Database, *, mime: str = PNG, name: str = "biểu đồ 131.png") -> int:
    async with database.write() as connection:
        return await store_file(connection, name=name, mime=mime, content=b"bytes", now=NOW)


async def sent(
    database: Database,
    registry: Registry,
    download_id: int,
    capabilities: Capabilities,
    *,
    links: Links | None = LINKS,
    template: str = "sorry",
    context: dict[str, Any] | None = None,
) -> OutgoingMessage:
    renderer = Renderer(TEMPLATES, links)
    row = SimpleNamespace(
        template=template, context={**(context or {}), "attach": download_id}, buttons=[]
    )
    async with database.read() as connection:
        content = await renderer.content(
            connection, row, today=civil_date(NOW), workdays=registry.workdays
        )
    assert content is not None
    return renderer.render(content, capabilities, repeated=False, plain=False, address="1")


async def test_a_picture_is_sent_as_bytes_as_an_address_or_not_at_all(
    database: Database, registry: Registry
) -> None:
    number = await made(database)
    assert (await sent(database, registry, number, UPLOADS)).picture == b"bytes"
    by_link = await sent(database, registry, number, BY_LINK)
    assert by_link.picture is None
    assert by_link.picture_url is not None
    assert by_link.picture_url.startswith(f"https://nhacviec.test/tep/{number}-")
    hidden = Links(None, KEY)
    assert (await sent(database, registry, number, BY_LINK, links=hidden)).picture_url is None
    bare = await sent(database, registry, number, WITHOUT)
    assert (bare.picture, bare.document, bare.picture_url) == (None, None, None)


async def test_a_document_is_attached_where_files_are_sent(
    database: Database, registry: Registry
) -> None:
    number = await made(database, mime=DOCX, name="../báo cáo.docx")
    message = await sent(database, registry, number, UPLOADS)
    assert message.document is not None
    assert (message.document.name, message.document.content) == ("báo-cáo.docx", b"bytes")
    assert (await sent(database, registry, number, BY_LINK)).document is None


async def test_an_address_opens_its_file_until_it_expires_and_no_other(database: Database) -> None:
    number = await made(database)
    clock = SteppedClock(NOW)
    web = Starlette(routes=[file_route(database, clock, LINKS)])
    until = NOW + timedelta(days=30)
    address = LINKS.file_url(number, "bieu-do.png", until=until)
    assert address is not None
    transport = httpx.ASGITransport(app=web)
    async with httpx.AsyncClient(transport=transport, base_url="https://nhacviec.test") as client:
        answer = await client.get(address)
        assert (answer.status_code, answer.content) == (200, b"bytes")
        assert answer.headers["content-type"] == "image/png"
        token = address.split("/")[-2]
        stamp = token.split("-")[1]
        for wrong in (
            token[:-1] + ("0" if token[-1] != "0" else "1"),
            token.replace(f"{number}-", f"{number + 1}-", 1),
            token.replace(stamp, str(int(stamp) + 1)),
            "", "1", "1-2", "1-2-3", "a-b-c", f"-{stamp}-", f"{number}-²-x",
        ):  # fmt: skip
            assert (await client.get(f"/tep/{wrong}/x.png")).status_code == 404, wrong
        clock.move_to(until)
        assert (await client.get(address)).status_code == 404


async def test_expired_files_are_let_go(database: Database) -> None:
    number = await made(database)
    async with database.write() as connection:
        assert await delete_expired_files(connection, now=NOW + timedelta(days=29)) == 0
        assert await load_file(connection, number) is not None
        assert await delete_expired_files(connection, now=NOW + timedelta(days=30)) == 1
        assert await load_file(connection, number) is None


async def test_every_process_signs_with_the_same_key(database: Database) -> None:
    async with database.write() as connection:
        first = await load_link_key(connection)
    async with database.write() as connection:
        assert await load_link_key(connection) == first
    assert len(first) == 32


def test_a_calendars_address_opens_that_calendar_alone() -> None:
    address = LINKS.calendar_url(7)
    assert address is not None
    token = address.removeprefix("https://nhacviec.test/lich/").removesuffix(".ics")
    assert LINKS.read_calendar_token(token) == 7
    assert LINKS.read_calendar_token(token.replace("7-", "8-", 1)) is None
    assert Links("https://nhacviec.test", b"x" * 32).read_calendar_token(token) is None
    assert Links(None, KEY).calendar_url(7) is None


async def test_the_address_of_a_file_that_is_gone_opens_no_later_file(database: Database) -> None:
    """A report of another province may be the next file that is made."""
    before = await made(database, name="bao-cao-lang-son.docx", mime=DOCX)
    address = LINKS.file_url(before, "x", until=NOW + timedelta(days=30))
    assert address is not None
    async with database.write() as connection:
        assert await delete_report_files(connection) == 1
    after = await made(database, name="bao-cao-gia-lai.docx", mime=DOCX)
    async with database.read() as connection:
        assert await load_file(connection, before) is None
        assert await load_file(connection, after) is not None
    app = Starlette(routes=[file_route(database, SteppedClock(NOW), LINKS)])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="https://nhacviec.test"
    ) as client:
        assert (await client.get(address)).status_code == 404
