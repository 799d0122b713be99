"""Who has a task: tasks given to an agency.

Promises that an assignment is a decision laid over the plan, so that it outlives every re-load; that
what the agency before owed is superseded, never deleted; and that both agencies are told.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from bot.conversation.context.lookup import (
    ask_choice,
    load_visible_plans,
    look_up_words,
    qualified_code,
)
from bot.conversation.context.scope import load_scope
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.decisions.common import deciding_agency, decision_notices
from data.loading.assignments import load_assignments
from data.models import Agency, Obligation
from data.progress import decisions
from data.registry.province import is_alive
from data.registry.schema import AgencyEntry
from data.rules.ladder import UNDATED
from data.rules.owners import task_owners
from jobs.channel import Answer
from jobs.planning.materialise import materialise

ASSIGNING_ROLES = frozenset({"coordinator", "leader"})


def find_living_agencies(turn: Turn, province: str, words: str) -> list[AgencyEntry]:
    """Return the agencies of today that words mean; an agency that ended stands for its heir."""
    home = turn.registry.provinces[province]
    heirs = dict.fromkeys(
        home.main_successor(entry.code, turn.today) for entry in home.find(words, on=turn.today)
    )
    return [home.agencies[code] for code in heirs if is_alive(home.agencies[code], turn.today)]


# ------------------------------------------------------------------ /giao


async def answer_giao(turn: Turn) -> list[Answer]:
    """Answer /giao CODE AGENCY: a task without lead, or whose agency was split, gets its agency."""
    words = turn.words.split()
    scope = await load_scope(turn, ASSIGNING_ROLES)
    for cut in range(min(len(words) - 1, 3), 0, -1):
        found = await look_up_words(turn, scope, " ".join(words[:cut]))
        tasks = [task for task in found.tasks if task.plan_id in scope.plans]
        if not tasks:
            continue
        rest = " ".join(words[cut:])
        plans = await load_visible_plans(turn, scope)
        if len(tasks) > 1:
            choices = [
                (
                    f"{qualified_code(task, plans)} {rest}",
                    f"{qualified_code(task, plans)}: {task.title}",
                )
                for task in tasks
            ]
            return [ask_choice("giao", turn.words, choices)]
        return await _give_task(turn, tasks[0], plans[tasks[0].plan_id], rest)
    return [
        Answer(
            "assign_help", {"typed": turn.words, "open": await _list_undecided_tasks(turn, scope)}
        )
    ]


async def _give_task(turn: Turn, task: Any, plan: Any, words: str) -> list[Answer]:
    file = turn.registry.plans[plan.code]
    found = find_living_agencies(turn, file.province, words)
    if len(found) != 1:
        names = [entry.name for entry in found[:6]]
        return [Answer("assign_which", {"typed": words, "found": names, "code": task.code})]
    home = turn.registry.provinces[file.province]
    entry = next(entry for entry in file.tasks if entry.code == task.code)
    overlay = await decisions.load_overrides(turn.connection)
    owners = task_owners(
        home, file, entry, on=turn.today, assigned=overlay.of(plan.code, task.code)
    )
    undecided = [code for code, waits in owners.items() if waits]
    if owners and not undecided:
        names = [home.agencies[code].name for code in owners]
        context: dict[str, object] = {"title": task.title, "code": task.code, "leads": names}
        return [Answer("assign_taken", context)]
    if not _may_assign(turn, plan):
        return [Answer("cannot_decide", {"own": False, "coordinator": plan.coordinator or ""})]
    before = await _load_owed_by(turn, plan.id, task.code, file.province, undecided[:1])
    return await assign_agency(
        turn,
        plan.code,
        plan.id,
        file.province,
        task.code,
        found[0],
        replaces=undecided[0] if undecided else None,
        since=turn.today,
        before=before,
        title=task.title,
    )


def _may_assign(turn: Turn, plan: Any) -> bool:
    """Tell whether the caller assigns in a plan: its coordinator, or a leader who may decide."""
    return any(
        (e.role == "coordinator" and e.agency_id == plan.coordinator_id)
        or (e.role == "leader" and e.may_decide)
        for e in turn.caller.enrolments
    )


async def _load_owed_by(
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
    """Return the first tasks of the plans followed that wait for an agency."""
    waiting: list[dict[str, Any]] = []
    overlay = await decisions.load_overrides(turn.connection)
    for plan in scope.plans.values():
        file = turn.registry.plans.get(plan.code)
        if file is None:
            continue
        home = turn.registry.provinces[file.province]
        for task in file.tasks:
            owners = task_owners(
                home, file, task, on=turn.today, assigned=overlay.of(plan.code, task.code)
            )
            if owners and not any(owners.values()):
                continue
            names = [home.agencies[code].name for code, waits in owners.items() if waits]
            waiting.append(
                {"plan": plan.number, "code": task.code, "text": task.text, "owners": names}
            )
    return waiting


# ------------------------------------------------------------------ an assignment


async def assign_agency(
    turn: Turn,
    plan_code: str,
    plan_id: int,
    province: str,
    code: str,
    agency: AgencyEntry,
    *,
    replaces: str | None,
    since: date,
    before: list[VisibleObligation],
    title: str = "",
) -> list[Answer]:
    """Write an assignment down, plan anew, and tell the agency that has it now and the one that had it.

    replaces: the code of the agency in whose place; before: what it owed of it.
    """
    by = deciding_agency(turn)
    await decisions.record_decision(
        turn.connection,
        decisions.ASSIGN,
        plan_code=plan_code,
        subject=code,
        details={"agency": agency.code, "replaces": replaces, "since": since.isoformat()},
        person_id=turn.caller.person_id,
        decided_by=by,
        now=turn.now,
    )
    overlay = await decisions.load_overrides(turn.connection)
    await load_assignments(
        turn.connection,
        turn.registry,
        {plan_code: plan_id},
        overrides=overlay,
        now=turn.now,
        today=turn.today,
    )
    await materialise(turn.connection, turn.registry, today=turn.today, plan_code=plan_code)
    fresh = await _load_owed_by(turn, plan_id, code, province, [agency.code])
    gone = [k for k in before if k.subject.holder_id != k.subject.coordinator_id]
    return [
        Answer(
            "assigned",
            {
                "agency": agency.name,
                "code": code,
                "plan_number": turn.registry.plans[plan_code].number,
                "title": title or (before[0].as_item(turn, 1)["title"] if before else ""),
                "before": before[0].row.owner_name if before else "",
                **_due(turn, fresh),
            },
            edits=turn.pressed_message_id,
        ),
        *await decision_notices(turn, fresh, "assigned"),
        *await decision_notices(turn, gone, "taken_over"),
    ]


def _due(turn: Turn, fresh: list[VisibleObligation]) -> dict[str, Any]:
    """Return by when an agency owes what it was given; "" where that never falls due, or not yet.

    ended: its phase was over before it was tracked.
    """
    lines = [known.as_item(turn, 1) for known in fresh if known.row.kind != UNDATED]
    coming = [line["due"] for line in lines if not line["ended"]]
    return {"due": coming[0] if coming else "", "ended": bool(lines) and not coming}
