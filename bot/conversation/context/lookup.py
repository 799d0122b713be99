"""Words after a command to plans, tasks, report duties and agencies.

Guarantees:
- Finds only what the caller may see.
- Returns all that fit; never picks one of several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import literal, select

from bot.conversation.context.access import DECIDING_ROLES
from bot.conversation.context.buttons import ButtonRows, command_button
from bot.conversation.context.scope import CallerScope
from bot.conversation.context.turn import Turn
from data.models import Agency, Obligation, Plan, Task
from data.obligations import search
from data.text import fold
from jobs.channel import Answer

_MOST_CHOICES = 12
_MOST_OFFERED = 6
_PLAN_WORDS = ("ke hoach so", "ke hoach", "kh so", "kh")


@dataclass(frozen=True, slots=True)
class LookupResult:
    """All that words may mean, of the first kind in this order that has any."""

    visible_plans: dict[int, Any]  # plans of which the caller may see something, by id
    plans: tuple[Any, ...] = ()
    tasks: tuple[Any, ...] = ()
    duties: tuple[Any, ...] = ()
    agencies: tuple[Any, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether the words name nothing that the caller may see."""
        return not (self.plans or self.tasks or self.duties or self.agencies)


async def look_up_words(turn: Turn, scope: CallerScope, words: str) -> LookupResult:
    """Return the plans, else tasks and duties, else agencies that words name."""
    plans = await load_visible_plans(turn, scope)
    named = _find_named_plans(turn, plans, _without_plan_words(words))
    if named:
        return LookupResult(plans, plans=tuple(named))
    tasks, duties = await _find_by_code(turn, scope, plans, words)
    if tasks or duties:
        return LookupResult(plans, tasks=tuple(tasks), duties=tuple(duties))
    return LookupResult(plans, agencies=tuple(await find_agencies(turn, words)))


async def load_visible_plans(turn: Turn, scope: CallerScope) -> dict[int, Any]:
    """Return the plans that the caller follows or holds an obligation or task of, by id."""
    found = dict(scope.plans)
    if not scope.owner_ids:
        return found
    own = await turn.connection.execute(
        select(
            Plan.id,
            Plan.code,
            Plan.number,
            Plan.title,
            Plan.short,
            Plan.issued_on,
            Plan.coordinator_id,
        )
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
    """Return today's agencies that words name: a coordinator's or leader's whole province, else one's own."""
    found: dict[int, Any] = {}
    provinces = list(dict.fromkeys(enrolled.province for enrolled in turn.caller.enrolments))
    code, _, named = words.rpartition(" ")
    if named in provinces and code in turn.registry.provinces[named].agencies:
        words, chosen = code, [named]  # a choice between provinces, as typed below
    else:
        chosen = provinces
    for province in chosen:
        home = turn.registry.provinces[province]
        codes = [
            home.main_successor(entry.code, turn.today) for entry in home.find(words, on=turn.today)
        ]
        several = len(provinces) > 1
        rows = await turn.connection.execute(
            select(
                Agency.id,
                Agency.code,
                Agency.name,
                Agency.short,
                Agency.province,
                (Agency.code + (f" {province}" if several else "")).label("typed"),
                literal(f" ({home.name})" if several else "").label("place"),
            )
            .where(Agency.province == province, Agency.code.in_(codes))
            .order_by(Agency.position)
        )
        roles = {e.role for e in turn.caller.enrolments if e.province == province}
        own = {e.agency_id for e in turn.caller.enrolments}
        for row in rows:
            if roles & DECIDING_ROLES or row.id in own:
                found[row.id] = row
    return list(found.values())


def short_plan_number(plan: Any, plans: Collection[Any]) -> str:
    """Return the shortest words that name a plan among several: "1901", else "1901/KH-UBND"."""
    head = str(plan.number).split("/")[0]
    heads = Counter(str(other.number).split("/")[0] for other in plans)
    if heads[head] <= 1:
        return head
    numbers = Counter(other.number for other in plans)
    return str(plan.number if numbers[plan.number] <= 1 else plan.code)


def qualified_code(row: Any, plans: dict[int, Any]) -> str:
    """Return a task's or duty's code after its plan's number: "1901 III.1a"."""
    return f"{short_plan_number(plans[row.plan_id], plans.values())} {row.code}"


def refuse_unknown(command: str, words: str, scope: CallerScope, plans: dict[int, Any]) -> Answer:
    """Say what words were looked for in vain, and offer the plans that may be asked about."""
    shown = list(scope.plans.values() or plans.values())[:_MOST_OFFERED]
    named = [(short_plan_number(plan, plans.values()), plan) for plan in shown]
    buttons: ButtonRows = ()
    for number, plan in named:
        buttons = (*buttons, *command_button(f"Kế hoạch {plan.number}", command, number))
    offered = [{"words": number, "title": plan.short or plan.title} for number, plan in named]
    return Answer(
        "nothing_found",
        {"words": words, "command": command, "plans": offered},
        buttons=buttons,
    )


def ask_choice(command: str, words: str, choices: list[tuple[str, str]]) -> Answer:
    """Ask which of several is meant. choices: (words to type after the command, label)."""
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
    """Return the choices between the tasks, duties and agencies found."""
    coded = code_choices((*found.tasks, *found.duties), plans)
    return coded + [(row.typed, f"{row.name}{row.place}") for row in found.agencies]


def code_choices(
    rows: Iterable[Any], plans: dict[int, Any], *, tail: str = ""
) -> list[tuple[str, str]]:
    """Return the choices between tasks or duties. tail: words to type after the code."""
    codes = [(qualified_code(row, plans), row.title) for row in rows]
    return [(f"{code}{tail}", f"{code}: {title}") for code, title in codes]


async def _find_by_code(
    turn: Turn, scope: CallerScope, plans: dict[int, Any], words: str
) -> tuple[list[Any], list[Any]]:
    """Return tasks and duties by their code, with the plan's number before or after it or without."""
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
        tasks = [row for row in tasks if row.plan_id in plans]
        duties = [row for row in duties if row.plan_id in plans]
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
