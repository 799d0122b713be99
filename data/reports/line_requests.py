"""Requests about the parts of tasks: later dates asked for and granted, and reasons given for lateness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Assignment, Decision, Explanation, ExtensionRequest, Obligation
from data.reports.parts import ReportView


@dataclass(slots=True)
class LineRequests:
    """What was asked and granted about one part, as of the report's day.

    reason: of the last explanation, else of the last request for time. document: of the last date granted.
    proposed_until: a date asked for and not decided yet.
    """

    reason: str | None = None
    document: str | None = None
    proposed_until: date | None = None


async def load_line_requests(
    connection: AsyncConnection, task_ids: Sequence[int], view: ReportView
) -> dict[int | None, LineRequests]:
    """Return the requests about the parts of some tasks, by obligation; none: absent."""
    found: dict[int | None, LineRequests] = {}
    extensions = await connection.execute(
        select(
            ExtensionRequest.obligation_id,
            ExtensionRequest.reason,
            ExtensionRequest.state,
            ExtensionRequest.until,
            Decision.details,
        )
        .join(Obligation, Obligation.id == ExtensionRequest.obligation_id)
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .outerjoin(Decision, Decision.id == ExtensionRequest.decision_id)
        .where(
            Assignment.task_id.in_(task_ids),
            ExtensionRequest.state != "withdrawn",
            ExtensionRequest.asked_at < view.after,
        )
        .order_by(ExtensionRequest.id)
    )
    for row in extensions:
        request = found.setdefault(row.obligation_id, LineRequests())
        request.reason = row.reason or request.reason
        if row.state == "granted":
            request.document = str((row.details or {}).get("document") or "") or None
        if row.state in ("open", "offered"):
            request.proposed_until = row.until
    explained = await connection.execute(
        select(Explanation.obligation_id, Explanation.answer)
        .join(Obligation, Obligation.id == Explanation.obligation_id)
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .where(
            Assignment.task_id.in_(task_ids),
            Explanation.state == "answered",
            Explanation.answered_at < view.after,
        )
        .order_by(Explanation.id)
    )
    for explanation in explained:
        request = found.setdefault(explanation.obligation_id, LineRequests())
        request.reason = explanation.answer or request.reason
    return found
