"""The arguments of all query commands: plan, code, agency, kind of agencies, period, in any order.

Guarantees:
- A word for a kind ("xã", "các sở") means all of them, and never one agency.
- Words that name a plan, code or agency as they stand are read so, before a period or kind is taken off them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, select, true

from bot.conversation.context.lookup import (
    LookupResult,
    list_choices,
    load_visible_plans,
    look_up_words,
    qualified_code,
    short_plan_number,
)
from bot.conversation.context.scope import CallerScope, agency_held_condition
from bot.conversation.context.turn import Turn
from data.models import Agency, Obligation
from data.progress.history import in_duty_condition, in_task_condition
from data.registry.agency_kinds import COMMUNE_KIND, DEPARTMENT_KINDS, AgencyGroup, named_group
from data.registry.titles import period_name
from data.reports.period import read_report_period
from data.text import fold

_MOST_TAKEN = 5  # words of a kind or period: "các xã, phường, đặc khu"
KIND_WORDS = {"departments": "sở", "communes": "xã", "others": "cơ quan khác"}
_KIND_LABELS = {
    "departments": "sở, ban, ngành",
    "communes": "xã, phường, đặc khu",
    "others": "cơ quan, đơn vị khác",
}
_CODE_WORDS = ("bao cao", "nhiem vu", "ma")  # before a code: "báo cáo BC.1"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the words after a command name.

    found: plans, tasks, duties or agencies; within: the plans beside an agency ("1901 sở tài chính").
    """

    found: LookupResult
    group: AgencyGroup | None = None
    period: str | None = None
    within: tuple[Any, ...] = ()

    @property
    def plans(self) -> dict[int, Any]:
        """Return the plans of which the caller may see something, by id."""
        return self.found.visible_plans

    @property
    def coded(self) -> tuple[Any, ...]:
        """Return the tasks and duties found."""
        return (*self.found.tasks, *self.found.duties)

    @property
    def is_empty(self) -> bool:
        """Tell whether the words name nothing that the caller may see."""
        return self.found.is_empty and self.group is None

    @property
    def kind_words(self) -> str:
        """Return the word to type for the kind of agencies; "" without one."""
        return "" if self.group is None else KIND_WORDS[self.group]

    @property
    def kind_label(self) -> str:
        """Return the name of the kind for a heading; "" without one."""
        return "" if self.group is None else _KIND_LABELS[self.group]

    @property
    def kind_tail(self) -> str:
        """Return the same with a blank before it."""
        return f" {self.kind_words}" if self.group is not None else ""

    def owner_condition(self) -> ColumnElement[bool]:
        """Return the condition on Obligation that its owner is of the kind asked for."""
        if self.group is None:
            return true()
        kinds = {
            "departments": Agency.kind.in_(DEPARTMENT_KINDS),
            "communes": Agency.kind == COMMUNE_KIND,
            "others": Agency.kind.not_in({*DEPARTMENT_KINDS, COMMUNE_KIND}),
        }[self.group]
        return Obligation.agency_id.in_(select(Agency.id).where(kinds))

    @property
    def is_one(self) -> bool:
        """Tell whether no more than one task, duty, agency or plan is named."""
        return len(self.coded) + len(self.found.agencies) + len(self.found.plans) <= 1

    def name(self) -> str:
        """Return what is asked about in full, with its period and plan, but without the kind of agencies."""
        period = f" {period_name(self.period)}" if self.period is not None else ""
        for row in self.coded:
            return f"{row.title}{period} [{row.code}], Kế hoạch {row.plan_number}"
        agencies = [agency.name for agency in self.found.agencies]
        plans = [f"Kế hoạch {plan.number}" for plan in self.found.plans or self.within]
        return ", ".join(filter(None, (*agencies, *plans, period.strip())))

    def canonical(self) -> str:
        """Return the shortest words that name the same; "" for several."""
        parts: list[str] = []
        if len(self.coded) == 1:
            parts.append(qualified_code(self.coded[0], self.plans))
        elif len(self.found.plans) == 1 or len(self.within) == 1:
            plan = (self.found.plans or self.within)[0]
            parts.append(short_plan_number(plan, self.plans.values()))
        if len(self.found.agencies) == 1:
            parts.append(str(self.found.agencies[0].typed))
        if self.period is not None:
            parts.append(self.period)
        return " ".join(part for part in (*parts, self.kind_words) if part)


def list_argument_choices(asked: Arguments) -> list[tuple[str, str]]:
    """Return the choices between what the words may name, each with the period and kind that they name."""
    tail = " ".join(part for part in (asked.period or "", asked.kind_words) if part)
    choices = list_choices(asked.found, asked.plans)
    choices += [
        (str(plan.number), f"Kế hoạch {plan.number}: {plan.title}") for plan in asked.found.plans
    ]
    return [(f"{typed} {tail}".strip(), label) for typed, label in choices]


async def asked_condition(turn: Turn, scope: CallerScope, asked: Arguments) -> ColumnElement[bool]:
    """Return the condition on Obligation of what is asked about in a scope's plans, without the kind of agencies."""
    condition: ColumnElement[bool] = Obligation.plan_id.in_(scope.plans)
    if asked.found.plans or asked.within:
        plans = asked.found.plans or asked.within
        condition &= Obligation.plan_id.in_([plan.id for plan in plans])
    if asked.found.tasks:
        condition &= in_task_condition(asked.found.tasks[0].id)
    elif asked.found.duties:
        condition &= in_duty_condition(asked.found.duties[0].id)
    elif asked.found.agencies:
        agency = asked.found.agencies[0]
        condition &= await agency_held_condition(turn, agency.province, agency.code)
    if asked.period is not None:
        condition &= Obligation.period == asked.period
    return condition


def period_words(period: str) -> str:
    """Return a period's code as read_arguments reads it; "" where it reads none ("once")."""
    return period if read_report_period(period, today=date.min) == period else ""


async def read_arguments(turn: Turn, scope: CallerScope, words: str) -> Arguments:
    """Return what the words after a query command name."""
    words = _without_code_words(words)
    group = named_group(words)
    if group is not None or not words:
        return Arguments(LookupResult(await load_visible_plans(turn, scope)), group)
    found = await look_up_words(turn, scope, words)
    if not found.is_empty and not found.agencies:
        return Arguments(found)
    named = Arguments(found)
    for rest, period, kind, is_tail in _readings(turn, words):
        if found.agencies and not is_tail:
            continue  # "phường 10" is a ward, "10 phường" the wards of plan 10
        other = await look_up_words(turn, scope, _without_code_words(rest))
        if other.is_empty or (found.agencies and other.agencies):
            continue
        return Arguments(other, kind, period)
    if not found.is_empty:
        return named
    return await _agency_in_plan(turn, scope, words) or named


async def _agency_in_plan(turn: Turn, scope: CallerScope, words: str) -> Arguments | None:
    """Return an agency with its plan or report before or after it: "1901 sở tài chính"."""
    tokens = words.split()
    for cut in range(1, min(len(tokens), 4)):
        for about, rest in ((tokens[:cut], tokens[cut:]), (tokens[-cut:], tokens[:-cut])):
            agencies = (await look_up_words(turn, scope, " ".join(rest))).agencies
            if not agencies:
                continue
            found = await look_up_words(turn, scope, " ".join(about))
            plans = found.plans or tuple(
                found.visible_plans[row.plan_id] for row in (*found.tasks, *found.duties)
            )
            if plans:
                named = LookupResult(found.visible_plans, agencies=agencies)
                return Arguments(named, within=tuple({p.id: p for p in plans}.values()))
    return None


def _readings(turn: Turn, words: str) -> Iterator[tuple[str, str | None, AgencyGroup | None, bool]]:
    """Yield the words without a kind, a period, or both: (rest, period, kind, whether these stood at the end)."""
    for rest, period, after in _without_period(turn, words):
        if period is not None:
            yield rest, period, None, after
        for shorter, kind, behind in _without_kind(rest):
            yield shorter, period, kind, after and behind
            for shortest, second, last in _without_period(turn, shorter):
                if period is None and second is not None:
                    yield shortest, second, kind, behind and last


def _without_period(turn: Turn, words: str) -> Iterator[tuple[str, str | None, bool]]:
    """Yield the words without the period at their end or beginning ("năm 2026 của 1901"), then as they are."""
    for taken, rest, is_tail in _cuts(words):
        period = read_report_period(taken, today=turn.today)
        if period is not None:
            yield rest, period, is_tail
    yield words, None, True


def _without_kind(words: str) -> Iterator[tuple[str, AgencyGroup, bool]]:
    for taken, rest, is_tail in _cuts(words):
        group = named_group(taken)
        if group is not None and fold(rest).split()[-1:] != ["thi"]:  # "thị xã" is a town
            yield rest, group, is_tail


def _cuts(words: str) -> Iterator[tuple[str, str, bool]]:
    """Yield the words taken off the end or the beginning, the longest first, the rest, and which it was."""
    tokens = words.split()
    for count in range(min(len(tokens) - 1, _MOST_TAKEN), 0, -1):
        yield " ".join(tokens[-count:]), " ".join(tokens[:-count]), True
        rest = tokens[count:]
        yield " ".join(tokens[:count]), " ".join(rest[fold(rest[0]) == "cua" :]), False


def _without_code_words(words: str) -> str:
    """Return the words without "báo cáo" before a code."""
    folded = fold(words)
    for phrase in _CODE_WORDS:
        if folded.startswith(f"{phrase} ") and any(letter.isdigit() for letter in folded):
            return " ".join(words.split()[len(phrase.split()) :])
    return words.strip()
