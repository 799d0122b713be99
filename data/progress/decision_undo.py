"""Undo of decisions within a day, all that one event decided or none of it.

A decision was acted upon, and stays, once one of these is so (_refuse_undo):
- a day has passed, or it was undone already;
- its agency answered since; where a plan was decided on, "đã nhận" is no such answer;
- another decision about the same stands after it;
- the obligation has left the state in which it was put: planning moved it on.
A consolidated report made meanwhile is a draft that names its hour, and binds nothing.

Guarantees:
- History stays: an undo is a decision of its own, which names the one that it undoes.
- What the decision changed is as before it, an extension request waits again, planning no longer follows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, and_, exists, false, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.models import (
    Agency,
    Decision,
    Explanation,
    ExtensionRequest,
    Obligation,
    Plan,
    StatusReply,
)
from data.progress.decisions import (
    ASSIGN,
    CONFIRM,
    CONFIRM_DATE,
    EXPLAIN,
    OPEN_DUTY,
    UNDO,
    record_decision,
    standing_condition,
)
from data.progress.replies import (
    PASSED_ON,
    load_snapshot,
    lock_obligation,
    lock_obligations,
    passed_on_condition,
    snapshot_columns,
)

DECISION_UNDO_WINDOW = timedelta(hours=24)
PLAN_KINDS = (ASSIGN, OPEN_DUTY, CONFIRM_DATE)
_CAUSES = ("accept_cause", "refuse_cause")
_REQUESTS = {f"extension_{state}": state for state in ("granted", "refused", "offered")}
_RESTORED = (CONFIRM, "return", "keep", *_REQUESTS)  # the obligation's columns are put back
UNDOABLE_KINDS = (*PLAN_KINDS, *_RESTORED, *_CAUSES, EXPLAIN)


@dataclass(frozen=True, slots=True)
class Origin:
    """The chat in which something is decided, and the event that decides it."""

    chat_id: int
    event_id: int | None


class CannotUndoDecision(Exception):
    """The decision stays; `why` names the rule, `row` the decision."""

    def __init__(
        self, why: Literal["nothing", "too_late", "answered_since", "acted_on"], row: Row[Any]
    ) -> None:
        super().__init__(why)
        self.why = why
        self.row = row


async def undo_details(
    connection: AsyncConnection, origin: Origin | None, obligation_id: int | None = None
) -> dict[str, Any]:
    """Return the details of a decision by which it can be undone; {} without an origin.

    Call before the decision changes the obligation, while that is locked.
    """
    if origin is None:
        return {}
    details: dict[str, Any] = {
        "chat": origin.chat_id,
        "event": origin.event_id,
        "after_reply": await connection.scalar(select(func.max(StatusReply.id))) or 0,
    }
    if obligation_id is not None:
        details["before"] = await load_snapshot(connection, obligation_id)
    return details


async def find_decided_together(connection: AsyncConnection, decision_id: int) -> list[Row[Any]]:
    """Return a decision with all others of its kind that the same event made, oldest first."""
    rows = await connection.execute(
        select(Decision).where(Decision.id == decision_id, Decision.kind.in_(UNDOABLE_KINDS))
    )
    first = rows.one_or_none()
    if first is None or first.details.get("event") is None:
        return [] if first is None else [first]
    same = await connection.execute(
        select(Decision)
        .where(
            Decision.kind == first.kind,
            Decision.person_id == first.person_id,
            Decision.decided_at == first.decided_at,
            Decision.details["event"].as_integer() == first.details["event"],
        )
        .order_by(Decision.id)
    )
    return list(same.all())


async def find_last_decision(
    connection: AsyncConnection, *, person_id: int | None, chat_id: int, since: datetime
) -> Row[Any] | None:
    """Return the last decision, or undoing of one, that a person made in a chat since an instant."""
    rows = await connection.execute(
        select(Decision)
        .where(
            Decision.person_id == person_id if person_id is not None else false(),
            Decision.decided_at >= since,
            Decision.kind.in_((*UNDOABLE_KINDS, UNDO)),
            Decision.details["chat"].as_integer() == chat_id,
        )
        .order_by(Decision.id.desc())
        .limit(1)
    )
    return rows.one_or_none()


async def undo_decisions(
    connection: AsyncConnection,
    rows: Sequence[Row[Any]],
    *,
    person_id: int | None,
    decided_by: str,
    origin: Origin,
    now: datetime,
) -> None:
    """Undo decisions that were made together, or none of them; raises CannotUndoDecision.

    Lock the plan first where it was decided on. Afterwards compute the rungs of the obligations again, or
    plan the plan anew, in the same transaction.
    """
    ids = sorted(row.details["obligation"] for row in rows if "obligation" in row.details)
    await lock_obligations(connection, ids)
    for row in rows:
        await _refuse_undo(connection, row, now)
    for row in rows:
        await _restore(connection, row, now)
        kept = ("obligation", "agency", "period")
        about = {name: row.details[name] for name in kept if name in row.details}
        origin_details = {"chat": origin.chat_id, "event": origin.event_id}
        await record_decision(
            connection,
            UNDO,
            plan_code=row.plan_code,
            subject=row.subject,
            details={**about, **origin_details, "undoes": row.id, "what": row.kind},
            person_id=person_id,
            decided_by=decided_by,
            now=now,
        )


async def _refuse_undo(connection: AsyncConnection, row: Row[Any], now: datetime) -> None:
    standing = select(Decision.id).where(Decision.id == row.id, standing_condition())
    if await connection.scalar(standing) is None or "after_reply" not in row.details:
        raise CannotUndoDecision("nothing", row)
    if now - row.decided_at > DECISION_UNDO_WINDOW:
        raise CannotUndoDecision("too_late", row)
    if await connection.scalar(select(_decided_since(row))):
        raise CannotUndoDecision("acted_on", row)
    if row.kind in PLAN_KINDS:
        if await connection.scalar(select(_answered_in_plan(row))):
            raise CannotUndoDecision("answered_since", row)
        return
    obligation = await lock_obligation(connection, row.details["obligation"])
    if row.kind == EXPLAIN:
        explanation = await connection.scalar(
            select(Explanation.state).where(Explanation.id == row.details["explanation"])
        )
        if explanation != "asked":
            raise CannotUndoDecision("answered_since", row)
    if row.kind in _RESTORED:
        answered = exists().where(
            StatusReply.obligation_id == obligation.id,
            StatusReply.id > row.details["after_reply"],
            ~passed_on_condition(),
        )
        if await connection.scalar(select(answered)):
            raise CannotUndoDecision("answered_since", row)
        decided_state = {CONFIRM: "confirmed", "return": "open"}
        before = row.details["before"]["state"]
        if obligation.state != decided_state.get(row.kind, before):
            raise CannotUndoDecision("acted_on", row)
    if row.kind in _REQUESTS:
        request = await connection.execute(
            select(ExtensionRequest).where(ExtensionRequest.id == row.details["request"])
        )
        found = request.one_or_none()
        if found is None or (found.state, found.decision_id) != (_REQUESTS[row.kind], row.id):
            raise CannotUndoDecision("answered_since", row)


def _decided_since(row: Row[Any]) -> Any:
    """Return the condition that another decision about the same stands after one."""
    details = row.details
    if row.kind in PLAN_KINDS:
        same = and_(
            Decision.kind == row.kind,
            true()
            if row.kind == ASSIGN
            else Decision.details["period"].as_string() == details["period"],
        )
    else:
        named = Decision.details["obligation"].as_integer() == details["obligation"]
        apart = (*_CAUSES, EXPLAIN)  # they bear on nothing but causes
        group = (
            (row.kind,)
            if row.kind == EXPLAIN
            else _CAUSES
            if row.kind in _CAUSES
            else tuple(kind for kind in UNDOABLE_KINDS if kind not in apart)
        )
        same = and_(named, Decision.kind.in_(group))
    return exists().where(
        Decision.id > row.id,
        Decision.plan_code == row.plan_code,
        Decision.subject == row.subject,
        same,
        standing_condition(),
    )


def _answered_in_plan(row: Row[Any]) -> Any:
    """Return the condition that an agency answered what a decision on a plan made or dated, beyond "đã nhận"."""
    whose = (
        Agency.code == (row.details["agency"] or row.details["replaces"])
        if row.kind == ASSIGN
        else Obligation.period == row.details["period"]
    )
    return exists().where(
        StatusReply.obligation_id == Obligation.id,
        StatusReply.id > row.details["after_reply"],
        StatusReply.said.not_in((*PASSED_ON, "acknowledge", "undo")),
        Obligation.plan_id == Plan.id,
        Obligation.agency_id == Agency.id,
        Plan.code == row.plan_code,
        Obligation.code == row.subject,
        whose,
    )


async def _restore(connection: AsyncConnection, row: Row[Any], now: datetime) -> None:
    if row.kind == EXPLAIN:
        await connection.execute(
            update(Explanation)
            .where(Explanation.id == row.details["explanation"])
            .values(state="withdrawn")
        )
    if row.kind in _REQUESTS:
        await connection.execute(
            update(ExtensionRequest)
            .where(ExtensionRequest.id == row.details["request"])
            .values(state="open", decided_at=None, granted_until=None, decision_id=None)
        )
    if row.kind not in _RESTORED:
        return
    before = row.details["before"]
    values: dict[str, Any] = snapshot_columns(before)
    values["late_told"] = before["late_told"]
    if row.kind == CONFIRM:
        values |= {"confirmed_at": None, "confirmed_by": None}
    if row.kind == "extension_granted":
        extended_to = before["extended_to"]
        values |= {
            "extended_to": None if extended_to is None else date.fromisoformat(extended_to),
            "revision": Obligation.revision + 1,
            "revised_on": civil_date(now),
        }
    await connection.execute(
        update(Obligation).where(Obligation.id == row.details["obligation"]).values(values)
    )
