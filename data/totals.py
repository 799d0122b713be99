"""How much there is of everything, for the log at the start of the service.

Promises numbers alone. Counts whole tables: for once, not for each look (data/gauges.py). Reads only.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Agency, Message, Obligation, Plan, Task


async def counted(connection: AsyncConnection) -> dict[str, int]:
    """Return how much there is of everything, for the log at the start."""
    living = Obligation.state.in_(("open", "submitted"))
    queries = {
        "plans": select(func.count()).select_from(Plan).where(Plan.withdrawn_at.is_(None)),
        "tasks": select(func.count()).select_from(Task).where(Task.withdrawn_at.is_(None)),
        "agencies": select(func.count()).select_from(Agency),
        "obligations": select(func.count()).select_from(Obligation).where(living),
        "messages_sent": select(func.count()).where(Message.state == "sent"),
        "messages_waiting": select(func.count()).where(Message.state == "pending"),
    }
    return {name: await connection.scalar(query) or 0 for name, query in queries.items()}
