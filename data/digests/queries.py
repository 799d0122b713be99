"""Rows from which a weekly digest is computed: one statement a question, for any number of agencies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import (
    Account,
    Agency,
    Chat,
    Enrolment,
    Explanation,
    ExtensionRequest,
    Obligation,
    Plan,
)
from data.obligations.lists import current_question_condition
from data.progress.extensions import OPEN_EXTENSION_STATES


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
    """Return obligations with base_on by `until`, submitted, disputed or with an extension request.

    The earliest due first; of undated tasks, only this year's question.
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
    """Return the obligations confirmed in [since, until), oldest first: id, owner_code, kind."""
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
    """Return the undecided extension requests, by obligation."""
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
    """Return the unanswered explanation requests, oldest first: obligation_id, plan_id, agency_code."""
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


async def list_reachable_agency_codes(
    connection: AsyncConnection, province: str, *, today: date
) -> set[str]:
    """Return the codes of agencies with a living chat, focal or coordinator."""
    return await _with_chats(
        connection, province, Chat.state == "living", Account.stopped_at.is_(None), today=today
    )


async def list_agency_codes_with_lost_chat(
    connection: AsyncConnection, province: str, *, today: date
) -> set[str]:
    """Return the codes of agencies with a lost chat that still has an enrolment."""
    return await _with_chats(connection, province, Chat.state == "gone", today=today)


async def _with_chats(
    connection: AsyncConnection, province: str, *conditions: Any, today: date
) -> set[str]:
    rows = await connection.scalars(
        select(Agency.code)
        .join(Enrolment, Enrolment.agency_id == Agency.id)
        .join(Chat, Chat.id == Enrolment.chat_id)
        .join(Account, Account.id == Chat.account_id)
        .where(
            Agency.province == province,
            Enrolment.living(on=today),
            Enrolment.role.in_(("focal", "coordinator")),
            *conditions,
        )
        .distinct()
    )
    return set(rows)
