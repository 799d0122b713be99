"""Undo a decision: "huỷ" typed right after it, or the button under its confirmation.

Guarantees:
- Only who decided undoes it, while they may decide on it; each who was told of it is told again.
- What was decided together is undone together, or not at all (data/progress/decision_undo.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from bot.conversation.context.access import may_decide_in_plan
from bot.conversation.context.deciding import (
    DecisionAction,
    deciding_role,
    find_decidable_ids,
    refuse_decision,
    refuse_plan_decision,
)
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.decisions.assignment import load_task_obligations
from bot.conversation.decisions.common import (
    UNDO_DECISION_VERB,
    callers_origin,
    decision_notices,
    outcome_context,
    undo_decision_button,
)
from data.loading.assignments import load_assignments
from data.models import Agency, Message, Obligation, Plan
from data.progress import decision_undo, decisions
from data.progress.decision_undo import CannotUndoDecision
from data.progress.outcomes import find_outcome
from data.progress.replies import lock_obligations
from jobs.channel import Answer
from jobs.planning.materialise import materialise
from jobs.planning.rungs import recompute

_MOST_SHOWN = 7


async def find_confirmed_decision(turn: Turn) -> int | None:
    """Return the decision that the message replied to confirms; without a reply, the last message here."""
    reply_to = turn.incoming.reply_to
    rows = await turn.connection.execute(
        select(Message.buttons)
        .where(
            Message.chat_id == turn.chat.id,
            *([Message.remote_id == reply_to] if reply_to is not None else []),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    for line in row.buttons if row is not None else ():
        for _, action in line:
            verb, _, key = str(action).partition(":")
            if verb == UNDO_DECISION_VERB and key.isdecimal():
                return int(key)
    return None


async def find_last_own_decision(turn: Turn) -> Any | None:
    """Return the caller's last decision in this chat within a day, or undoing of one; None without one."""
    return await decision_undo.find_last_decision(
        turn.connection,
        person_id=turn.caller.person_id,
        chat_id=turn.chat.id,
        since=turn.now - decision_undo.DECISION_UNDO_WINDOW,
    )


async def ask_to_undo_decision(turn: Turn, decision_id: int) -> list[Answer]:
    """Ask whether a decision is meant, where something else was shown since it was confirmed."""
    rows = await decision_undo.find_decided_together(turn.connection, decision_id)
    context = await _describe(turn, rows)
    return [Answer("undo_decision_ask", context, buttons=undo_decision_button(decision_id))]


async def undo_decision(turn: Turn, decision_id: int) -> list[Answer]:
    """Undo a decision of the caller's, with all that were made together with it, or say why it stays."""
    rows = await decision_undo.find_decided_together(turn.connection, decision_id)
    person_id = turn.caller.person_id
    if not rows or person_id is None or rows[0].person_id != person_id:
        return [Answer("unknown_item")]
    undo = _undo_on_plan if rows[0].kind in decision_undo.PLAN_KINDS else _undo_on_obligations
    try:
        return await undo(turn, rows)
    except CannotUndoDecision as fault:
        return [await _refusal(turn, fault)]


async def _undo_on_obligations(turn: Turn, rows: Sequence[Any]) -> list[Answer]:
    kind = rows[0].kind
    ids = [row.details["obligation"] for row in rows]
    await lock_obligations(turn.connection, ids)
    visible = await visible_obligations(turn, ids)
    action: DecisionAction = "explain" if kind == decisions.EXPLAIN else "decide"
    decidable = await find_decidable_ids(turn, ids, action)
    for key in ids:
        if key not in visible:
            return [Answer("unknown_item")]
        if key not in decidable:
            return [await refuse_decision(turn, visible[key])]
    first = visible[ids[0]].row
    role = deciding_role(
        turn, province=first.province, coordinator_id=first.coordinator_id, action=action
    )
    await _undo(turn, rows, role.agency)
    await recompute(turn.connection, turn.registry, ids, today=turn.today)
    now = list((await visible_obligations(turn, ids)).values())
    notices = await decision_notices(turn, now, "undone", undone=kind)
    return [await _confirm(turn, rows, notices), *notices]


async def _undo_on_plan(turn: Turn, rows: Sequence[Any]) -> list[Answer]:
    (row,) = rows[:1]
    found = await turn.connection.execute(select(Plan).where(Plan.code == row.plan_code))
    plan = found.one_or_none()
    file = turn.registry.plans.get(row.plan_code)
    if plan is None or file is None:
        return [Answer("unknown_item")]
    province, coordinator_id = file.province, plan.coordinator_id
    if not may_decide_in_plan(turn.caller, coordinator_id, province=province):
        return [refuse_plan_decision(None)]
    await decisions.lock_plan(turn.connection, plan.id)
    before: list[VisibleObligation] = []
    if row.kind == decisions.ASSIGN:
        before = await load_task_obligations(
            turn, plan.id, row.subject, province, [row.details["agency"] or ""]
        )
    elif row.kind == decisions.OPEN_DUTY:
        before = await _load_period(turn, plan.id, row)
    role = deciding_role(turn, province=province, coordinator_id=coordinator_id)
    await _undo(turn, rows, role.agency)
    if row.kind == decisions.ASSIGN:
        await load_assignments(
            turn.connection,
            turn.registry,
            {plan.code: plan.id},
            overrides=await decisions.load_overrides(turn.connection),
            now=turn.now,
            today=turn.today,
        )
    await materialise(turn.connection, turn.registry, today=turn.today, plan_code=plan.code)
    notices: list[Answer] = []
    if row.kind == decisions.CONFIRM_DATE:
        before = await _load_period(turn, plan.id, row)
    elif row.kind == decisions.ASSIGN and row.details["replaces"]:
        back = await load_task_obligations(
            turn, plan.id, row.subject, province, [row.details["replaces"]]
        )
        held = [each for each in back if each.holder_code is not None]
        notices = await decision_notices(turn, held, "given_back")
    notices = [*await decision_notices(turn, before, "undone", undone=row.kind), *notices]
    return [await _confirm(turn, rows, notices, before), *notices]


async def _undo(turn: Turn, rows: Sequence[Any], decided_by: str) -> None:
    await decision_undo.undo_decisions(
        turn.connection,
        rows,
        person_id=turn.caller.person_id,
        decided_by=decided_by,
        origin=callers_origin(turn),
        now=turn.now,
    )


async def _load_period(turn: Turn, plan_id: int, row: Any) -> list[VisibleObligation]:
    found = await turn.connection.execute(
        select(Obligation.id)
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(
            Obligation.plan_id == plan_id,
            Obligation.code == row.subject,
            Obligation.period == row.details["period"],
            Obligation.state == "open",
        )
        .order_by(Agency.position)
    )
    return list((await visible_obligations(turn, list(found.scalars()))).values())


async def _confirm(
    turn: Turn,
    rows: Sequence[Any],
    notices: Sequence[Answer],
    about: Sequence[VisibleObligation] = (),
) -> Answer:
    context = {
        **await _describe(turn, rows, about),
        "told": len({notice.to_chat for notice in notices}),
    }
    return Answer("decision_undone", context, edits=turn.pressed_message_id)


async def _describe(
    turn: Turn, rows: Sequence[Any], about: Sequence[VisibleObligation] = ()
) -> dict[str, object]:
    """Return what some decisions made together are, as templates/_parts/undone_decision shows it."""
    row = rows[0]
    ids = [each.details["obligation"] for each in rows if "obligation" in each.details]
    shown = about or list((await visible_obligations(turn, ids)).values())
    plan = turn.registry.plans.get(row.plan_code)
    return {
        "what": row.kind,
        "code": row.subject,
        "plan_number": plan.number if plan is not None else "",
        "count": len(ids) or 1,
        "on_plan": row.kind in decision_undo.PLAN_KINDS,
        "items": [
            each.as_item(turn, holder=each.holder) for each in (shown[:_MOST_SHOWN] if ids else ())
        ],
        "agencies": list(dict.fromkeys(each.holder for each in shown)),
    }


async def _refusal(turn: Turn, fault: CannotUndoDecision) -> Answer:
    """Say why a decision stays, and what came after it."""
    decided = None
    about = await _describe(turn, [fault.row])
    obligation_id = fault.row.details.get("obligation")
    if obligation_id is not None and fault.why in ("acted_on", "answered_since", "nothing"):
        visible = (await visible_obligations(turn, [obligation_id])).get(obligation_id)
        if visible is not None:
            decided = await find_outcome(turn.connection, visible.row, holder=visible.holder)
    return Answer(
        "cannot_undo_decision", {**about, "why": fault.why, "decided": outcome_context(decided)}
    )
