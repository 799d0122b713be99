"""What words after a command mean: a plan, a task or report by its code, an agency.

Promises that only what the caller may see is found, so another's is as good as unknown; and that where
several fit, all are told and none is taken. Reads only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from bot.conversation.context.pages import ButtonRows, command_button
from bot.conversation.context.scope import CallerScope
from bot.conversation.context.turn import Turn
from data.models import Agency, Obligation, Plan, Task
from data.obligations import search
from data.text import fold
from jobs.channel import Answer

_MOST_CHOICES = 12
_PLAN_WORDS = ("ke hoach so", "ke hoach", "kh so", "kh")


@dataclass(frozen=True, slots=True)
class LookupResult:
    """Everything that words may mean; kinds are looked for in this order and the first found counts."""

    visible_plans: dict[int, Any]  # all plans of which the caller may see something, by id
    plans: tuple[Any, ...] = ()
    tasks: tuple[Any, ...] = ()
    duties: tuple[Any, ...] = ()
    agencies: tuple[Any, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether the words name nothing the caller may see."""
        return not (self.plans or self.tasks or self.duties or self.agencies)


async def look_up_words(turn: Turn, scope: CallerScope, words: str) -> LookupResult:
    """Return what words mean to this caller."""
    plans = await load_visible_plans(turn, scope)
    named = _find_named_plans(turn, plans, _without_plan_words(words))
    if named:
        return LookupResult(plans, plans=tuple(named))
    tasks, duties = await _by_code(turn, scope, plans, words)
    if tasks or duties:
        return LookupResult(plans, tasks=tuple(tasks), duties=tuple(duties))
    return LookupResult(plans, agencies=tuple(await find_agencies(turn, words)))


async def load_visible_plans(turn: Turn, scope: CallerScope) -> dict[int, Any]:
    """Return the plans followed, and those of which the caller has something in hand, by id."""
    found = dict(scope.plans)
    if not scope.owner_ids:
        return found
    own = await turn.connection.execute(
        select(Plan.id, Plan.code, Plan.number, Plan.title, Plan.issued_on, Plan.coordinator_id)
        .where(
            Plan.withdrawn_at.is_(None),
            Plan.id.in_(select(Obligation.plan_id).where(scope.held))
            | Plan.id.in_(select(Task.plan_id).where(scope.own_tasks())),
        )
        .order_by(Plan.issued_on.desc(), Plan.id.desc())
    )
    for row in own:
        found.setdefault(row.id, row)
    return found


async def find_agencies(turn: Turn, words: str) -> list[Any]:
    """Return the agencies that words mean, as they stand today.

    Of the whole province for a coordinator or leader, for a focal point its own alone.
    """
    found: dict[int, Any] = {}
    for province in dict.fromkeys(enrolled.province for enrolled in turn.caller.enrolments):
        home = turn.registry.provinces[province]
        codes = [
            home.main_successor(entry.code, turn.today) for entry in home.find(words, on=turn.today)
        ]
        rows = await turn.connection.execute(
            select(Agency.id, Agency.code, Agency.name, Agency.short, Agency.province)
            .where(Agency.province == province, Agency.code.in_(codes))
            .order_by(Agency.position)
        )
        roles = {e.role for e in turn.caller.enrolments if e.province == province}
        own = {e.agency_id for e in turn.caller.enrolments}
        for row in rows:
            if roles & {"coordinator", "leader"} or row.id in own:
                found[row.id] = row
    return list(found.values())


def short_plan_number(plan: Any, plans: Collection[Any]) -> str:
    """Return the shortest words that name a plan among those visible: "1901", else "1901/KH-UBND"."""
    head = str(plan.number).split("/")[0]
    heads = Counter(str(other.number).split("/")[0] for other in plans)
    if heads[head] <= 1:
        return head
    numbers = Counter(other.number for other in plans)
    return str(plan.number if numbers[plan.number] <= 1 else plan.code)


def qualified_code(row: Any, plans: dict[int, Any]) -> str:
    """Return the words that name a task or duty and nothing else: "1901 III.1a"."""
    return f"{short_plan_number(plans[row.plan_id], plans.values())} {row.code}"


def ask_choice(command: str, words: str, choices: list[tuple[str, str]]) -> Answer:
    """Ask which of several is meant; choices: what to type after the command, and what it is."""
    shown = choices[:_MOST_CHOICES]
    buttons: ButtonRows = ()
    for typed, label in shown:
        buttons = (*buttons, *command_button(label[:60], command, typed))
    return Answer(
        "choose",
        {
            "command": command,
            "words": words,
            "options": [{"typed": typed, "label": label} for typed, label in shown],
            "more": len(choices) - len(shown),
        },
        buttons=buttons,
    )


def list_choices(found: LookupResult, plans: dict[int, Any]) -> list[tuple[str, str]]:
    """Return what `choose` shows of tasks, duties and agencies."""
    coded = [
        (qualified_code(row, plans), f"{qualified_code(row, plans)}: {row.title}")
        for row in (*found.tasks, *found.duties)
    ]
    return coded + [(row.code, row.name) for row in found.agencies]


async def _by_code(
    turn: Turn, scope: CallerScope, plans: dict[int, Any], words: str
) -> tuple[list[Any], list[Any]]:
    """Return tasks and duties by a code, with its plan before or after it or without one."""
    tokens = _without_plan_words(words).split()
    readings: list[tuple[str, list[Any] | None]] = []
    if len(tokens) > 1:
        readings = [
            (" ".join(tokens[1:]), _find_named_plans(turn, plans, tokens[0])),
            (" ".join(tokens[:-1]), _find_named_plans(turn, plans, tokens[-1])),
        ]
    readings = [reading for reading in readings if reading[1]] or [(words, None)]
    for code, within in readings:
        tasks = await search.find_tasks_by_code(turn.connection, scope.tasks(), code)
        duties = await search.find_duties_by_code(turn.connection, scope.duties(), code)
        if within is not None:
            ids = {plan.id for plan in within}
            tasks = [row for row in tasks if row.plan_id in ids]
            duties = [row for row in duties if row.plan_id in ids]
        known = plans.keys()
        tasks = [row for row in tasks if row.plan_id in known]
        duties = [row for row in duties if row.plan_id in known]
        if tasks or duties:
            return tasks, duties
    return [], []


def _find_named_plans(turn: Turn, plans: dict[int, Any], words: str) -> list[Any]:
    codes = set(turn.registry.find_plans(words))
    return [plan for plan in plans.values() if plan.code in codes]


def _without_plan_words(words: str) -> str:
    folded = fold(words)
    for phrase in _PLAN_WORDS:
        if folded.startswith(f"{phrase} "):
            return " ".join(words.split()[len(phrase.split()) :])
    return words.strip()
