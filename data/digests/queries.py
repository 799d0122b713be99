"""What a week's digest looks at of some plans, in rows no wider than it needs.

Promises one statement for each question, whatever the number of agencies. Reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.figures.states import late_condition
from data.models import (
    LIVE_STATES,
    Account,
    Agency,
    Chat,
    Enrolment,
    Explanation,
    ExtensionRequest,
    Obligation,
    Plan,
)
from data.obligations.lists import count_if, current_question_condition, last_current_day
from data.progress.extensions import OPEN_EXTENSION_STATES
from data.registry.workdays import Workdays
from data.rules.ladder import TASK_KINDS


async def list_province_agencies(connection: AsyncConnection, province: str) -> list[Any]:
    """Return a province's agencies in the official order: id, code, name, short, position."""
    rows = await connection.execute(
        select(Agency.id, Agency.code, Agency.name, Agency.short, Agency.position)
        .where(Agency.province == province)
        .order_by(Agency.position, Agency.id)
    )
    return list(rows)


async def list_digest_obligations(
    connection: AsyncConnection, plan_ids: Sequence[int], *, until: date, today: date
) -> list[Any]:
    """Return what is open with its base day by `until`, handed in, disputed or asked a later date for.

    The earliest due first; of undated tasks this year's question alone.
    """
    rows = await connection.execute(
        select(
            Obligation.id,
            Obligation.plan_id,
            Plan.code.label("plan_code"),
            Plan.tracked_from,
            Agency.code.label("owner_code"),
            Obligation.kind,
            Obligation.code,
            Obligation.period,
            Obligation.due_on,
            Obligation.extended_to,
            Obligation.due_proposed,
            Obligation.base_on,
            Obligation.judged_on,
            Obligation.state,
            Obligation.submitted_at,
            Obligation.disputed_at,
        )
        .join(Plan, Plan.id == Obligation.plan_id)
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(
            Obligation.plan_id.in_(plan_ids),
            Obligation.state.in_(("open", "submitted")),
            or_(
                Obligation.base_on <= until,
                Obligation.state == "submitted",
                Obligation.disputed_at.is_not(None),
                Obligation.extension_asked_at.is_not(None),
            ),
            current_question_condition(today),
        )
        .order_by(Obligation.base_on, Agency.position, Obligation.id)
    )
    return list(rows)


async def list_confirmed_between(
    connection: AsyncConnection, plan_ids: Sequence[int], *, since: datetime, until: datetime
) -> list[Any]:
    """Return what was confirmed between two instants: id, owner_code, kind; the latest last."""
    rows = await connection.execute(
        select(Obligation.id, Agency.code.label("owner_code"), Obligation.kind)
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(
            Obligation.plan_id.in_(plan_ids),
            Obligation.state == "confirmed",
            Obligation.confirmed_at >= since,
            Obligation.confirmed_at < until,
        )
        .order_by(Obligation.confirmed_at, Obligation.id)
    )
    return list(rows)


async def load_open_extensions_by_obligation(
    connection: AsyncConnection, plan_ids: Sequence[int]
) -> dict[int, Any]:
    """Return the requests for a later date that wait for either side, by obligation."""
    rows = await connection.execute(
        select(
            ExtensionRequest.obligation_id,
            ExtensionRequest.state,
            ExtensionRequest.until,
            ExtensionRequest.granted_until,
        )
        .join(Obligation, Obligation.id == ExtensionRequest.obligation_id)
        .where(
            Obligation.plan_id.in_(plan_ids),
            Obligation.state == "open",
            ExtensionRequest.state.in_(OPEN_EXTENSION_STATES),
        )
    )
    return {row.obligation_id: row for row in rows}


async def list_unanswered_explanations(
    connection: AsyncConnection, plan_ids: Sequence[int]
) -> list[Any]:
    """Return the explanations asked for and not given: obligation_id, plan_id, agency_code; oldest first."""
    rows = await connection.execute(
        select(
            Explanation.obligation_id,
            Obligation.plan_id,
            Agency.code.label("agency_code"),
        )
        .join(Obligation, Obligation.id == Explanation.obligation_id)
        .join(Agency, Agency.id == Explanation.agency_id)
        .where(Obligation.plan_id.in_(plan_ids), Explanation.state == "asked")
        .order_by(Explanation.asked_at, Explanation.id)
    )
    return list(rows)


async def counts_by_agency(
    connection: AsyncConnection, plan_ids: Sequence[int], *, today: date, workdays: Workdays
) -> list[Any]:
    """Return the four official states of what each owner owes of each plan, tasks and reports apart.

    The same that figures.agency_figures counts: open of any age, done of this year.
    """
    late = late_condition(workdays.on_or_before(today))
    done = Obligation.state == "confirmed"
    done_late = and_(done, Obligation.done_on > Obligation.judged_on)
    is_task = Obligation.kind.in_(TASK_KINDS)
    rows = await connection.execute(
        select(
            Obligation.plan_id,
            Agency.code.label("owner_code"),
            is_task.label("is_task"),
            count_if(done).label("done"),
            count_if(done_late).label("done_late"),
            func.count().label("total"),
            count_if(late).label("open_late"),
        )
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(
            Obligation.plan_id.in_(plan_ids),
            Obligation.state.in_(LIVE_STATES),
            Obligation.due_on <= last_current_day(today),
            current_question_condition(today),
            or_(~done, Obligation.due_on >= date(today.year, 1, 1)),
        )
        .group_by(Obligation.plan_id, Agency.code, is_task)
    )
    return list(rows)


async def list_reachable_agency_codes(connection: AsyncConnection, province: str) -> set[str]:
    """Return the agencies (codes) with a chat that can be written to, in whichever role answers."""
    return await _with_chats(
        connection, province, Chat.state == "living", Account.stopped_at.is_(None)
    )


async def list_agency_codes_with_lost_chat(connection: AsyncConnection, province: str) -> set[str]:
    """Return the agencies (codes) of which a chat is gone while somebody is still enrolled there."""
    return await _with_chats(connection, province, Chat.state == "gone")


async def _with_chats(connection: AsyncConnection, province: str, *conditions: Any) -> set[str]:
    rows = await connection.scalars(
        select(Agency.code)
        .join(Enrolment, Enrolment.agency_id == Agency.id)
        .join(Chat, Chat.id == Enrolment.chat_id)
        .join(Account, Account.id == Chat.account_id)
        .where(
            Agency.province == province,
            Enrolment.ended_at.is_(None),
            Enrolment.role.in_(("focal", "coordinator")),
            *conditions,
        )
        .distinct()
    )
    return set(rows)
