"""What a later date would touch: the report that a duty serves, and who set the date.

Promises that nothing is guessed: a duty whose receivers owe no later report serves none. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.conversation.context.turn import Turn, VisibleObligation
from jobs.planning import onward


@dataclass(frozen=True, slots=True)
class ServedReportSummary:
    """The report that a duty serves: what it is called and its effective due date."""

    title: str
    due_on: date


def needs_document(turn: Turn, known: VisibleObligation) -> bool:
    """Tell whether a later date wants a document: one that the plan sets, for what is not owed to us.

    A report owed to the agency that decides is its own to grant; so is a date that nobody set, or that
    it set itself by opening an ad-hoc duty (DESIGN §7).
    """
    row = known.row
    if row.due_proposed or row.frequency == "ad_hoc":
        return False
    duty = onward.find_duty(turn.registry, row.plan_code, row.code)
    if duty is None:
        return True
    home = turn.registry.provinces[row.province]
    receivers = {
        home.main_successor(entry.code, turn.today)
        for entry in home.resolve_all(duty.to)
        if entry.code in home.agencies
    }
    deciding = {
        e.agency_code for e in turn.caller.enrolments if e.role in ("coordinator", "leader")
    }
    return not receivers & deciding


async def summarize_served_report(
    turn: Turn, known: VisibleObligation
) -> ServedReportSummary | None:
    """Return the report an obligation serves: the next one owed by whom it is sent to or through."""
    row = known.row
    found = await onward.find_onward_obligation(
        turn.connection,
        turn.registry,
        plan_code=row.plan_code,
        code=row.code,
        due_on=row.due_on,
        today=turn.today,
    )
    if found is None:
        return None
    return ServedReportSummary(f"{found.title} ({found.row.owner_name})", found.due_on)
