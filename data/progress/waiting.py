"""What waits for a decision of the leaders, the longest waiting first. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import and_, case, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import ExtensionRequest, Obligation
from data.progress.deciders import Decider, decidable_condition
from data.rules.holders import Holders

Asked = Literal["confirm", "extension", "dispute"]
_ANY_LEADER = Decider(person_id=0, coordinator_id=None)  # nobody, who asked for nothing


class WaitingRequest(NamedTuple):
    """An obligation on which somebody asked for a decision, and when."""

    obligation_id: int
    asked: Asked
    since: datetime | None  # None: nobody knows


async def list_waiting_for_leaders(
    connection: AsyncConnection, holders: Holders, province: str, plan_ids: Sequence[int]
) -> list[WaitingRequest]:
    """Return what of the plans the leaders of a province decide, whichever of them it is."""
    decides = await decidable_condition(connection, holders, province, _ANY_LEADER)
    requested = (
        select(ExtensionRequest.id)
        .where(
            ExtensionRequest.obligation_id == Obligation.id,
            ExtensionRequest.state == "open",
        )
        .exists()
    )
    is_open = Obligation.state == "open"
    asked = case(
        (Obligation.state == "submitted", "confirm"),
        (and_(is_open, requested), "extension"),
        (and_(is_open, Obligation.disputed_at.is_not(None)), "dispute"),
    )
    since = case(
        (Obligation.state == "submitted", Obligation.submitted_at),
        (requested, Obligation.extension_asked_at),
        else_=Obligation.disputed_at,
    )
    rows = await connection.execute(
        select(Obligation.id, asked.label("asked"), since.label("since"))
        .where(
            Obligation.plan_id.in_(plan_ids),
            or_(Obligation.state == "submitted", is_open),
            asked.is_not(None),
            decides,
        )
        .order_by(since, Obligation.id)
    )
    return [WaitingRequest(row.id, row.asked, row.since) for row in rows]
