"""/giao: assign a task to an agency, to another or one more, or take it away.

Guarantees:
- An assignment is a decision beside the plan's file, so that every reload keeps it.
- The previous agency's obligations are superseded, never deleted.
- Both agencies get a notice.
"""

from __future__ import annotations

import re
import unicodedata
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
from bot.conversation.context.preview import Deed, do_or_preview
from bot.conversation.context.scope import load_scope
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.decisions.common import (
    decision_notices,
    list_other_agency_chats,
    outcome_context,
    record_callers_decision,
    undo_buttons,
)
from data.loading.assignments import load_assignments
from data.models import Agency, Obligation
from data.progress import decisions, outcomes
from data.registry.agency_kinds import is_generic
from data.registry.province import is_alive
from data.registry.schema import AgencyEntry
from data.registry.titles import task_title
from data.rules.ladder import UNDATED
from data.rules.owners import task_owners
from data.text import fold
from jobs.channel import Answer
from jobs.planning.materialise import materialise

_INSTEAD = re.compile(r"\s+thay(?:\s+cho)?\s+", re.IGNORECASE)


def find_living_agencies(turn: Turn, province: str, words: str) -> list[AgencyEntry]:
    """Return today's agencies that words name; the name of an ended agency means its main successor."""
    home = turn.registry.provinces[province]
    codes = dict.fromkeys(
        home.main_successor(entry.code, turn.today) for entry in home.find(words, on=turn.today)
    )
    return [home.agencies[code] for code in codes if is_alive(home.agencies[code], turn.today)]


async def answer_giao(turn: Turn) -> list[Answer]:
    """Answer /giao CODE AGENCY: assign a task that has no lead, or whose agency was split.

    One that has its agency is given to another, to one more, or taken away, after a preview.
    """
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
    await decisions.lock_plan(turn.connection, plan.id)
    home = turn.registry.provinces[file.province]
    entry = next(entry for entry in file.tasks if entry.code == task.code)
    overrides = await decisions.load_overrides(turn.connection)
    owners = task_owners(
        home, file, entry, on=turn.today, assigned=overrides.of(plan.code, task.code)
    )
    if not may_decide_in_plan(turn.caller, plan.coordinator_id, province=file.province):
        return [refuse_plan_decision(plan.coordinator)]
    change = _parse_change(turn, file.province, words, owners)
    given = await outcomes.list_decisions(
        turn.connection, decisions.ASSIGN, plan_code=plan.code, subject=task.code
    )
    decided = outcome_context(outcomes.outcome_of_decision(given[0])) if given else None
    names = [home.agencies[code].name for code in owners]
    if change is None:
        context: dict[str, object] = {
            "title": task.title,
            "code": task.code,
            "leads": names,
            "decided": decided,
        }
        return [Answer("assign_taken", context)]
    if isinstance(change, list):
        unknown = {"typed": words, "found": [each.name for each in change[:6]], "code": task.code}
        return [Answer("assign_which", {**unknown, "generic": is_generic(words)})]
    new, replaces = change

    async def assign() -> Deed:
        held = [replaces] if replaces is not None else []
        before = await load_task_obligations(turn, plan.id, task.code, file.province, held)
        answers = await assign_agency(
            turn,
            plan.code,
            plan.id,
            file.province,
            plan.coordinator_id,
            task.code,
            new,
            replaces=replaces,
            since=turn.today,
            before=before,
            title=task.title,
        )
        told = [*([new.code] if new is not None else []), *held]
        ids = await turn.agency_ids(file.province, told)
        return Deed(
            answers,
            "assign",
            {
                "title": task.title,
                "code": task.code,
                "plan_number": plan.number,
                "new": new.name if new is not None else "",
                "old": home.agencies[replaces].name if replaces is not None else "",
                "now": names,
                "moved": len(before),
                "answered": sum(each.row.state == "submitted" for each in before),
                "decided": decided,
            },
            [(file.province, code, home.agencies[code].name) for code in told],
            [plan.code, task.code, new.code if new is not None else "", replaces, list(owners)],
            letter=next((each for each in answers if each.to_chat is not None), None),
            silent=[
                home.agencies[code].name
                for code in told
                if not await list_other_agency_chats(turn, ids.get(code))
            ],
            is_small=not owners or any(owners.values()),
        )

    return await do_or_preview(turn, "giao", assign)


def _parse_change(
    turn: Turn, province: str, words: str, owners: dict[str, bool]
) -> tuple[AgencyEntry | None, str | None] | list[AgencyEntry] | None:
    """Return the agency that takes a task and the one whose place it takes; a list: which is not clear.

    "X", "X thay Y", "thêm X", "bỏ Y" (nobody takes its place). None: the agency has the task, or several have it
    and the words do not say whose place is meant.
    """
    named, _, instead = (part.strip() for part in _INSTEAD.sub("|", words, count=1).partition("|"))
    is_more = fold(named).startswith("them ")
    is_less = unicodedata.normalize("NFC", named).casefold().startswith("bỏ ")
    if is_more or is_less:
        named = named.split(maxsplit=1)[1]
    found = find_living_agencies(turn, province, named)
    if len(found) != 1:
        return found
    waiting = [code for code, waits in owners.items() if waits]
    if is_less:
        return (None, found[0].code) if found[0].code in owners else []
    if found[0].code in owners:
        return None
    if is_more or not owners:
        return found[0], None
    if instead:
        old = [
            each for each in turn.registry.provinces[province].find(instead) if each.code in owners
        ]
        return (found[0], old[0].code) if len(old) == 1 else old
    if waiting:
        return found[0], waiting[0]
    return (found[0], next(iter(owners))) if len(owners) == 1 else None


async def load_task_obligations(
    turn: Turn, plan_id: int, code: str, province: str, owners: list[str]
) -> list[VisibleObligation]:
    """Return the open and submitted obligations of some owners under the code of a task or report."""
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
                {"plan": plan.number, "code": task.code, "title": task_title(task), "owners": names}
            )
    return waiting


async def assign_agency(
    turn: Turn,
    plan_code: str,
    plan_id: int,
    province: str,
    coordinator_id: int | None,
    code: str,
    agency: AgencyEntry | None,
    *,
    replaces: str | None,
    since: date,
    before: list[VisibleObligation],
    title: str = "",
) -> list[Answer]:
    """Record an assignment, plan its obligations, and notify the new agency and the previous one.

    replaces: the code of the previous agency. before: the obligations that it held of the task. agency None: it
    is taken off the task.
    """
    new = agency.code if agency is not None else None
    await record_callers_decision(
        turn,
        decisions.ASSIGN,
        plan_code=plan_code,
        subject=code,
        details={"agency": new, "replaces": replaces, "since": since.isoformat()},
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
    fresh = await load_task_obligations(turn, plan_id, code, province, [new] if new else [])
    taken_over = [each for each in before if not each.subject.is_coordinators_own]
    return [
        Answer(
            "assigned",
            {
                "agency": agency.name if agency is not None else "",
                "code": code,
                "plan_number": turn.registry.plans[plan_code].number,
                "title": title or (before[0].as_item(turn)["title"] if before else ""),
                "before": before[0].row.owner_name if before else "",
                **_due_context(turn, fresh),
            },
            buttons=await undo_buttons(turn),
            edits=turn.pressed_message_id,
        ),
        *await decision_notices(turn, fresh, "assigned"),
        *await decision_notices(turn, taken_over, "taken_over" if new else "taken_off"),
    ]


def _due_context(turn: Turn, fresh: list[VisibleObligation]) -> dict[str, Any]:
    """Return the first due date of an assignment, "" without one; ended: its phase was over before tracking."""
    lines = [each.as_item(turn) for each in fresh if each.row.kind != UNDATED]
    coming = [line["due"] for line in lines if not line["ended"]]
    return {"due": coming[0] if coming else "", "ended": bool(lines) and not coming}
