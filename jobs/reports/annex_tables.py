"""Annexes of the consolidated report: every task, what is overdue, agencies that did not report.

Guarantees: no codes; task names are whole; a list of more than seven agencies stands in annex 3 alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from data.reports.facts import AgencyLine, ReportFacts, TaskFacts
from data.reports.result_words import progress_of_note
from jobs.rendering.environment import upper_first
from jobs.reports.agency_lists import group_agencies, name_or_count
from jobs.reports.document_names import document_phrase, is_implementing
from jobs.reports.labels import ENDED_BEFORE, STATE_WORDS, UNASSIGNED, UNDATED
from jobs.reports.prose import day_text, reported_words
from jobs.reports.task_items import LinesByTask, task_item
from jobs.reports.word_file import WordColumn, WordTable

Progress = Callable[[int, int], None]
_TELL_EVERY = 25
_MOST_SHOWN = 3  # documents of one task's agencies
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV")


def tasks_table(
    facts: ReportFacts, lines: LinesByTask, *, progress: Progress | None = None
) -> WordTable:
    """Return annex 1: every task with its result."""
    rows: list[list[Any]] = []
    number = 0
    # Where nobody holds any task the text says so once.
    nobody = all(task.unassigned for task in facts.tasks)
    for index, section in enumerate(facts.sections):
        if len(facts.sections) > 1:
            rows.append([f"{section_number(index)}. {section.title or 'Các nhiệm vụ khác'}"])
        for task in section.tasks:
            number += 1
            row = _task_row(task, lines.get(task.task_id, ()))
            rows.append([number, *row[:-1], "–" if nobody else row[-1]])
            if progress is not None and number % _TELL_EVERY == 0:
                progress(number, facts.figures.total)
    return WordTable(
        (
            WordColumn("TT", 600, True),
            WordColumn("Nhiệm vụ", 4200),
            WordColumn("Cơ quan chủ trì", 2250),
            WordColumn("Thời hạn", 1300, True),
            WordColumn("Sản phẩm yêu cầu", 1087, True),
            WordColumn("Kết quả thực hiện", 3250),
            WordColumn("Trạng thái", 1600, True),
        ),
        rows,
        small=True,
    )


def section_number(index: int) -> str:
    """Return the number of a group in annexes: "I", "II"."""
    return _ROMAN[index] if index < len(_ROMAN) else str(index + 1)


def _task_row(task: TaskFacts, lines: Any) -> list[Any]:
    agencies = [line.agency for line in lines]
    return [
        task.text,
        name_or_count(agencies) or (f"{task.parts.total} cơ quan" if task.parts.total else "–"),
        _due_text(task, lines),
        "–",
        result_text(task, lines),
        task_state(task),
    ]


def _due_text(task: TaskFacts, lines: Any) -> str:
    dues = {line.due_on for line in lines if line.due_on}
    if len(dues) == 1:
        return day_text(dues.pop())
    return task.period or (day_text(task.ends_on) if task.ends_on else "Thường xuyên")


def task_state(task: TaskFacts) -> str:
    """Return a task's state in words, with what is told apart."""
    if task.unassigned:
        return upper_first(UNASSIGNED)
    if task.ended_before:
        return ENDED_BEFORE
    if task.is_undated and task.state == "open_on_time":
        return UNDATED
    return STATE_WORDS[task.state]


def result_text(task: TaskFacts, lines: Any) -> str:
    """Return a task's result in a sentence: what was done, by which document; "–" where nobody told."""
    item = task_item(task, lines)
    told = [line for line in lines if line.source is not None and line_result(line)]
    if item["parts"] <= 1 or len(told) <= 1:
        whose = f"{told[0].agency}: " if told and item["parts"] > 1 else ""
        return upper_first(f"{whose}{line_result(told[0])}") if told else "–"
    counts = f"{item['done']:02}/{item['parts']:02} cơ quan, đơn vị đã hoàn thành"
    if item["waiting"]:
        counts += f"; {item['waiting']:02} cơ quan, đơn vị chờ xác nhận"
    shown = [
        f"{line.agency} ({document_phrase(line.document, line.document_on)})"
        for line in lines
        if line.document
    ][:_MOST_SHOWN]
    return f"{counts}, trong đó: {'; '.join(shown)}" if shown else counts


def line_result(line: AgencyLine) -> str:
    """Return an agency's result in a phrase: document, words, progress; "" where it told nothing."""
    parts = []
    if line.document:
        parts.append(document_phrase(line.document, line.document_on))
    elif line.state in ("done_on_time", "done_late") and line.done_on:
        parts.append(f"đã hoàn thành ngày {day_text(line.done_on)}")
    if line.result:
        parts.append(reported_words(line.result))
    elif line.source is not None and line.source.said == "in_progress":
        told = "đang thực hiện" + (f", đạt {line.percent}%" if line.percent is not None else "")
        words = progress_of_note(line.source.note)
        parts.append(told + (f"; {reported_words(words)}" if words else ""))
    if line.waiting:
        parts.append("chờ xác nhận")
    return "; ".join(parts)


def overdue_table(facts: ReportFacts, lines: LinesByTask) -> WordTable:
    """Return annex 2: what is overdue, the agencies of a task that stand alike in one row."""
    rows: list[list[Any]] = []
    number = 0
    for task in facts.tasks:
        if not task.is_overdue:
            continue
        number += 1
        name: Any = task.text
        alike: dict[tuple[Any, ...], list[str]] = {}
        for line in lines.get(task.task_id, ()):
            if line.is_overdue:
                key = (line.due_on, line.days_late, line.reason or "", line.proposed_until)
                alike.setdefault(key, []).append(line.agency)
        for (due_on, days, reason, until), agencies in alike.items():
            rows.append(
                [
                    number if name else "",
                    name,
                    name_or_count(agencies),
                    day_text(due_on),
                    days,
                    reported_words(reason) if reason else "chưa có báo cáo",
                    day_text(until),
                ]
            )
            name = ""
        if name:
            rows.append(
                [number, name, f"{task.parts.open_late} cơ quan", day_text(task.ends_on), *"–––"]
            )
    return WordTable(
        (
            WordColumn("TT", 600, True),
            WordColumn("Nhiệm vụ", 4700),
            WordColumn("Cơ quan", 2687),
            WordColumn("Thời hạn", 1300, True),
            WordColumn("Số ngày làm việc quá hạn", 1200, True),
            WordColumn("Nguyên nhân (theo báo cáo)", 2400),
            WordColumn("Thời gian hoàn thành đề nghị", 1400, True),
        ),
        rows,
        small=True,
    )


def agencies_table(facts: ReportFacts, lines: LinesByTask) -> WordTable:
    """Return annex 3: agencies that did not report, grouped by kind, and documents that carry the plan out."""
    rows: list[list[Any]] = []
    lists = [("Chưa có báo cáo về nội dung đã đến hạn", list(facts.silent))]
    lists += [
        (f"Chưa gửi {duty.title}", list(duty.missing)) for duty in facts.duties if duty.is_due
    ]
    for title, names in lists:
        if not names:
            continue
        rows.append([f"{title}: {len(names):02} cơ quan, đơn vị"])
        for number, (kind, of_kind) in enumerate(group_agencies(names), 1):
            rows.append([number, upper_first(kind), len(of_kind), "; ".join(of_kind)])
    documents: dict[str, list[str]] = {}
    for agency, document in dict.fromkeys(_implementing(facts, lines)):
        documents.setdefault(agency, []).append(document)
    if documents:
        rows.append([f"Văn bản triển khai của {len(documents):02} cơ quan, đơn vị"])
        for number, (agency, issued) in enumerate(documents.items(), 1):
            rows.append([number, agency, len(issued), "; ".join(issued)])
    return WordTable(
        (
            WordColumn("TT", 600, True),
            WordColumn("Nhóm cơ quan, đơn vị", 3600),
            WordColumn("Số lượng", 1100, True),
            WordColumn("Tên cơ quan, đơn vị; văn bản", 8987),
        ),
        rows,
        small=True,
    )


def _implementing(facts: ReportFacts, lines: LinesByTask) -> Iterator[tuple[str, str]]:
    every = [line for task in facts.tasks for line in lines.get(task.task_id, ())]
    for line in sorted(every, key=lambda line: line.position):
        if line.document and is_implementing(line.document):
            yield line.agency, document_phrase(line.document, line.document_on)
