"""Rows of a province's week for its digest, read once as of one instant.

Guarantees: all parts of a digest use the same rows; holder and lateness are those of reminders and lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts import usage_warnings
from data.clock import civil_date, instant_at
from data.contacts.silence import list_silent_agencies
from data.digests import kept_weeks
from data.digests import queries as week_queries
from data.digests.kept_weeks import ScopeFacts
from data.figures.agencies import OwnerFigures, load_owner_figures
from data.figures.plans import PlanFigures, list_active_plans, load_plan_figures
from data.figures.reports import DutyFigures, load_duty_figures
from data.registry.province import Province
from data.registry.registry import Registry
from data.registry.workdays import Workdays
from data.rules.holders import Holders
from data.rules.ladder import UNDATED, effective_due, was_due_before
from data.rules.states import is_overdue
from jobs.planning.onward import OnwardObligation, find_onward_obligation

DAYS_AHEAD = 20  # working days

ItemStatus = Literal["submitted", "undated", "ended", "late", "passed", "soon", "far"]


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One open or submitted obligation. holder: code of its agency; None: its plan's coordinating agency.

    status: "ended", it was due before its plan was tracked; "passed", late by a proposed date.
    """

    row: Any  # of data.digests.queries.list_digest_obligations
    holder: str | None
    status: ItemStatus


@dataclass(frozen=True, slots=True)
class Week:
    """A province as of a digest's instant. since: the day of the previous digest, or a week ago.

    previous_facts: the latest stored facts before this week, by scope and code; previous_on: their Monday.
    confirmed: in the last calendar week. accounts: those that serve the province.
    """

    province: Province
    workdays: Workdays
    week_on: date
    today: date
    since: date
    plans: Mapping[int, Any]
    agencies: Mapping[str, Any]
    coordinators: Mapping[int, str | None]  # by plan, an agency's code
    items: Sequence[DigestItem]
    confirmed: Sequence[tuple[int, str | None]]  # obligation, holder
    later_dates: Mapping[int, Any]
    explanations: Sequence[Any]
    figures: Mapping[int, PlanFigures]
    duties: Sequence[DutyFigures]
    counts: Sequence[tuple[str | None, OwnerFigures]]  # with the holder of what the owner owes
    onward: Mapping[tuple[int, str], OnwardObligation]  # by duty and period
    reachable: frozenset[str]  # agencies with a chat
    unreachable: frozenset[str]  # agencies with a lost chat
    quiet: Mapping[str, frozenset[str]]  # silent agencies, by the coordinating agency that asks
    accounts: Sequence[Mapping[str, Any]]
    previous_facts: Mapping[kept_weeks.ScopeKey, ScopeFacts]
    previous_on: date | None

    def is_own(self, item: DigestItem) -> bool:
        """Return whether the plan's coordinating agency holds it itself, so that leaders decide."""
        return item.holder in (None, self.coordinators[item.row.plan_id])

    def is_new(self, item: DigestItem) -> bool:
        """Return whether it became late after the previous digest."""
        return not is_overdue(item.row.judged_on, self.workdays.on_or_before(self.since))


async def read_week(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    *,
    week_on: date,
    now: datetime,
    accounts: Sequence[Mapping[str, Any]],
) -> Week:
    """Read a province's week as of `now`; accounts: as jobs.delivery.usage.accounts_in_use returns them."""
    today, workdays = civil_date(now), registry.workdays
    home = registry.provinces[province]
    holders = Holders(home, on=today)
    agencies = {
        row.code: row for row in await week_queries.list_province_agencies(connection, province)
    }
    codes = {row.id: row.code for row in agencies.values()}
    active = await list_active_plans(connection, province, coordinator_ids=None, today=today)
    plans = {row.id: row for row in active if row.code in registry.plans}
    ids = list(plans)
    previous_on = await kept_weeks.find_previous_week(connection, province, week_on)
    previous_facts: Mapping[kept_weeks.ScopeKey, ScopeFacts] = {}
    since = week_on - timedelta(days=7)
    if previous_on is not None:
        previous_facts = await kept_weeks.load_week_facts(connection, province, previous_on)
        since = date.fromisoformat(previous_facts["province", ""]["on"])
    until = workdays.add(today, DAYS_AHEAD)
    last_day = workdays.on_or_before(today)
    rows = await week_queries.list_digest_obligations(connection, ids, until=until, today=today)
    confirmed = await week_queries.list_confirmed_between(
        connection,
        ids,
        since=instant_at(week_on - timedelta(days=7), time.min),
        until=instant_at(week_on, time.min),
    )
    counts = await load_owner_figures(connection, ids, today=today, workdays=workdays)
    duties = await load_duty_figures(connection, ids, today=today, workdays=workdays)
    coordinators = {key: codes.get(plan.coordinator_id) for key, plan in plans.items()}
    quiet = {
        coordinator: await list_silent_agencies(
            connection,
            province,
            holders.holder,
            plan_ids=[key for key, code in coordinators.items() if code == coordinator],
            today=today,
        )
        for coordinator in set(filter(None, coordinators.values()))
    }
    serving = await usage_warnings.list_province_accounts(connection, province, today=today)
    return Week(
        province=home,
        workdays=workdays,
        week_on=week_on,
        today=today,
        since=since,
        plans=plans,
        agencies=agencies,
        coordinators=coordinators,
        items=[
            DigestItem(
                row, holders.holder(row.owner_code, row.kind), _item_status(row, last_day, until)
            )
            for row in rows
        ],
        confirmed=[(row.id, holders.holder(row.owner_code, row.kind)) for row in confirmed],
        later_dates=await week_queries.load_open_extensions_by_obligation(connection, ids),
        explanations=await week_queries.list_unanswered_explanations(connection, ids),
        figures=await load_plan_figures(connection, ids, today=today, workdays=workdays),
        duties=duties,
        counts=[
            (holders.holder(each.owner_code, UNDATED if each.is_task else "report"), each)
            for each in counts
        ],
        onward=await _onward(connection, registry, plans, duties, today),
        reachable=frozenset(
            await week_queries.list_reachable_agency_codes(connection, province, today=today)
        ),
        unreachable=frozenset(
            await week_queries.list_agency_codes_with_lost_chat(connection, province, today=today)
        ),
        quiet={key: frozenset(codes[each] for each in silent) for key, silent in quiet.items()},
        accounts=[account for account in accounts if account["id"] in serving],
        previous_facts=previous_facts,
        previous_on=previous_on,
    )


def _item_status(row: Any, last_working_day: date, until: date) -> ItemStatus:
    if row.state == "submitted":
        return "submitted"
    if row.kind == UNDATED:
        return "undated"
    if was_due_before(row.kind, effective_due(row.due_on, row.extended_to), row.tracked_from):
        return "ended"
    if is_overdue(row.judged_on, last_working_day):
        return "passed" if row.due_proposed else "late"
    return "soon" if row.base_on <= until else "far"


async def _onward(
    connection: AsyncConnection,
    registry: Registry,
    plans: Mapping[int, Any],
    duties: Sequence[DutyFigures],
    today: date,
) -> dict[tuple[int, str], OnwardObligation]:
    """Return the open reports that wait for incomplete ones, by duty and period of these."""
    onward_by_duty = {}
    for duty in duties:
        if not duty.missing_count:
            continue
        onward = await find_onward_obligation(
            connection,
            registry,
            plan_code=plans[duty.plan_id].code,
            code=duty.code,
            due_on=duty.due_on,
            today=today,
        )
        if onward is not None and onward.row.state == "open":
            onward_by_duty[duty.duty_id, duty.period_code] = onward
    return onward_by_duty
