"""Announcements of coordinators to a plan's agencies: the latest, and what became of their messages.

Guarantees:
- A chat gets an announcement once: its messages carry the announcement's id and the chat's as their dedupe_key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Decision, Message

ANNOUNCE = "announce"  # Decision.kind
_OUTCOMES = {
    "sent": "sent",
    "pending": "waiting",
    "claimed": "waiting",
    "uncertain": "uncertain",
    "failed": "failed",
    "skipped": "failed",
}


def announcement_key(announcement_id: int, chat_id: int) -> str:
    """Return the dedupe_key of an announcement's message to a chat."""
    return f"{ANNOUNCE}:{announcement_id}:{chat_id}"


async def list_announcements(
    connection: AsyncConnection, plan_codes: Collection[str], *, most: int
) -> list[Any]:
    """Return the latest announcements about some plans, the latest first, as rows of Decision."""
    rows = await connection.execute(
        select(Decision.__table__)
        .where(Decision.kind == ANNOUNCE, Decision.plan_code.in_(list(plan_codes)))
        .order_by(Decision.id.desc())
        .limit(most)
    )
    return list(rows)


async def count_outcomes(connection: AsyncConnection, announcement_id: int) -> Counter[str]:
    """Return how many messages of an announcement were sent, wait, may have arrived (uncertain) or failed."""
    begin = announcement_key(announcement_id, 0)[:-1]
    rows = await connection.execute(
        select(Message.state).where(
            Message.dedupe_key >= begin, Message.dedupe_key < f"{begin[:-1]};"
        )
    )
    return Counter(_OUTCOMES[state] for state in rows.scalars())
