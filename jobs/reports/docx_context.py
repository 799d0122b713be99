"""Template values of a consolidated report: figures, groups, quotes, targets, appendix.

Guarantees: every value comes from the given facts; shares are rounded to a tenth and have a comma.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Any

from data.clock import ZONE
from data.figures.states import Figures
from data.registry.titles import shorten
from data.reports.facts import AgencyLine, AnswerSource, Quote, ReportFacts, TaskFacts
from data.rules.states import OFFICIAL_STATES
from data.targets.facts import TargetFacts
from data.text import collapse_whitespace, fold
from jobs.rendering.environment import upper_first
from jobs.reports.letterhead import official_short_date

# So many are named in the text; the rest is in the appendix.
_TASKS = 12
_NAMES = 12
_DOCUMENTS = 3
# From so many on, a task's silent agencies of one state and due date share a row.
_TOGETHER = 4
_TITLE = 160
_ROW_TITLE = 220
_TELL_EVERY = 25
_NUMBER = re.compile(r"(?<![\d.])(\d+)\.(\d+)(?![\d.])")

LinesByTask = Mapping[int, Sequence[AgencyLine]]


def find_mismatches(
    facts: ReportFacts, lines: Sequence[tuple[TaskFacts, Sequence[AgencyLine]]]
) -> list[str]:
    """Return a Vietnamese sentence for each task whose lines differ from its figures."""
    given = {task.task_id: own for task, own in lines}
    errors = []
    for task in facts.tasks:
        own = given.get(task.task_id, ())
        states = Counter(line.state for line in own)
        if any(states[state] != getattr(task.parts, state) for state in OFFICIAL_STATES):
            errors.append(
                f"{task.code}: phụ lục có {len(own)} dòng, trạng thái không khớp {task.parts.total} cơ quan."
            )
        silent = sum(line.source is None for line in own)
        if silent != task.silent:
            errors.append(
                f"{task.code}: phụ lục có {silent} dòng chưa báo cáo, số liệu là {task.silent}."
            )
    if len(given) != len(lines) or given.keys() - {task.task_id for task in facts.tasks}:
        errors.append("Phụ lục có nhiệm vụ lặp lại hoặc không thuộc kế hoạch.")
    return errors


def figures_context(figures: Figures) -> dict[str, Any]:
    """Return counts and shares; a share of nothing is "–". rounded: the shown shares miss 100."""
    total = figures.total
    counts = {**figures.as_json(), "done": figures.done_on_time + figures.done_late}
    tenths = (
        sum(round(1000 * counts[state] / total) for state in OFFICIAL_STATES) if total else 1000
    )
    shares = {name: _percent_text(count, total) for name, count in counts.items()}
    return {**counts, "share": shares, "rounded": tenths != 1000}


def _percent_text(count: int, total: int) -> str:
    """Return a share in per cent to a tenth, with a comma: "33,3"; "–" of nothing."""
    return f"{round(1000 * count / total) / 10:.1f}".replace(".", ",") if total else "–"


def group_contexts(facts: ReportFacts, lines: LinesByTask | None) -> list[dict[str, Any]]:
    """Return the groups of tasks with their counts, their done tasks and their late ones."""
    return [
        {
            "title": section.title,
            "figures": figures_context(section.figures),
            **_named("done", section.tasks, ("done_on_time", "done_late"), lines),
            **_named("late", section.tasks, ("open_late",), lines),
        }
        for section in facts.sections
    ]


def _named(
    key: str, tasks: Sequence[TaskFacts], states: tuple[str, ...], lines: LinesByTask | None
) -> dict[str, Any]:
    of_state = [task for task in tasks if task.state in states]
    named = [_notable(key, task, (lines or {}).get(task.task_id, ())) for task in of_state[:_TASKS]]
    return {key: named, f"{key}_more": len(of_state) - len(named)}


def _notable(key: str, task: TaskFacts, lines: Sequence[AgencyLine]) -> dict[str, Any]:
    documents = [f"{_document(line)} ({line.agency})" for line in lines if line.document]
    late = [line.agency for line in lines if line.state == "open_late"]
    more = len(documents) - _DOCUMENTS if key == "done" else len(late) - _NAMES
    return {
        "code": task.code,
        "title": shorten(task.text, _TITLE),
        "documents": documents[:_DOCUMENTS],
        "who": late[:_NAMES],
        "more": max(more, 0),
        "late_parts": task.parts.open_late,
        "parts": task.parts.total,
    }


def group_quotes(quotes: Sequence[Quote]) -> list[dict[str, Any]]:
    """Return equal words once, with their agencies, codes and days; the most frequent first."""
    by_words: dict[str, list[Quote]] = {}
    for quote in quotes:
        if fold(quote.words):
            by_words.setdefault(fold(quote.words), []).append(quote)
    grouped = sorted(by_words.values(), key=len, reverse=True)
    return [
        {
            "words": collapse_whitespace(same[0].words).rstrip(" .;,"),
            "agencies": list(dict.fromkeys(quote.agency for quote in same)),
            "codes": list(dict.fromkeys(quote.code for quote in same)),
            "days": _days([quote.at for quote in same]),
        }
        for same in grouped
    ]


def _days(instants: Sequence[datetime]) -> str:
    days = sorted({instant.astimezone(ZONE).date() for instant in instants})
    if len(days) == 1:
        return f"ngày {official_short_date(days[0])}"
    return f"từ ngày {official_short_date(days[0])} đến ngày {official_short_date(days[-1])}"


def target_rows(targets: Sequence[TargetFacts]) -> list[dict[str, Any]]:
    """Return the rows of the table of targets; numbers are written with a comma."""
    return [
        {
            **asdict(target),
            "text": upper_first(shorten(target.text, _ROW_TITLE)),
            "goal": _value_text(target.goal, target.unit, target.comparator),
            "value": _value_text(target.value, target.unit, None),
        }
        for target in targets
    ]


def _value_text(value: str | None, unit: str, comparator: str | None) -> str:
    if value is None or not value.strip():
        return ""
    sign = {">=": "≥ ", ">": "> ", "<=": "≤ ", "<": "< "}.get(comparator or "", "")
    number = _NUMBER.sub(_with_comma, value.strip())
    after = "" if not unit or number.endswith(unit) else (unit if unit == "%" else f" {unit}")
    return f"{sign}{number}{after}"


def _with_comma(number: re.Match[str]) -> str:
    tail = number[2].rstrip("0")
    return f"{number[1]},{tail}" if tail else number[1]


def appendix_rows(
    facts: ReportFacts,
    lines: LinesByTask | None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the appendix's rows in the plan's order: groups, tasks and their lines, if any are given."""
    done = 0
    for section in facts.sections:
        yield {"kind": "section", "title": section.title}
        for task in section.tasks:
            yield _task_row(task, full=lines is not None)
            if lines is not None:
                for row in _line_rows(lines.get(task.task_id, ())):
                    yield {**row, "code": task.code}
            done += 1
            if progress is not None and done % _TELL_EVERY == 0:
                progress(done, facts.figures.total)


def _task_row(task: TaskFacts, *, full: bool) -> dict[str, Any]:
    return {
        "kind": "task",
        "code": task.code,
        "title": task.text if full else shorten(task.text, _ROW_TITLE),
        "period": task.period,
        "state": task.state,
        **task.parts.as_json(),
        "done": task.parts.done_on_time + task.parts.done_late,
        "silent": task.silent,
        "behind": () if full else task.behind,
        "behind_more": task.behind_count - len(task.behind),
    }


def _line_rows(lines: Sequence[AgencyLine]) -> Iterator[dict[str, Any]]:
    """Yield a row for each line, in official order: first agencies that replied, then silent ones."""
    if not lines:
        yield {"kind": "nobody"}
    in_order = sorted(lines, key=lambda line: line.position)
    for line in in_order:
        if line.source is not None:
            yield _line_row(line, line.source)
    silent = [line for line in in_order if line.source is None]
    silent.sort(key=lambda line: (OFFICIAL_STATES.index(line.state), str(line.due_on or "")))
    for (state, due_on), alike in groupby(silent, key=lambda line: (line.state, line.due_on)):
        names = [line.agency for line in alike]
        due = official_short_date(due_on) if due_on else ""
        if len(names) >= _TOGETHER:
            yield {"kind": "silent_many", "agencies": names, "state": state, "due": due}
            continue
        for name in names:
            yield {"kind": "silent", "agency": name, "state": state, "due": due}


def _line_row(line: AgencyLine, source: AnswerSource) -> dict[str, Any]:
    at = source.at.astimezone(ZONE)
    return {
        **asdict(line),
        "kind": "line",
        "due": official_short_date(line.due_on) if line.due_on else "",
        "done_on": official_short_date(line.done_on) if line.done_on else "",
        "document": _document(line),
        "source": {
            **asdict(source),
            "at": f"{at:%H:%M} ngày {official_short_date(at.date())}",
        },
    }


def _document(line: AgencyLine) -> str:
    if not line.document:
        return ""
    return line.document + (
        f" ngày {official_short_date(line.document_on)}" if line.document_on else ""
    )
