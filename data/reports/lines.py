"""Each agency's line of each task, with the answer it rests on, and why it is late."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from data.registry.registry import Registry
from data.registry.workdays import Workdays
from data.reports.agency_names import AgencyNames
from data.reports.facts import AgencyLine, AnswerSource, ReportFacts, TaskFacts
from data.reports.line_requests import LineRequests, load_line_requests
from data.reports.parts import (
    LinePart,
    PartAnswer,
    ReportView,
    find_supporting_answer,
    load_line_parts,
    load_part_answers,
)
from data.reports.result_words import result_of_note
from data.rules.ladder import UNDATED, effective_due
from data.rules.states import working_days_late
from data.sheets.status_import import strip_note_origin

_TASK = "phase_end"  # any kind of task: agencies hold all of them alike
_LINES_A_BATCH = 3000
_MOST_IN_A_QUERY = 900


async def stream_agency_lines(
    connection: AsyncConnection, registry: Registry, facts: ReportFacts
) -> AsyncIterator[tuple[TaskFacts, list[AgencyLine]]]:
    """Yield each task of a report with its agencies' lines, group by group and in the official order.

    Reads some tasks at a time. Call it in the transaction that gathered the facts, so that both agree.
    """
    home = registry.province_of(facts.plan_code)
    view = ReportView.of(facts.period, facts.as_of, workdays=registry.workdays)
    names = await AgencyNames.load(connection, home, on=facts.as_of)
    writer = _LineWriter(names, facts.coordinator, facts.as_of, registry.workdays)
    for batch in _batches(list(facts.tasks)):
        ids = [task.task_id for task in batch]
        answers = await load_part_answers(connection, ids, view)
        requests = await load_line_requests(connection, ids, view)
        parts: dict[int, list[LinePart]] = {}
        for part in await load_line_parts(connection, ids, view):
            parts.setdefault(part.task_id, []).append(part)
        for task in batch:
            every = parts.get(task.task_id, [])
            asked = [part for part in every if part.obligation_id is not None]
            lines = [
                writer.line(
                    part, answers.get(part.obligation_id or 0, ()), requests.get(part.obligation_id)
                )
                for part in asked or every
            ]
            yield task, sorted(lines, key=lambda line: (line.position, line.agency))


class _LineWriter:
    """Makes lines of one plan as of one day."""

    def __init__(
        self, names: AgencyNames, coordinator: str, as_of: date, workdays: Workdays
    ) -> None:
        self._names = names
        self._coordinator = coordinator
        self._as_of = as_of
        self._workdays = workdays

    def line(
        self, part: LinePart, answers: Sequence[PartAnswer], requests: LineRequests | None
    ) -> AgencyLine:
        named = self._names.owner_label(part.agency_id, _TASK)
        requests = requests or LineRequests()
        percent, document, document_on, words, obstacle = None, None, None, None, None
        for row in answers:  # the last of each counts
            percent = percent if row.percent is None else row.percent
            if row.document:
                document, document_on = row.document, row.document_on
            if row.said == "completed":
                words = result_of_note(row.note, document=row.document) or words
            if row.said == "blocked" and row.note:
                obstacle = strip_note_origin(row.note).strip() or None
        due_on, first_due_on = _dues(part)
        days_late = 0
        if part.state == "open_late" and part.judged_on:
            until = part.done_on if part.stored_state != "open" and part.done_on else self._as_of
            days_late = working_days_late(part.judged_on, today=until, workdays=self._workdays)
        return AgencyLine(
            agency=named.label,
            position=named.position,
            state=part.state,
            waiting=part.stored_state == "submitted",
            percent=percent,
            due_on=due_on,
            done_on=part.done_on if part.stored_state != "open" else None,
            document=document,
            document_on=document_on,
            source=self._source(part, answers),
            is_silent=bool(part.is_silent),
            ended_before=bool(part.ended_before) and part.state == "open_on_time",
            first_due_on=first_due_on,
            days_late=days_late,
            result=words if part.stored_state != "open" else None,
            reason=requests.reason or obstacle,
            extension_document=requests.document,
            proposed_until=requests.proposed_until,
        )

    def _source(self, part: LinePart, answers: Sequence[PartAnswer]) -> AnswerSource | None:
        answer = find_supporting_answer(answers, part.stored_state)
        if answer is not None:
            agency = self._names.owner_label(answer.agency_id, _TASK).label
            return AnswerSource(answer.said, agency, answer.person, answer.said_at, answer.note)
        if part.stored_state == "confirmed" and part.confirmed_at is not None:
            by = part.confirmed_by or self._coordinator
            return AnswerSource("confirmed", by, None, part.confirmed_at, None)
        return None


def _dues(part: LinePart) -> tuple[date | None, date | None]:
    """Return a part's effective and first due date."""
    if part.obligation_id is None:
        return part.ends_on, part.ends_on
    if part.kind == UNDATED or part.due_on is None:
        return None, None
    return effective_due(part.due_on, part.extended_to), part.due_on


def _batches(tasks: Sequence[TaskFacts]) -> list[list[TaskFacts]]:
    """Return the tasks in batches of about _LINES_A_BATCH lines."""
    batches: list[list[TaskFacts]] = [[]]
    room = _LINES_A_BATCH
    for task in tasks:
        if batches[-1] and (room < task.parts.total or len(batches[-1]) >= _MOST_IN_A_QUERY):
            batches.append([])
            room = _LINES_A_BATCH
        batches[-1].append(task)
        room -= task.parts.total
    return batches if batches[0] else []
