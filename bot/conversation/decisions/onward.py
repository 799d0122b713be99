"""The report that a duty serves, and whether a later date of the duty needs a document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.conversation.context.deciding import role_deciding_on
from bot.conversation.context.turn import Turn, VisibleObligation
from jobs.planning import onward


@dataclass(frozen=True, slots=True)
class ServedReportSummary:
    """The report that a duty serves: its title with its agency, and its effective due date."""

    title: str
    due_on: date


def needs_document(turn: Turn, obligation: VisibleObligation) -> bool:
    """Tell whether a later date needs a document (DESIGN §7).

    None is needed for a report that the deciding agency receives, a proposed date, or an ad-hoc report.
    """
    row = obligation.row
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
    return role_deciding_on(turn, obligation).agency_code not in receivers


async def summarize_served_report(
    turn: Turn, obligation: VisibleObligation
) -> ServedReportSummary | None:
    """Return the next report owed by a receiver of this one; None where no receiver owes one."""
    row = obligation.row
    served = await onward.find_onward_obligation(
        turn.connection,
        turn.registry,
        plan_code=row.plan_code,
        code=row.code,
        due_on=row.due_on,
        today=turn.today,
    )
    if served is None:
        return None
    return ServedReportSummary(f"{served.title} ({served.row.owner_name})", served.due_on)
