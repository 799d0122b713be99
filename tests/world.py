"""A province at work, for tests: the real registry loaded, and a chat for every agency."""

from __future__ import annotations

import atexit
import sqlite3
import tempfile
from contextlib import closing
from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from data.clock import ZONE, civil_date
from data.database import Database
from data.loading import load
from data.models import Account, Agency, Chat, Enrolment, Message, MessageItem, Obligation, Plan
from data.registry import Registry
from jobs.obligations import materialise

_FOLDER = tempfile.TemporaryDirectory(prefix="nhacviec-worlds-")
atexit.register(_FOLDER.cleanup)
_NUMBERS = count(1)
_WORLDS: dict[tuple[int, datetime, date | None], tuple[Registry, Path]] = {}


def morning_of(day: date, hour: int = 7, minute: int = 30) -> datetime:
    """Return an instant of a civil date in the province's zone."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)


async def load_world(
    database: Database, registry: Registry, *, now: datetime, tracked_from: date | None = None
) -> None:
    """Load the registry and make its obligations.

    What an empty SQLite file becomes is kept for the run and copied for the next test that asks for
    the same: loading five plans takes a second, a copy some milliseconds.
    """
    key = (id(registry), now, tracked_from)
    kept = _WORLDS.get(key)
    if kept is not None and await copy_into(database, kept[1]):
        return
    is_empty = await _is_empty(database)
    async with database.write() as connection:
        today = civil_date(now)
        await load(connection, registry, now=now, today=today, tracked_from=tracked_from)
        await materialise(connection, registry, today=today)
    if is_empty and (file := keep(database)) is not None:
        _WORLDS[key] = (registry, file)  # held, so that its id is not given to another


def keep(database: Database) -> Path | None:
    """Keep a SQLite file as it now is, until the run ends; None on another database."""
    if not database.is_sqlite or not database.url.database:
        return None
    kept = Path(_FOLDER.name) / f"{next(_NUMBERS)}.db"
    _copy(Path(database.url.database), kept)
    return kept


async def copy_into(database: Database, kept: Path) -> bool:
    """Make an empty SQLite file what was kept; tells whether it could be."""
    if not database.is_sqlite or not database.url.database or not await _is_empty(database):
        return False
    _copy(kept, Path(database.url.database))
    return True


async def _is_empty(database: Database) -> bool:
    async with database.read() as connection:
        return (await connection.execute(select(Plan.id).limit(1))).first() is None


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


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
