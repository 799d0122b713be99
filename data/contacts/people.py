"""Lists of enrolled persons and groups, and of agencies with their chats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Account, Agency, Chat, Enrolment, Person


async def list_enrolled(
    connection: AsyncConnection,
    *,
    today: date,
    province: str | None = None,
    agency_id: int | None = None,
) -> list[Any]:
    """Return the living enrolments of persons and groups, by province, agency and enrolment."""
    statement = (
        select(
            Enrolment.id.label("enrolment_id"),
            Enrolment.person_id,
            Enrolment.chat_id,
            Person.name,
            Agency.province,
            Agency.name.label("agency"),
            Enrolment.role,
            Enrolment.may_decide,
            Enrolment.enrolled_at,
            Enrolment.until_on,
            Account.channel,
            Chat.kind,
            Chat.title,
            Chat.state,
            Chat.last_seen_at,
        )
        .join(Agency, Agency.id == Enrolment.agency_id)
        .join(Chat, Chat.id == Enrolment.chat_id)
        .join(Account, Account.id == Chat.account_id)
        .outerjoin(Person, Person.id == Enrolment.person_id)
        .where(Enrolment.living(on=today))
        .order_by(Agency.province, Agency.position, Enrolment.id)
    )
    if province is not None:
        statement = statement.where(Agency.province == province)
    if agency_id is not None:
        statement = statement.where(Enrolment.agency_id == agency_id)
    return list(await connection.execute(statement))


async def list_agencies_with_chats(
    connection: AsyncConnection, province: str, *, today: date, agency_ids: Sequence[int] = ()
) -> list[Any]:
    """Return a province's living agencies with the numbers of their chats; agencies without any first.

    Columns: id, code, name, short, private, groups, gone (numbers), last_seen_at. agency_ids: only these.
    """
    enrolled = Enrolment.living(on=today)
    alive = and_(enrolled, Chat.state == "living", Account.stopped_at.is_(None))
    private = func.count(func.distinct(case((and_(alive, Chat.kind == "private"), Chat.id))))
    groups = func.count(func.distinct(case((and_(alive, Chat.kind == "group"), Chat.id))))
    gone = func.count(func.distinct(case((and_(enrolled, Chat.state == "gone"), Chat.id))))
    statement = (
        select(
            Agency.id,
            Agency.code,
            Agency.name,
            Agency.short,
            private.label("private"),
            groups.label("groups"),
            gone.label("gone"),
            func.max(case((enrolled, Chat.last_seen_at))).label("last_seen_at"),
        )
        .outerjoin(Enrolment, Enrolment.agency_id == Agency.id)
        .outerjoin(Chat, Chat.id == Enrolment.chat_id)
        .outerjoin(Account, Account.id == Chat.account_id)
        .where(
            Agency.province == province,
            or_(Agency.valid_from.is_(None), Agency.valid_from <= today),
            or_(Agency.valid_until.is_(None), Agency.valid_until >= today),
        )
        .group_by(Agency.id, Agency.code, Agency.name, Agency.short, Agency.position)
        .order_by(case((private + groups > 0, 1), else_=0), Agency.position)
    )
    if agency_ids:
        statement = statement.where(Agency.id.in_(agency_ids))
    return list(await connection.execute(statement))


async def load_person(connection: AsyncConnection, person_id: int) -> Any | None:
    """Return a person's row, or None."""
    return (await connection.execute(select(Person).where(Person.id == person_id))).one_or_none()
