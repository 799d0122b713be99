"""Who is told of a morning's items: each item into the chats that it goes to.

Promises that what an agency without a chat owes goes to the coordinating agency instead, as does what
nobody took over. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.recipients import list_recipients
from data.models import Agency
from data.registry.registry import Registry
from data.rules.owners import coordinator_of
from jobs.morning.pages import ChatMorning, DueItem


async def assign_to_chats(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    items: Iterable[DueItem],
    today: date,
) -> tuple[dict[int, ChatMorning], int]:
    """Sort items by chat; those whose agency has none go to the coordinating agency's, as silent."""
    home = registry.provinces[province]
    rows = await connection.execute(
        select(Agency.id, Agency.code).where(Agency.province == province)
    )
    ids = {row.code: row.id for row in rows}
    focal = await list_recipients(connection, ids.values())
    steering = await list_recipients(connection, ids.values(), roles=("coordinator",))
    coordinator = cache(lambda code: coordinator_of(home, registry.plans[code], on=today))
    chat_mornings: dict[int, ChatMorning] = {}
    unreachable = 0
    for item in items:
        agency_id = ids[item.addressee]
        # What nobody took over goes to who coordinates, not to that agency's focal point.
        first, second = (steering, focal) if item.undecided else (focal, steering)
        chosen = first.get(agency_id) or second.get(agency_id)
        silent = chosen is None
        if chosen is None:
            agency_id = ids.get(coordinator(item.row.plan_code) or "", -1)
            chosen = steering.get(agency_id) or focal.get(agency_id)
        if chosen is None:
            unreachable += 1
            continue
        for place in chosen:
            chat_morning = chat_mornings.get(place.chat_id)
            if chat_morning is None:
                chat_morning = chat_mornings[place.chat_id] = ChatMorning(place)
            (chat_morning.silent if silent else chat_morning.items).append(item)
    return chat_mornings, unreachable
