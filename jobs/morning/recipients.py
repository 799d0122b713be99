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

from data.contacts.recipients import places
from data.models import Agency
from data.registry.registry import Registry
from data.rules.owners import coordinator_of
from jobs.morning.pages import Bag, DueItem


async def address(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    items: Iterable[DueItem],
    today: date,
) -> tuple[dict[int, Bag], int]:
    """Sort items by chat; those whose agency has none go to the coordinating agency's, as silent."""
    home = registry.provinces[province]
    rows = await connection.execute(
        select(Agency.id, Agency.code).where(Agency.province == province)
    )
    ids = {row.code: row.id for row in rows}
    focal = await places(connection, ids.values())
    steering = await places(connection, ids.values(), roles=("coordinator",))
    coordinator = cache(lambda code: coordinator_of(home, registry.plans[code], on=today))
    bags: dict[int, Bag] = {}
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
            bag = bags.get(place.chat_id)
            if bag is None:
                bag = bags[place.chat_id] = Bag(place)
            (bag.silent if silent else bag.items).append(item)
    return bags, unreachable
