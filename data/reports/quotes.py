"""Difficulties and proposals quoted from answers.

Guarantees: undone answers and withdrawn requests are not quoted; quotes are in order of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import (
    Explanation,
    ExtensionRequest,
    Obligation,
    Person,
    StatusReply,
)
from data.reports.agency_names import AgencyNames
from data.reports.facts import Quote
from data.reports.parts import ReportView
from data.sheets.status_import import strip_note_origin
from data.text import fold

_PROPOSALS = ("de nghi", "kien nghi", "de xuat")
# Letters in every spelling of those words, with marks or without: SQL selects by them before notes are folded.
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
    """Return the obstacles, disputes, reasons of extension requests and explanations."""
    replies = await connection.execute(
        select(
            *_SHOWN,
            StatusReply.said.label("quoted"),
            StatusReply.note.label("words"),
            StatusReply.said_at.label("at"),
        )
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
            *_SHOWN,
            literal("extension").label("quoted"),
            ExtensionRequest.reason.label("words"),
            ExtensionRequest.asked_at.label("at"),
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
        select(
            *_SHOWN,
            literal("explanation").label("quoted"),
            Explanation.answer.label("words"),
            Explanation.answered_at.label("at"),
        )
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
    """Return the notes of answers and questions that contain a proposal.

    Extension requests are left out: they are decided in their own way.
    """
    query = (
        select(
            *_SHOWN,
            literal("proposal").label("quoted"),
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
        proposals = [
            row async for row in rows if any(words in fold(row.words) for words in _PROPOSALS)
        ]
    return _make_quotes(proposals, names)


def _within(column: Any, view: ReportView) -> tuple[Any, Any]:
    return column >= view.span.begins_at, column < view.span.ends_at(view.as_of)


def _make_quotes(rows: Sequence[Any], names: AgencyNames) -> list[Quote]:
    """Return the quotes, oldest first; of one instant in the official order of agencies."""
    quotes: list[tuple[int, Quote]] = []
    for row in rows:
        if words := strip_note_origin(row.words or "").strip():
            owner = names.owner_label(row.agency_id, row.kind)
            quote = Quote(row.quoted, owner.label, row.code, words, row.person, row.at)
            quotes.append((owner.position, quote))
    quotes.sort(key=lambda pair: (pair[1].at, pair[0], pair[1].code))
    return [quote for _, quote in quotes]
