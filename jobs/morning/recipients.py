"""Assign a morning's items to chats; the coordinating agency has those of agencies without a chat."""

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
from jobs.morning.layout import ChatMorning, DueItem


async def assign_to_chats(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    items: Iterable[DueItem],
    today: date,
) -> tuple[dict[int, ChatMorning], int]:
    """Return the chats with their items, and the number of items without any chat.

    The items of an agency without a chat go to the coordinating agency's chats, as silent.
    """
    home = registry.provinces[province]
    rows = await connection.execute(
        select(Agency.id, Agency.code).where(Agency.province == province)
    )
    ids = {row.code: row.id for row in rows}
    focal = await list_recipients(connection, ids.values(), today=today)
    coordinators = await list_recipients(
        connection, ids.values(), roles=("coordinator",), today=today
    )
    coordinator_of_plan = cache(lambda code: coordinator_of(home, registry.plans[code], on=today))
    chat_mornings: dict[int, ChatMorning] = {}
    unreachable = 0
    for item in items:
        agency_id = ids[item.addressee]
        # An item without a successor goes to the coordinators, not to that agency's focal points.
        first, second = (coordinators, focal) if item.undecided else (focal, coordinators)
        chosen = first.get(agency_id) or second.get(agency_id)
        is_silent = chosen is None
        assigns = item.undecided and bool(coordinators.get(agency_id))
        if chosen is None:
            agency_id = ids.get(coordinator_of_plan(item.row.plan_code) or "", -1)
            chosen = coordinators.get(agency_id) or focal.get(agency_id)
        if chosen is None:
            unreachable += 1
            continue
        for recipient in chosen:
            chat_morning = chat_mornings.get(recipient.chat_id)
            if chat_morning is None:
                chat_morning = chat_mornings[recipient.chat_id] = ChatMorning(recipient)
            chat_morning.assigns = chat_morning.assigns or assigns
            (chat_morning.silent if is_silent else chat_morning.items).append(item)
    return chat_mornings, unreachable
