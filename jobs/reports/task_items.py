"""What a report tells of single tasks: which of a group, and in which of the phrases.

Guarantees:
- The body stays short whatever the plan's size: at most eight tasks of a group, and so many letters in all.
- Nothing is composed: words are the agencies' own, counts come from the facts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data.clock import civil_date
from data.reports.facts import AgencyLine, SectionFacts, TaskFacts
from data.reports.result_words import progress_of_note
from jobs.reports.document_names import document_phrase, document_verb

MOST_ITEMS = 8
# Of the tasks told in the body: about two and a half pages at most, and less where groups and targets are many.
_BODY_LETTERS, _LEAST_LETTERS = 6000, 1500
_SHARED_LETTERS, _GROUP_LETTERS, _TARGET_LETTERS = 9000, 450, 225
_ITEM_LETTERS = 160  # beside the task's name
_AT_FIRST = {"done": 4, "late": 2, "doing": 2}  # of each kind, before one takes the others' places

LinesByTask = Mapping[int, Sequence[AgencyLine]]


def select_items(
    sections: Sequence[SectionFacts], lines: LinesByTask, *, targets: int = 0
) -> list[list[dict[str, Any]]]:
    """Return the tasks to tell of each group, as the text needs them. targets: told in the body beside them."""
    left_over = _SHARED_LETTERS - _GROUP_LETTERS * len(sections) - _TARGET_LETTERS * targets
    room, told = min(max(left_over, _LEAST_LETTERS), _BODY_LETTERS), []
    for left, section in zip(range(len(sections), 0, -1), sections, strict=True):
        items = _items_of(section, lines, room // left)
        room -= sum(_letters(item) for item in items)
        told.append(items)
    return told


def task_item(task: TaskFacts, lines: Sequence[AgencyLine]) -> dict[str, Any]:
    """Return what is known of a task's result, by the kinds of phrases: done, waiting, late, doing or none."""
    overdue = [line for line in lines if line.is_overdue]
    done = [line for line in lines if line.state in ("done_on_time", "done_late")]
    waiting = [line for line in lines if line.waiting]
    speaking = [line for line in lines if line.source is not None and line not in done]
    kind = "none"
    if task.is_done:
        kind = "done"
    elif waiting and len(waiting) + len(done) == len(lines):
        kind = "waiting"
    elif task.is_overdue:
        kind = "late"
    elif done or any(_tells_progress(line) for line in speaking):
        kind = "doing"
    return {
        "kind": kind,
        "name": task.text.rstrip(" .;,:"),
        "agencies": [line.agency for line in lines],
        "parts": task.parts.total,
        "done": task.parts.done_on_time + task.parts.done_late,
        "waiting": task.parts.waiting,
        "late": task.parts.open_late,
        "lines": [_line_item(line) for line in (*done, *waiting)],
        "progress": [_line_item(line) for line in speaking if _tells_progress(line)],
        "late_lines": [
            _line_item(line) for line in sorted(overdue, key=lambda each: -each.days_late)
        ],
        "extended": [_line_item(line) for line in lines if line.extension_document],
        "has_words": any(line.result or _tells_progress(line) for line in lines),
        "has_document": any(line.document for line in done),
    }


def _tells_progress(line: AgencyLine) -> bool:
    said = line.source.said if line.source is not None else ""
    return said in ("in_progress", "not_started") and bool(
        line.percent is not None or (line.source and line.source.note)
    )


def _line_item(line: AgencyLine) -> dict[str, Any]:
    source = line.source
    return {
        "agency": line.agency,
        "percent": line.percent,
        "due": line.due_on,
        "done_on": line.done_on,
        "days_late": line.days_late,
        "document": document_phrase(line.document, line.document_on) if line.document else "",
        "verb": document_verb(line.document) if line.document else "",
        "result": line.result or "",
        "words": progress_of_note(source.note) if source is not None else "",
        "said_at": civil_date(source.at) if source is not None else None,
        "reason": line.reason or "",
        "proposed": line.proposed_until,
        "extension": line.extension_document or "",
    }


def _items_of(section: SectionFacts, lines: LinesByTask, room: int) -> list[dict[str, Any]]:
    items = [task_item(task, lines.get(task.task_id, ())) for task in section.tasks]
    ranked = {
        "done": [each for each in items if each["kind"] in ("done", "waiting")],
        "late": [each for each in items if each["kind"] == "late"],
        "doing": [each for each in items if each["kind"] == "doing"],
    }
    # Confirmed with a document first; the longest late first.
    ranked["done"].sort(key=lambda each: (each["kind"] != "done", not each["has_document"]))
    ranked["late"].sort(
        key=lambda each: -max((x["days_late"] for x in each["late_lines"]), default=0)
    )
    first = [each for kind, most in _AT_FIRST.items() for each in ranked[kind][:most]]
    rest = [each for kind, most in _AT_FIRST.items() for each in ranked[kind][most:]]
    chosen: list[dict[str, Any]] = []
    for item in (*first, *rest):
        if len(chosen) == MOST_ITEMS:
            break
        if _letters(item) <= room:
            chosen.append(item)
            room -= _letters(item)
    if not chosen:  # no name fits: the shortest one
        chosen = sorted((*first, *rest), key=_letters)[:1]
    order = {"done": 0, "waiting": 1, "doing": 2, "late": 3}
    return sorted(chosen, key=lambda each: order[each["kind"]])


def _letters(item: Mapping[str, Any]) -> int:
    words = sum(len(line["result"]) + len(line["reason"]) for line in item["lines"][:1])
    return len(item["name"]) + _ITEM_LETTERS + words
