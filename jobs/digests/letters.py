"""One letter for each chat of a province's week: facts cut into pages, as contexts of messages.

Guarantees:
- A chat gets one letter with its parts in this order: leader, coordinator, agency.
- The same facts give the same words; no page is longer than the channel takes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.recipients import Recipient, list_recipients
from data.digests import queries as week_queries
from data.digests.kept_weeks import ScopeFacts, ScopeKey
from jobs.channel import Capabilities
from jobs.rendering.renderer import Content, Renderer

TEMPLATE, PICTURE = "digest", "digest_picture"
# Replaces the channel of an account that another process has open.
ANY_CHANNEL = Capabilities(2000, False, False, True, "html", 1, False)
_NO_LIMIT = 1_000_000
_HEAD = ("scope", "code", "name", "asked", "counts", "month")

Length = Callable[[dict[str, Any]], int]


@dataclass(frozen=True, slots=True)
class Letter:
    """One chat's digest. keys: of its facts; pages: contexts; pictured: key of the facts in its picture."""

    place: Recipient
    agency_id: int
    keys: Sequence[ScopeKey]
    pages: Sequence[dict[str, Any]] = field(repr=False)
    pictured: ScopeKey | None


async def build_letters(
    connection: AsyncConnection,
    province: str,
    facts: Mapping[ScopeKey, ScopeFacts],
    *,
    week_on: date,
    today: date,
    renderer: Renderer,
    capabilities: Mapping[int, Capabilities],
    near_cap_ids: Collection[int],
) -> list[Letter]:
    """Return the letters of a province's week, for chats with news.

    near_cap_ids: accounts near a monthly cap; they carry no agency's letter and no picture.
    """
    letters: list[Letter] = []
    pages: dict[tuple[Any, ...], list[dict[str, Any]]] = {}  # many chats share them
    for place, agency_id, keys in await _load_recipients(connection, province, today):
        parts = tuple(key for key in keys if facts.get(key, {}).get("lines"))
        above = [key for key in parts if key[0] != "agency"]
        if not parts or (place.account_id in near_cap_ids and not above):
            continue
        channel = capabilities.get(place.account_id, ANY_CHANNEL)
        if (parts, channel) not in pages:
            pages[parts, channel] = split_pages(
                [facts[key] for key in parts],
                week_on=week_on,
                length=length_measure(renderer, channel),
                limit=channel.max_text,
            )
        pictured = above[0] if above and place.account_id not in near_cap_ids else None
        letters.append(Letter(place, agency_id, parts, pages[parts, channel], pictured))
    return letters


async def _load_recipients(
    connection: AsyncConnection, province: str, today: date
) -> list[tuple[Recipient, int, list[ScopeKey]]]:
    """Return each chat of a province with its agency's id and the keys of its facts."""
    agencies = {
        row.id: row.code for row in await week_queries.list_province_agencies(connection, province)
    }
    by_chat: dict[int, tuple[Recipient, int, dict[ScopeKey, None]]] = {}
    for role in ("leader", "coordinator", "focal"):
        for agency_id, every in (
            await list_recipients(connection, agencies, roles=(role,), today=today)
        ).items():
            code = agencies[agency_id]
            for place in every:
                _, _, keys = by_chat.setdefault(place.chat_id, (place, agency_id, {}))
                if role == "leader":
                    keys["province", ""] = None
                    continue
                if role == "coordinator":
                    keys["coordinator", code] = None
                keys["agency", code] = None
    order = ("province", "coordinator", "agency")
    return [
        (place, agency_id, sorted(keys, key=lambda key: order.index(key[0])))
        for place, agency_id, keys in by_chat.values()
    ]


def split_pages(
    parts: Sequence[ScopeFacts], *, week_on: date, length: Length, limit: int
) -> list[dict[str, Any]]:
    """Return the contexts of the pages that show some facts, cut between lines.

    length: measures a context's text in the units of the limit.
    """
    lines = [{**line, "part": place} for place, part in enumerate(parts) for line in part["lines"]]
    frame: dict[str, Any] = {
        "week_on": week_on.isoformat(),
        "on": parts[0]["on"],
        "parts": [{key: part.get(key) for key in _HEAD} for part in parts],
        "coordinators": list(dict.fromkeys(n for part in parts for n in part["coordinators"])),
        "page": 1,
        "pages": 1,
    }
    if length({**frame, "lines": lines}) <= limit:
        return [{**frame, "lines": lines}]
    pages: list[list[dict[str, Any]]] = [[]]
    for line in lines:
        page = {**frame, "page": len(pages), "pages": 99, "lines": [*pages[-1], line]}
        if pages[-1] and length(page) > limit:
            pages.append([])
        pages[-1].append(line)
    return [
        {**frame, "page": number, "pages": len(pages), "lines": page}
        for number, page in enumerate(pages, 1)
    ]


def length_measure(renderer: Renderer, channel: Capabilities) -> Length:
    """Return a function that measures a digest's text on a channel, in UTF-16 units."""
    endless = replace(channel, max_text=_NO_LIMIT)

    def length(context: dict[str, Any]) -> int:
        return len(_render_text(renderer, context, endless).encode("utf-16-le")) // 2

    return length


def redraw_pages(
    renderer: Renderer, parts: Sequence[ScopeFacts], *, week_on: date, channel: Capabilities
) -> list[str]:
    """Return the texts of the pages that show some facts on a channel."""
    pages = split_pages(
        parts, week_on=week_on, length=length_measure(renderer, channel), limit=channel.max_text
    )
    return [_render_text(renderer, page, channel) for page in pages]


def _render_text(renderer: Renderer, context: dict[str, Any], channel: Capabilities) -> str:
    content = Content(TEMPLATE, context, ())
    return renderer.render(content, channel, repeated=False, plain=False, address="").text
