"""/giao: assign a task to an agency.

Guarantees:
- An assignment is a decision beside the plan's file, so that every reload keeps it.
- The previous agency's obligations are superseded, never deleted.
- Both agencies get a notice.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from bot.conversation.context.access import DECIDING_ROLES, may_decide_in_plan
from bot.conversation.context.deciding import deciding_role, refuse_plan_decision
from bot.conversation.context.lookup import (
    ask_choice,
    code_choices,
    load_visible_plans,
    look_up_words,
)
from bot.conversation.context.scope import load_scope
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.decisions.common import (
    decision_notices,
    outcome_context,
    record_callers_decision,
)
from data.loading.assignments import load_assignments
from data.models import Agency, Obligation
from data.progress import decisions, outcomes
from data.registry.agency_kinds import is_generic
from data.registry.province import is_alive
from data.registry.schema import AgencyEntry
from data.rules.ladder import UNDATED
from data.rules.owners import task_owners
from jobs.channel import Answer
from jobs.planning.materialise import materialise


def find_living_agencies(turn: Turn, province: str, words: str) -> list[AgencyEntry]:
    """Return today's agencies that words name; the name of an ended agency means its main successor."""
    home = turn.registry.provinces[province]
    codes = dict.fromkeys(
        home.main_successor(entry.code, turn.today) for entry in home.find(words, on=turn.today)
    )
    return [home.agencies[code] for code in codes if is_alive(home.agencies[code], turn.today)]


async def answer_giao(turn: Turn) -> list[Answer]:
    """Answer /giao CODE AGENCY: assign a task that has no lead, or whose agency was split."""
    words = turn.words.split()
    scope = await load_scope(turn, DECIDING_ROLES)
    for cut in range(min(len(words) - 1, 3), 0, -1):
        lookup = await look_up_words(turn, scope, " ".join(words[:cut]))
        tasks = [task for task in lookup.tasks if task.plan_id in scope.plans]
        if not tasks:
            continue
        rest = " ".join(words[cut:])
        plans = await load_visible_plans(turn, scope)
        if len(tasks) > 1:
            return [ask_choice("giao", turn.words, code_choices(tasks, plans, tail=f" {rest}"))]
        return await _give_task(turn, tasks[0], plans[tasks[0].plan_id], rest)
    undecided = await _list_undecided_tasks(turn, scope)
    return [Answer("assign_help", {"typed": turn.words, "open": undecided})]


async def _give_task(turn: Turn, task: Any, plan: Any, words: str) -> list[Answer]:
    file = turn.registry.plans[plan.code]
    agencies = find_living_agencies(turn, file.province, words)
    if len(agencies) != 1:
        names = [entry.name for entry in agencies[:6]]
        return [
            Answer(
                "assign_which",
                {"typed": words, "found": names, "code": task.code, "generic": is_generic(words)},
            )
        ]
    await decisions.lock_plan(turn.connection, plan.id)
    home = turn.registry.provinces[file.province]
    entry = next(entry for entry in file.tasks if entry.code == task.code)
    overrides = await decisions.load_overrides(turn.connection)
    owners = task_owners(
        home, file, entry, on=turn.today, assigned=overrides.of(plan.code, task.code)
    )
    undecided = [code for code, waits in owners.items() if waits]
    if owners and not undecided:
        names = [home.agencies[code].name for code in owners]
        given = await outcomes.list_decisions(
            turn.connection, decisions.ASSIGN, plan_code=plan.code, subject=task.code
        )
        context: dict[str, object] = {
            "title": task.title,
            "code": task.code,
            "leads": names,
            "decided": outcome_context(outcomes.outcome_of_decision(given[0])) if given else None,
        }
        return [Answer("assign_taken", context)]
    if not may_decide_in_plan(turn.caller, plan.coordinator_id, province=file.province):
        return [refuse_plan_decision(plan.coordinator)]
    before = await _load_obligations_of(turn, plan.id, task.code, file.province, undecided[:1])
    return await assign_agency(
        turn,
        plan.code,
        plan.id,
        file.province,
        plan.coordinator_id,
        task.code,
        agencies[0],
        replaces=undecided[0] if undecided else None,
        since=turn.today,
        before=before,
        title=task.title,
    )


async def _load_obligations_of(
    turn: Turn, plan_id: int, code: str, province: str, owners: list[str]
) -> list[VisibleObligation]:
    rows = await turn.connection.execute(
        select(Obligation.id)
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(
            Obligation.plan_id == plan_id,
            Obligation.code == code,
            Obligation.state.in_(("open", "submitted")),
            Agency.province == province,
            Agency.code.in_(owners),
        )
    )
    return list((await visible_obligations(turn, list(rows.scalars()))).values())


async def _list_undecided_tasks(turn: Turn, scope: Any) -> list[dict[str, Any]]:
    """Return the tasks of the plans followed that wait for an agency."""
    waiting: list[dict[str, Any]] = []
    overrides = await decisions.load_overrides(turn.connection)
    for plan in scope.plans.values():
        file = turn.registry.plans.get(plan.code)
        if file is None:
            continue
        home = turn.registry.provinces[file.province]
        for task in file.tasks:
            owners = task_owners(
                home, file, task, on=turn.today, assigned=overrides.of(plan.code, task.code)
            )
            if owners and not any(owners.values()):
                continue
            names = [home.agencies[code].name for code, waits in owners.items() if waits]
            waiting.append(
                {"plan": plan.number, "code": task.code, "text": task.text, "owners": names}
            )
    return waiting


async def assign_agency(
    turn: Turn,
    plan_code: str,
    plan_id: int,
    province: str,
    coordinator_id: int | None,
    code: str,
    agency: AgencyEntry,
    *,
    replaces: str | None,
    since: date,
    before: list[VisibleObligation],
    title: str = "",
) -> list[Answer]:
    """Record an assignment, plan its obligations, and notify the new agency and the previous one.

    replaces: the code of the previous agency. before: the obligations that it held of the task.
    """
    await record_callers_decision(
        turn,
        decisions.ASSIGN,
        plan_code=plan_code,
        subject=code,
        details={"agency": agency.code, "replaces": replaces, "since": since.isoformat()},
        decided_by=deciding_role(turn, province=province, coordinator_id=coordinator_id).agency,
    )
    overrides = await decisions.load_overrides(turn.connection)
    await load_assignments(
        turn.connection,
        turn.registry,
        {plan_code: plan_id},
        overrides=overrides,
        now=turn.now,
        today=turn.today,
    )
    await materialise(turn.connection, turn.registry, today=turn.today, plan_code=plan_code)
    fresh = await _load_obligations_of(turn, plan_id, code, province, [agency.code])
    taken_over = [each for each in before if not each.subject.is_coordinators_own]
    return [
        Answer(
            "assigned",
            {
                "agency": agency.name,
                "code": code,
                "plan_number": turn.registry.plans[plan_code].number,
                "title": title or (before[0].as_item(turn)["title"] if before else ""),
                "before": before[0].row.owner_name if before else "",
                **_due_context(turn, fresh),
            },
            edits=turn.pressed_message_id,
        ),
        *await decision_notices(turn, fresh, "assigned"),
        *await decision_notices(turn, taken_over, "taken_over"),
    ]


def _due_context(turn: Turn, fresh: list[VisibleObligation]) -> dict[str, Any]:
    """Return the first due date of an assignment, "" without one; ended: its phase was over before tracking."""
    lines = [each.as_item(turn) for each in fresh if each.row.kind != UNDATED]
    coming = [line["due"] for line in lines if not line["ended"]]
    return {"due": coming[0] if coming else "", "ended": bool(lines) and not coming}
