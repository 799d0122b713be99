"""What was decided last about an obligation or a request, by whom and when, as the second of two is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Decision, StatusReply
from data.progress.decisions import ASSIGN, standing_condition
from data.progress.replies import find_last_reply


@dataclass(frozen=True, slots=True)
class Outcome:
    """One decision or answer as it is told: what (a decision's kind, "taken", "left", "undo" or "answered"),
    the agency that made it, when, and the date that it names.
    """

    what: str
    by: str
    at: datetime
    until: date | None = None


async def find_outcome(
    connection: AsyncConnection, obligation: Any, *, holder: str
) -> Outcome | None:
    """Return the last decision or answer about an obligation; None where nothing was said.

    obligation: any row with id, code, plan_code and owner_code. holder: the name of the agency that answers.
    """
    rows = await connection.execute(
        select(Decision)
        .where(
            Decision.plan_code == obligation.plan_code,
            Decision.subject == obligation.code,
            or_(
                Decision.details["obligation"].as_integer() == obligation.id,
                and_(
                    Decision.kind == ASSIGN,
                    Decision.details["replaces"].as_string() == obligation.owner_code,
                ),
            ),
        )
        .order_by(Decision.id.desc())
        .limit(1)
    )
    decision = rows.one_or_none()
    reply = await find_last_reply(connection, obligation.id)
    if reply is not None and (decision is None or reply.said_at > decision.decided_at):
        return Outcome("undo" if reply.said == "undo" else "answered", holder, reply.said_at)
    return None if decision is None else outcome_of_decision(decision)


async def find_request_outcome(
    connection: AsyncConnection, request: Any, *, holder: str
) -> Outcome | None:
    """Return what became of an extension request; None while it waits.

    request: a row of ExtensionRequest. holder: the name of the agency that asked.
    """
    decision = await find_decision(connection, request.decision_id)
    if request.state == "withdrawn":
        undone_at = await connection.scalar(
            select(StatusReply.said_at).where(
                StatusReply.obligation_id == request.obligation_id,
                StatusReply.undoes_id == request.reply_id,
            )
        )
        if undone_at is not None:
            return Outcome("undo", holder, undone_at)
    was_offered = decision is None or decision.kind == "extension_offered"
    if was_offered and request.state in ("granted", "withdrawn"):
        what = "taken" if request.state == "granted" else "left"
        return Outcome(what, holder, request.decided_at, request.granted_until)
    return None if decision is None else outcome_of_decision(decision)


async def find_decision(connection: AsyncConnection, decision_id: int | None) -> Any | None:
    """Return one decision, or None for an unknown id."""
    if decision_id is None:
        return None
    rows = await connection.execute(select(Decision).where(Decision.id == decision_id))
    return rows.one_or_none()


async def list_decisions(
    connection: AsyncConnection, kind: str, *, plan_code: str, subject: str
) -> Sequence[Any]:
    """Return the decisions of a kind about a task or duty that were not undone, the latest first."""
    rows = await connection.execute(
        select(Decision)
        .where(Decision.kind == kind, Decision.plan_code == plan_code, Decision.subject == subject)
        .where(standing_condition())
        .order_by(Decision.id.desc())
    )
    return rows.all()


def outcome_of_decision(decision: Any) -> Outcome:
    """Return a row of Decision as it is told."""
    until = decision.details.get("until") or decision.details.get("due_on")
    return Outcome(
        decision.kind,
        decision.decided_by,
        decision.decided_at,
        date.fromisoformat(until) if until else None,
    )
