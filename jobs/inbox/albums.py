"""Albums: photos and files that were sent together come as updates of their own, and are one message.

Guarantees:
- Parts that are stored within a moment of each other are handled together, and answered once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from data import inbox
from data.db.database import Database
from jobs.channel import Channel, Incoming
from jobs.inbox.reading import parse_event

Lane = list[tuple[Row[Any], Incoming]]  # a chat's new events, oldest first

_MOST_PARTS = 10
_WAIT_SECONDS = 0.5  # for the next part, which the platform gives a moment later
_MOST_WAITS = 4
_READ = 200  # new events among which the next parts are


async def gather_album(
    database: Database, channels: Mapping[int, Channel], lane: Lane, start: int
) -> int:
    """Return how many events of a lane, from `start`, are one message; 1 without an album.

    Waits for further parts where the album ends the lane, and adds them to it.
    """
    size = _count_parts(lane, start)
    if not lane[start][1].album:
        return size
    for _ in range(_MOST_WAITS):
        if start + size < len(lane) or size >= _MOST_PARTS:
            break
        await asyncio.sleep(_WAIT_SECONDS)
        lane += await _read_later(database, channels, lane)
        grown = _count_parts(lane, start)
        if grown == size:
            break
        size = grown
    return size


def merge_parts(parts: Sequence[Incoming]) -> Incoming:
    """Return an album as one update: all its files, with the words beneath whichever part has them."""
    if len(parts) == 1:
        return parts[0]
    spoken = next((part for part in parts if part.text), parts[0])
    return replace(
        spoken,
        reply_to=next((part.reply_to for part in parts if part.reply_to is not None), None),
        attachments=tuple(kind for part in parts for kind in part.attachments),
        files=tuple(file for part in parts for file in part.files),
    )


def _count_parts(lane: Lane, start: int) -> int:
    album, size = lane[start][1].album, 1
    while album and start + size < len(lane) and size < _MOST_PARTS:
        if lane[start + size][1].album != album:
            break
        size += 1
    return size


async def _read_later(database: Database, channels: Mapping[int, Channel], lane: Lane) -> Lane:
    """Return the chat's events that were stored since, up to one that cannot be read."""
    last, incoming = lane[-1]
    async with database.read() as connection:
        events = await inbox.list_new_events(connection, [last.account_id], limit=_READ)
    later: Lane = []
    for event in events:
        if event.id <= last.id or event.address != last.address:
            continue
        found = None
        with suppress(Exception):  # the next round ends a strange one
            found = parse_event(channels, event)
        if found is None or found.address != incoming.address:
            break
        later.append((event, found))
    return later
