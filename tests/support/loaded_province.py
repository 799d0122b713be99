"""A province at work, for tests: the real registry loaded, and a chat for every agency."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.engine import URL

from data.clock import ZONE, civil_date
from data.db.database import Database
from data.loading.load import sync_registry
from data.models import Account, Agency, Chat, Enrolment, Message, MessageItem, Obligation, Plan
from data.registry.registry import Registry
from jobs.planning.materialise import materialise
from tests.support.databases import become, is_empty, keep

_WORLDS: dict[tuple[int, datetime, date | None, bool], tuple[Registry, URL]] = {}


def morning_of(day: date, hour: int = 7, minute: int = 30) -> datetime:
    """Return an instant of a civil date in the province's zone."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)


async def load_world(
    database: Database, registry: Registry, *, now: datetime, tracked_from: date | None = None
) -> None:
    """Load the registry and make its obligations.

    What an empty database becomes is kept for the run and copied for the next test that asks for
    the same: loading five plans takes a second, a copy some milliseconds.
    """
    key = (id(registry), now, tracked_from, database.is_sqlite)
    kept = _WORLDS.get(key)
    was_empty = await is_empty(database)
    if was_empty and kept is not None:
        await become(database, kept[1])
        return
    async with database.write() as connection:
        today = civil_date(now)
        await sync_registry(connection, registry, now=now, today=today, tracked_from=tracked_from)
        await materialise(connection, registry, today=today)
    if was_empty:
        _WORLDS[key] = (
            registry,
            await keep(database),
        )  # held, so that its id is not given to another


async def open_chats(
    database: Database,
    *,
    now: datetime,
    province: str | None = None,
    only: set[str] | None = None,
    role: str = "focal",
    account: str = "test",
) -> dict[tuple[str, str], int]:
    """Give agencies a group chat each on one local account; return chat ids by (province, code)."""
    chats: dict[tuple[str, str], int] = {}
    async with database.write() as connection:
        found = await connection.execute(
            select(Account.id).where(Account.channel == "local", Account.name == account)
        )
        account_id = found.scalar()
        if account_id is None:
            added = await connection.execute(
                insert(Account).values(channel="local", name=account).returning(Account.id)
            )
            account_id = added.scalar_one()
        agencies = await connection.execute(select(Agency.id, Agency.province, Agency.code))
        for agency in agencies.all():
            if province is not None and agency.province != province:
                continue
            if only is not None and agency.code not in only:
                continue
            chat = await connection.execute(
                insert(Chat)
                .values(account_id=account_id, address=f"{role}-{agency.id}", kind="group")
                .returning(Chat.id)
            )
            chat_id = chat.scalar_one()
            chats[agency.province, agency.code] = chat_id
            await connection.execute(
                insert(Enrolment).values(
                    chat_id=chat_id, agency_id=agency.id, role=role, enrolled_at=now
                )
            )
    return chats


async def obligation(database: Database, *, plan: str, agency: str, code: str, period: str) -> Any:
    """Return one obligation's row."""
    async with database.read() as connection:
        rows = await connection.execute(
            select(Obligation.__table__)
            .join(Plan, Plan.id == Obligation.plan_id)
            .join(Agency, Agency.id == Obligation.agency_id)
            .where(
                Plan.code == plan,
                Agency.code == agency,
                Obligation.code == code,
                Obligation.period == period,
            )
        )
        return rows.one()


async def messages_to(database: Database, chat_id: int) -> list[Any]:
    """Return a chat's outgoing messages in order."""
    async with database.read() as connection:
        rows = await connection.execute(
            select(Message.__table__).where(Message.chat_id == chat_id).order_by(Message.id)
        )
        return list(rows.all())


async def items_of(database: Database, message_id: int) -> list[Any]:
    """Return a message's lines in order."""
    async with database.read() as connection:
        rows = await connection.execute(
            select(MessageItem.__table__)
            .where(MessageItem.message_id == message_id)
            .order_by(MessageItem.position)
        )
        return list(rows.all())


async def counted(database: Database, table: Any, *conditions: Any) -> int:
    """Return how many rows of a table fulfil all conditions."""
    async with database.read() as connection:
        found = select(func.count()).select_from(table).where(*conditions)
        return await connection.scalar(found) or 0
