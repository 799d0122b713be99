"""/minhchung: an agency's own evidence of a month, for its assessment (Nghị định 335/2025/NĐ-CP)."""

from __future__ import annotations

import asyncio
from datetime import date

from bot.conversation.context.access import ANSWERING_ROLES
from bot.conversation.context.turn import Turn
from data import files
from data.contacts.enrolments import ActiveEnrolment
from data.reports.evidence_sheet import load_evidence_facts
from data.reports.period import read_month
from jobs.channel import Answer
from jobs.reports.evidence_sheet import evidence_counts, evidence_file_name, evidence_xlsx


async def answer_minhchung(turn: Turn) -> list[Answer]:
    """Answer /minhchung [MONTH]: the sheet of each agency enrolled here; never of another's."""
    month = read_month(turn.words, today=turn.today)
    if month is None or month > turn.today:
        return [Answer("usage", {"command": "minhchung", "examples": ["", "tháng 11", "10/2026"]})]
    own = {
        enrolled.agency_id: enrolled
        for enrolled in turn.caller.enrolments
        if enrolled.role in ANSWERING_ROLES
    }
    return [await _sheet(turn, enrolled, month) for enrolled in own.values()]


async def _sheet(turn: Turn, enrolled: ActiveEnrolment, month: date) -> Answer:
    facts = await load_evidence_facts(
        turn.connection,
        turn.registry,
        enrolled.province,
        enrolled.agency_code,
        month=month,
        today=turn.today,
    )
    context: dict[str, object] = {
        "agency": facts.agency,
        "month": facts.month.month,
        "year": facts.month.year,
        "as_of": facts.as_of.isoformat(),
        **evidence_counts(facts.lines),
    }
    if facts.lines:
        context["attach"] = await files.store_file(
            turn.connection,
            name=evidence_file_name(facts, enrolled.agency_code),
            mime=files.XLSX,
            content=await asyncio.to_thread(evidence_xlsx, facts),
            now=turn.now,
        )
    return Answer("minhchung", context)
