"""Values of the consolidated report's text; the sentences are in templates/report/report.j2.

Guarantees: every value comes from the given facts; shares have one decimal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from data.registry.titles import period_name
from data.reports.facts import (
    AgencyLine,
    PeriodFigures,
    Quote,
    ReportFacts,
    TaskFacts,
    count_period,
)
from data.reports.period import following_period, span_of
from data.text import collapse_whitespace, fold
from jobs.rendering.dates import full_date
from jobs.reports.agency_lists import MOST_NAMED
from jobs.reports.document_names import is_implementing
from jobs.reports.letterhead import (
    full_name,
    issuer_of,
    official_long_date,
    split_bodies,
)
from jobs.reports.prose import percent_text
from jobs.reports.task_items import LinesByTask, select_items

LONG_LATE_DAYS = 30  # working days
_CAUSES = ("extension", "explanation", "dispute")
_MOST_BEST = 3  # groups named as best covered
_MOST_QUOTES = 12  # in the body


def report_context(facts: ReportFacts, lines: LinesByTask) -> dict[str, Any]:
    """Return the values of the whole text. lines: by task, empty where they are too many to read."""
    period = period_name(facts.period) or facts.period
    tasks = list(facts.tasks)
    overdue = [task for task in tasks if task.is_overdue]
    unassigned = [task.text.rstrip(" .;,:") for task in tasks if task.unassigned]
    groups = _groups(facts, lines)
    every = [line for task in tasks for line in lines.get(task.task_id, ())]
    return {
        "plan": plan_words(facts.number, facts.title, facts.issued_on, facts.province),
        "agency": full_name(facts.coordinator),
        "receivers": report_receivers(facts),
        "period": period,
        "next_period": period_name(following_period(facts.period)),
        "estimate": facts.is_estimate,
        "as_of": facts.as_of,
        "tracked_from": facts.tracked_from,
        "now": figures_context(facts.current),
        "before": figures_context(facts.previous) if facts.previous else None,
        "groups": groups,
        "best": _best_covered(groups),
        "told_groups": groups if len(unassigned) < len(tasks) else [],
        "unassigned": unassigned,
        "silent": list(facts.silent),
        "directing": asdict(facts.directing),
        "issuers": len({line.agency for line in every if _issues(line)}),
        "duties": [asdict(duty) for duty in facts.duties],
        "targets": _targets(facts),
        "overdue": len(overdue),
        "overdue_long": _count_long(overdue, lines),
        "overdue_agencies": _names(every, "is_overdue"),
        "unexplained": sum(_lacks_cause(lines.get(task.task_id, ())) for task in overdue),
        "causes": _quotes([q for q in facts.difficulties if q.kind in _CAUSES]),
        "difficulties": _quotes([q for q in facts.difficulties if q.kind not in _CAUSES]),
        "proposals": _quotes(facts.proposals),
        "upcoming": _upcoming(tasks, lines, facts),
        "proposed": _proposed(overdue, lines),
        "waiting_parts": sum(line.waiting for line in every),
        "asked_parts": sum(line.proposed_until is not None for line in every),
        "most_named": MOST_NAMED,
        "long_late_days": LONG_LATE_DAYS,
    }


def _lacks_cause(lines: Sequence[AgencyLine]) -> bool:
    """Tell whether an overdue task has no reason; a result that waits for confirmation needs none."""
    late = [line for line in lines if line.is_overdue and not line.waiting]
    if lines and not late:
        return False
    return not any(line.reason for line in lines)


def plan_words(number: str, title: str, issued_on: date, province: str) -> dict[str, str]:
    """Return a plan as a document names it."""
    # "Triển khai thực hiện …" continues a sentence; "Gia Lai …" is a name and keeps its capital.
    if title.split(" ", 2)[1:2] and title.split(" ", 2)[1][:1].islower():
        title = title[:1].lower() + title[1:]
    return {
        "number": number,
        "day": f"ngày {full_date(issued_on)}",
        "long_day": official_long_date(issued_on),
        "issuer": issuer_of(number, province),
        "title": title,
    }


def report_receivers(facts: ReportFacts) -> list[str]:
    """Return whom the report is for; the coordinator does not report to itself."""
    return [
        body
        for body in split_bodies(facts.receiver)
        if fold(full_name(body)) != fold(full_name(facts.coordinator))
    ]


def figures_context(counted: PeriodFigures) -> dict[str, Any]:
    """Return counts of a period and both rates: of all tasks, and of those due."""
    figures = counted.figures
    return {
        "period": period_name(counted.period) or counted.period,
        "total": figures.total,
        "done": counted.done,
        "done_on_time": figures.done_on_time,
        "done_late": figures.done_late,
        "in_time": counted.in_time,
        "overdue": counted.overdue,
        "open": counted.in_time + counted.overdue,
        "undated": counted.undated,
        "ended_before": counted.ended_before,
        "waiting": figures.waiting,
        "due": counted.due,
        "rate": percent_text(counted.done, figures.total),
        "rate_due": percent_text(counted.done, counted.due),
    }


def _groups(facts: ReportFacts, lines: LinesByTask) -> list[dict[str, Any]]:
    items = select_items(facts.sections, lines, targets=len(facts.targets))
    return [
        {
            "title": section.title,
            "now": figures_context(count_period(facts.period, section.tasks, section.figures)),
            "items": told,
            "rest": len(section.tasks) - len(told),
            "has_words": any(
                line.result or (line.source and line.source.note)
                for task in section.tasks
                for line in lines.get(task.task_id, ())
            ),
        }
        for section, told in zip(facts.sections, items, strict=True)
    ]


def _best_covered(groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the titled groups with the greatest shares done, in the plan's order."""
    done = [group for group in groups if group["title"] and group["now"]["done"]]
    done.sort(key=lambda group: -group["now"]["done"] / group["now"]["total"])
    return [group for group in groups if group in done[:_MOST_BEST]]


def _issues(line: AgencyLine) -> bool:
    return bool(line.document) and is_implementing(line.document or "")


def _names(lines: Sequence[AgencyLine], trait: str) -> list[str]:
    in_order = sorted(lines, key=lambda line: line.position)
    return list(dict.fromkeys(line.agency for line in in_order if getattr(line, trait)))


def _count_long(overdue: Sequence[TaskFacts], lines: LinesByTask) -> int:
    return sum(
        max((line.days_late for line in lines.get(task.task_id, ())), default=0) > LONG_LATE_DAYS
        for task in overdue
    )


def _quotes(quotes: Sequence[Quote]) -> dict[str, Any]:
    """Return equal words once with those who said them, the most frequent first, and how many are not told."""
    by_words: dict[str, list[Quote]] = {}
    for quote in quotes:
        if fold(quote.words):
            by_words.setdefault(fold(quote.words), []).append(quote)
    grouped = sorted(by_words.values(), key=len, reverse=True)
    told = [
        {
            "words": collapse_whitespace(same[0].words),
            "agencies": list(dict.fromkeys(quote.agency for quote in same)),
        }
        for same in grouped[:_MOST_QUOTES]
    ]
    return {"told": told, "more": len(grouped) - len(told)}


def _targets(facts: ReportFacts) -> dict[str, int]:
    return {
        "total": len(facts.targets),
        "met": sum(target.met is True for target in facts.targets),
        "missed": sum(target.met is False for target in facts.targets),
        "untold": sum(target.value is None for target in facts.targets),
    }


def _upcoming(
    tasks: Sequence[TaskFacts], lines: LinesByTask, facts: ReportFacts
) -> list[dict[str, Any]]:
    """Return the tasks that fall due after the day, up to the end of the next period."""
    until = span_of(following_period(facts.period)).last
    due = [
        task
        for task in tasks
        if not task.is_done and task.ends_on and facts.as_of < task.ends_on <= until
    ]
    return [
        {
            "name": task.text.rstrip(" .;,:"),
            "agencies": [line.agency for line in lines.get(task.task_id, ())],
            "due": task.ends_on,
        }
        for task in sorted(due, key=lambda task: task.ends_on or date.max)
    ]


def _proposed(overdue: Sequence[TaskFacts], lines: LinesByTask) -> list[dict[str, Any]]:
    return [
        {
            "name": task.text.rstrip(" .;,:"),
            "agency": line.agency,
            "until": line.proposed_until,
        }
        for task in overdue
        for line in lines.get(task.task_id, ())
        if line.is_overdue and line.proposed_until
    ][:MOST_NAMED]
