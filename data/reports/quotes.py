"""What agencies said that a report passes on in their own words, and who said nothing.

Promises that only what stands is passed on (an answer or request taken back is not), each with agency,
code, person and instant, oldest first; and that an agency which said anything in the period, of anything
of the plan, is not called silent. Reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import (
    LIVE_STATES,
    Agency,
    Assignment,
    Explanation,
    ExtensionRequest,
    Obligation,
    Person,
    ReportDuty,
    StatusReply,
    Task,
)
from data.reports.agency_names import AgencyNames
from data.reports.facts import Quote
from data.reports.parts import ReportView
from data.rules.ladder import TASK_KINDS
from data.sheets.status_import import strip_note_origin
from data.text import fold

_PROPOSALS = ("de nghi", "kien nghi", "de xuat")
# Letters that every spelling of those words has, marks or none; folding each note would take long.
_LETTERS = ("ngh", "xu")
_SHOWN = (
    Obligation.agency_id,
    Obligation.kind,
    Obligation.code,
    Person.name.label("person"),
)


async def list_difficulties(
    connection: AsyncConnection, plan_id: int, view: ReportView, names: AgencyNames
) -> list[Quote]:
    """Return what is in the way: troubles, disputes, reasons of requests for time, explanations."""
    replies = await connection.execute(
        select(*_SHOWN, StatusReply.note.label("words"), StatusReply.said_at.label("at"))
        .join(Obligation, Obligation.id == StatusReply.obligation_id)
        .outerjoin(Person, Person.id == StatusReply.person_id)
        .where(
            Obligation.plan_id == plan_id,
            StatusReply.said.in_(("blocked", "dispute")),
            StatusReply.note.is_not(None),
            view.said(),
        )
    )
    asked = await connection.execute(
        select(
            *_SHOWN, ExtensionRequest.reason.label("words"), ExtensionRequest.asked_at.label("at")
        )
        .join(Obligation, Obligation.id == ExtensionRequest.obligation_id)
        .outerjoin(Person, Person.id == ExtensionRequest.person_id)
        .where(
            Obligation.plan_id == plan_id,
            ExtensionRequest.state != "withdrawn",
            *_within(ExtensionRequest.asked_at, view),
        )
    )
    explained = await connection.execute(
        select(*_SHOWN, Explanation.answer.label("words"), Explanation.answered_at.label("at"))
        .join(Obligation, Obligation.id == Explanation.obligation_id)
        .outerjoin(Person, Person.id == Explanation.answered_person_id)
        .where(
            Obligation.plan_id == plan_id,
            Explanation.state == "answered",
            *_within(Explanation.answered_at, view),
        )
    )
    return _make_quotes([*replies, *asked, *explained], names)


async def list_proposals(
    connection: AsyncConnection, plan_id: int, view: ReportView, names: AgencyNames
) -> list[Quote]:
    """Return what agencies propose: words of theirs that say so, in whatever answer or question.

    What a request for more time says is not among them: it is decided in its own way.
    """
    query = (
        select(
            *_SHOWN,
            StatusReply.note.label("words"),
            StatusReply.said_at.label("at"),
        )
        .join(Obligation, Obligation.id == StatusReply.obligation_id)
        .outerjoin(Person, Person.id == StatusReply.person_id)
        .where(
            Obligation.plan_id == plan_id,
            StatusReply.said != "extension",
            StatusReply.note.is_not(None),
            or_(*(StatusReply.note.ilike(f"%{letters}%") for letters in _LETTERS)),
            view.said(),
        )
        .execution_options(yield_per=1000)
    )
    async with connection.stream(query) as rows:
        found = [row async for row in rows if any(words in fold(row.words) for words in _PROPOSALS)]
    return _make_quotes(found, names)


async def list_silent_agencies(
    connection: AsyncConnection, plan_id: int, view: ReportView, names: AgencyNames
) -> list[str]:
    """Return who has something open in the period and said nothing of anything, in the official order.

    Counted by who has the work in hand; work that nobody took over is its former agency's, which is
    told to be no more.
    """
    of_agency = and_(Obligation.plan_id == plan_id, Obligation.agency_id == Agency.id)
    tasks = (
        select(Obligation.id)
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .join(Task, Task.id == Assignment.task_id)
        .where(
            of_agency, view.part_condition(), view.state() == "open", Task.withdrawn_at.is_(None)
        )
    )
    answers = (
        select(StatusReply.id)
        .join(Obligation, Obligation.id == StatusReply.obligation_id)
        .where(of_agency, Obligation.kind.in_(TASK_KINDS), view.said())
    )
    # For each agency the first that is found is enough, so that nothing is counted.
    of_tasks = await connection.execute(
        select(
            Agency.id,
            literal("phase_end"),
            tasks.correlate(Agency).exists(),
            answers.correlate(Agency).exists(),
        ).where(Agency.id.in_(names.ids))
    )
    answer = select(StatusReply.id).where(StatusReply.obligation_id == Obligation.id, view.said())
    of_reports = await connection.execute(
        select(
            Obligation.agency_id,
            literal("report"),
            and_(Obligation.period == view.span.period, view.state() == "open"),
            answer.correlate(Obligation).exists(),
        )
        .join(ReportDuty, ReportDuty.id == Obligation.duty_id)
        .where(ReportDuty.plan_id == plan_id, Obligation.state.in_(LIVE_STATES))
    )
    owing: set[int] = set()
    spoke: set[int] = set()
    gone: dict[int, str] = {}
    for agency_id, kind, owes, said in (*of_tasks, *of_reports):
        named = names.owner_label(agency_id, kind)
        owing |= {named.holder_id} if owes else set()
        spoke |= {named.holder_id} if said else set()
        if not named.has_holder:
            gone[named.holder_id] = named.label
    return [gone.get(key) or names.short(key) for key in names.in_order(owing - spoke)]


def _within(column: Any, view: ReportView) -> tuple[Any, Any]:
    return column >= view.span.begins_at, column < view.span.ends_at(view.as_of)


def _make_quotes(rows: Sequence[Any], names: AgencyNames) -> list[Quote]:
    """Return what was said, oldest first; of one instant in the official order of agencies."""
    said: list[tuple[int, Quote]] = []
    for row in rows:
        if words := strip_note_origin(row.words or "").strip():
            named = names.owner_label(row.agency_id, row.kind)
            said.append((named.position, Quote(named.label, row.code, words, row.person, row.at)))
    return [each for _, each in sorted(said, key=lambda pair: (pair[1].at, pair[0], pair[1].code))]
