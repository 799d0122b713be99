"""Facts of plans, and of the digests of the agencies that coordinate them.

Guarantees: a task counts once however many agencies are on it; every plan has facts in every week.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.silence import SILENT_DAYS
from data.digests.kept_weeks import ScopeFacts
from data.figures.plans import PlanFigures
from data.registry.titles import shorten
from data.rules.states import OFFICIAL_STATES, left_and_late, working_days_left
from jobs.digests.lines import grouped_lines, load_first_rows, requests_line
from jobs.digests.week import DAYS_AHEAD, Week

QUOTA_FROM = 80  # per cent of a cap; a digest warns beyond it
_NEWLY, _CHATS = 8, 8
_TITLE = 70
_APART = ("unassigned", "undated", "ended_before")


def plan_facts(week: Week) -> dict[str, ScopeFacts]:
    """Return each plan's tasks, reports, and agencies in the official order, by the plan's code."""
    counted: dict[int, dict[str, Counter[str]]] = {}
    for holder, counts in week.counts:
        code = holder or week.coordinators[counts.plan_id]
        if code is not None:
            of_plan = counted.setdefault(counts.plan_id, {})
            of_plan.setdefault(code, Counter()).update(counts.figures.as_json())
    facts: dict[str, ScopeFacts] = {}
    for plan_id, plan in week.plans.items():
        tasks = week.figures.get(plan_id)
        of_agencies = counted.get(plan_id, {})
        facts[plan.code] = {
            "scope": "plan",
            "code": plan.code,
            "number": plan.number,
            "title": plan.short or shorten(plan.title, _TITLE),
            "coordinator": week.coordinators[plan_id],
            "on": week.today.isoformat(),
            "tasks": tasks.tasks.as_json() if tasks is not None else None,
            **(tasks or PlanFigures(plan_id)).apart(),
            "duties": [duty.as_json() for duty in week.duties if duty.plan_id == plan_id],
            "agencies": [
                [
                    week.agencies[code].short,
                    *(of_agencies[code][state] for state in OFFICIAL_STATES),
                ]
                for code in week.agencies
                if code in of_agencies
            ],
        }
    return facts


async def coordinator_facts(
    connection: AsyncConnection, week: Week, plans: Mapping[str, ScopeFacts]
) -> dict[str, ScopeFacts]:
    """Return the facts of each coordinating agency with news or pressing plans, by its code."""
    codes = dict.fromkeys(code for code in week.coordinators.values() if code is not None)
    newly = {
        code: [
            item
            for item in week.items
            if item.status == "late"
            and week.is_new(item)
            and week.coordinators[item.row.plan_id] == code
        ]
        for code in codes
    }
    rows = await load_first_rows(connection, (each for every in newly.values() for each in every))
    found: dict[str, ScopeFacts] = {}
    for code in codes:
        own = [facts for facts in plans.values() if facts["coordinator"] == code]
        news = [
            *_risks(week, code),
            *grouped_lines(week, newly[code], rows, "newly", _NEWLY),
            *requests_line(week, code),
            *_chats(week, code),
            *_accounts(week),
        ]
        if news or any(_is_pressing(facts) for facts in own):
            lines = [{"section": "plans", "more": 0, **plan_summary(facts)} for facts in own]
            found[code] = {
                "scope": "coordinator",
                "code": code,
                "name": week.agencies[code].name,
                "on": week.today.isoformat(),
                "month": week.today.month,
                "counts": {"newly": len(newly[code])},
                "coordinators": [week.agencies[code].name],
                "picture": _most_pressing(own),
                "lines": [*lines, *news],
            }
    return found


def plan_summary(facts: ScopeFacts) -> dict[str, Any]:
    """Return the values of a plan's line."""
    values = {key: facts[key] for key in ("number", "title", "tasks", *_APART)}
    # A distant report is named only where none is near: the next one.
    near = [duty for duty in facts["duties"] if duty["late"] or duty["left"] <= DAYS_AHEAD]
    return {**values, "duties": near or facts["duties"][:1]}


def _is_pressing(facts: ScopeFacts) -> bool:
    """Return whether a plan alone needs a digest: a task is late, or a near report is incomplete."""
    return bool(facts["tasks"] and facts["tasks"]["open_late"]) or any(
        duty["received"] < duty["expected"] and (duty["late"] or duty["left"] <= DAYS_AHEAD)
        for duty in facts["duties"]
    )


def _most_pressing(plans: Iterable[ScopeFacts]) -> str | None:
    """Return the code of the plan with most late obligations, of plans with any obligation now."""
    late = {
        facts["code"]: sum(row[-1] for row in facts["agencies"])
        for facts in plans
        if facts["agencies"]
    }
    return max(late, key=lambda code: late[code], default=None)


def _risks(week: Week, code: str) -> list[dict[str, Any]]:
    """Return the agency's own near reports that wait for missing reports of others."""
    lines = []
    for duty in week.duties:
        onward = week.onward.get((duty.duty_id, duty.period_code))
        if (
            onward is None
            or week.province.main_successor(onward.row.owner_code, week.today) != code
        ):
            continue
        left = working_days_left(
            onward.row.base_on, onward.row.judged_on, today=week.today, workdays=week.workdays
        )
        if left <= DAYS_AHEAD:
            lines.append(
                {
                    "section": "risk",
                    "more": 0,
                    "title": onward.title,
                    "plan_number": onward.row.plan_number,
                    "due": onward.due_on.isoformat(),
                    "proposed": onward.row.due_proposed,
                    **left_and_late(left),
                    "missing": duty.missing_count,
                    "of": duty.title,
                }
            )
    return lines


def _chats(week: Week, code: str) -> list[dict[str, Any]]:
    """Return the line of agencies with obligations in the agency's plans and no working chat, and of silent ones."""
    holders = {
        item.holder
        for item in week.items
        if item.holder is not None and week.coordinators[item.row.plan_id] == code
    }
    silent = [each for key, each in week.agencies.items() if key in holders - week.reachable]
    lost = [each for key, each in week.agencies.items() if key in holders & week.unreachable]
    quiet = [
        each
        for key, each in week.agencies.items()
        if key in week.quiet.get(code, ()) and key in week.reachable
    ]
    if not silent and not lost and not quiet:
        return []
    return [
        {
            "section": "chats",
            "more": 0,
            "silent": len(silent),
            "silent_names": [agency.short for agency in silent[:_CHATS]],
            "lost": len(lost),
            "lost_names": [agency.short for agency in lost[:_CHATS]],
            "quiet": len(quiet),
            "quiet_days": SILENT_DAYS,
            "quiet_names": [agency.short for agency in quiet[:_CHATS]],
        }
    ]


def _accounts(week: Week) -> list[dict[str, Any]]:
    return [
        {"section": "quota", "more": 0, "account": dict(account)}
        for account in week.accounts
        if any((account[what]["percent"] or 0) > QUOTA_FROM for what in ("messages", "people"))
    ]
