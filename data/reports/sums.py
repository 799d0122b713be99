"""The checks that the sums of a report agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from data.registry.titles import period_name
from data.reports.facts import AgencyLine, ReportFacts, TaskFacts
from data.reports.period import span_of
from data.rules.states import OFFICIAL_STATES


def find_sum_errors(facts: ReportFacts) -> list[str]:
    """Return a Vietnamese sentence for each sum that does not add up; a report with any is refused.

    So is a report of a period that ended before the plan was issued.
    """
    errors = []
    if span_of(facts.period).last < facts.issued_on:
        errors.append(
            f"Kế hoạch ban hành ngày {facts.issued_on:%d/%m/%Y}, sau khi {period_name(facts.period)}"
            " kết thúc, nên không có gì để tổng hợp."
        )
    count = sum(len(section.tasks) for section in facts.sections)
    if count != facts.figures.total:
        errors.append(
            f"Có {count} nhiệm vụ nhưng bốn trạng thái cộng lại là {facts.figures.total}."
        )
    for state in OFFICIAL_STATES:
        of_sections = sum(getattr(section.figures, state) for section in facts.sections)
        of_tasks = sum(task.state == state for task in facts.tasks)
        whole = getattr(facts.figures, state)
        if not whole == of_sections == of_tasks:
            errors.append(
                f"Trạng thái {state}: toàn kế hoạch {whole}, các nhóm {of_sections}, từng nhiệm vụ {of_tasks}."
            )
    lines = sum(task.parts.total for task in facts.tasks)
    if lines != facts.lines:
        errors.append(f"Các nhiệm vụ có {lines} dòng cơ quan nhưng phụ lục có {facts.lines}.")
    errors += [
        f"{task.code}: {task.silent} cơ quan chưa báo cáo trên {task.parts.total} cơ quan."
        for task in facts.tasks
        if task.silent > task.parts.total
    ]
    errors += [
        f"{duty.code}: nhận {duty.received}, thiếu {len(duty.missing)}, phải nhận {duty.expected}."
        for duty in facts.duties
        if duty.received + len(duty.missing) != duty.expected
    ]
    return errors


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
        silent = sum(line.is_silent for line in own)
        if silent != task.silent:
            errors.append(
                f"{task.code}: phụ lục có {silent} dòng chưa báo cáo, số liệu là {task.silent}."
            )
    if len(given) != len(lines) or given.keys() - {task.task_id for task in facts.tasks}:
        errors.append("Phụ lục có nhiệm vụ lặp lại hoặc không thuộc kế hoạch.")
    return errors
