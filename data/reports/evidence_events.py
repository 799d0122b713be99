"""What happened to the obligations of an evidence sheet: answers, extensions, returns, explanations, objections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.db.statements import chunks
from data.models import (
    Decision,
    Explanation,
    ExtensionRequest,
    Obligation,
    Plan,
    StatusReply,
)
from data.progress.decisions import standing_condition
from data.progress.explanations import ACCEPT_CAUSE, REFUSE_CAUSE
from data.reports.result_words import result_of_note
from data.sheets.status_import import strip_note_origin

# What an answer after the month tells, in the words of a correction.
_CORRECTIONS = {
    "completed": "báo đã hoàn thành",
    "undo": "rút lại câu trả lời",
    "extension": "đề nghị gia hạn",
    "objection": "khiếu nại số liệu",
    "dispute": "đề nghị xem lại nhiệm vụ được giao",
    "blocked": "báo cáo khó khăn, vướng mắc",
}


@dataclass(slots=True)
class EvidenceEvents:
    """The events of one obligation, up to an instant; corrections: those after it, with their dates."""

    answered_on: list[date] = field(default_factory=list)
    told_done_on: date | None = None
    result_document: str | None = None
    result_document_on: date | None = None
    result: str | None = None
    granted: list[date] = field(default_factory=list)
    document: str | None = None
    returned: int = 0
    explained_on: date | None = None
    explanation: str | None = None
    cause: str | None = None
    cause_by: str | None = None
    objections: list[str] = field(default_factory=list)
    corrections: list[str] = field(default_factory=list)


async def load_evidence_events(
    connection: AsyncConnection, obligation_ids: Sequence[int], *, until: datetime
) -> dict[int, EvidenceEvents]:
    """Return the events of some obligations, by id; none: absent."""
    found: dict[int, EvidenceEvents] = {}
    for ids in chunks(obligation_ids):
        await _add_replies(connection, ids, until, found)
        await _add_extensions(connection, ids, until, found)
        await _add_explanations(connection, ids, until, found)
        await _add_decisions(connection, ids, until, found)
    return found


def _of(found: dict[int, EvidenceEvents], obligation_id: int | None) -> EvidenceEvents:
    return found.setdefault(obligation_id or 0, EvidenceEvents())


async def _add_replies(
    connection: AsyncConnection,
    ids: Sequence[int],
    until: datetime,
    found: dict[int, EvidenceEvents],
) -> None:
    rows = (
        await connection.execute(
            select(StatusReply.__table__)
            .where(StatusReply.obligation_id.in_(ids))
            .order_by(StatusReply.id)
        )
    ).all()
    undone = {row.undoes_id for row in rows if row.undoes_id and row.said_at < until}
    for row in rows:
        events = _of(found, row.obligation_id)
        day = civil_date(row.said_at)
        note = strip_note_origin(row.note).strip() if row.note else ""
        if row.said_at >= until:
            if row.said in _CORRECTIONS:
                events.corrections.append(f"{day:%d/%m/%Y}: {_CORRECTIONS[row.said]}")
            continue
        if row.id in undone or row.said == "undo":
            continue
        events.answered_on.append(day)
        if row.said == "completed":
            events.told_done_on = events.told_done_on or day
            told = result_of_note(row.note, document=row.document)
            events.result = told or events.result
        if row.document:
            events.result_document, events.result_document_on = row.document, row.document_on
        if row.said in ("objection", "dispute"):
            events.objections.append(f"{day:%d/%m/%Y}: {note or 'đề nghị xem lại'}")


async def _add_extensions(
    connection: AsyncConnection,
    ids: Sequence[int],
    until: datetime,
    found: dict[int, EvidenceEvents],
) -> None:
    rows = await connection.execute(
        select(
            ExtensionRequest.obligation_id,
            ExtensionRequest.granted_until,
            ExtensionRequest.decided_at,
            Decision.details,
        )
        .outerjoin(Decision, Decision.id == ExtensionRequest.decision_id)
        .where(ExtensionRequest.obligation_id.in_(ids), ExtensionRequest.state == "granted")
        .order_by(ExtensionRequest.decided_at, ExtensionRequest.id)
    )
    for row in rows:
        events = _of(found, row.obligation_id)
        if row.granted_until is None or row.decided_at is None:
            continue
        document = str((row.details or {}).get("document") or "")
        if row.decided_at >= until:
            told = f"cho gia hạn đến {row.granted_until:%d/%m/%Y}"
            events.corrections.append(f"{civil_date(row.decided_at):%d/%m/%Y}: {told}")
            continue
        events.granted.append(row.granted_until)
        events.document = document or events.document


async def _add_explanations(
    connection: AsyncConnection,
    ids: Sequence[int],
    until: datetime,
    found: dict[int, EvidenceEvents],
) -> None:
    rows = await connection.execute(
        select(Explanation.obligation_id, Explanation.answer, Explanation.answered_at)
        .where(
            Explanation.obligation_id.in_(ids),
            Explanation.state == "answered",
            Explanation.answered_at < until,
        )
        .order_by(Explanation.id)
    )
    for row in rows:
        events = _of(found, row.obligation_id)
        events.explanation = row.answer
        events.explained_on = civil_date(row.answered_at) if row.answered_at else None


async def _add_decisions(
    connection: AsyncConnection,
    ids: Sequence[int],
    until: datetime,
    found: dict[int, EvidenceEvents],
) -> None:
    """Add returns, and what was decided of causes: decisions name their obligation in their details."""
    named = Decision.details["obligation"].as_integer()
    rows = await connection.execute(
        select(
            named.label("obligation_id"),
            Decision.kind,
            Decision.details,
            Decision.decided_by,
            Decision.decided_at,
        )
        .where(
            Decision.plan_code.in_(_plan_codes(ids)),
            Decision.kind.in_(("return", ACCEPT_CAUSE, REFUSE_CAUSE)),
            named.in_(ids),
            Decision.decided_at < until,
            standing_condition(),
        )
        .order_by(Decision.id)
    )
    for row in rows:
        events = _of(found, row.obligation_id)
        if row.kind == "return":
            events.returned += 1
            continue
        ground = str(row.details.get("reason") or "")
        events.cause = "accepted" if row.kind == ACCEPT_CAUSE else "refused"
        events.cause_by = f"{row.decided_by}{f', {ground}' if ground else ''}"


def _plan_codes(ids: Sequence[int]) -> Select[str]:
    """Return the codes of the plans of some obligations, so that few decisions are read."""
    return select(Plan.code).where(
        Plan.id.in_(select(Obligation.plan_id).where(Obligation.id.in_(ids)))
    )
