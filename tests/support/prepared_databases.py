"""Databases on the morning on which the tests of kills begin, made once and copied for each."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.channels.telegram.channel import TelegramChannel
from data import job_runs
from data.clock import ZONE
from data.contacts import enrolments
from data.db.database import Database
from data.db.upgrade import upgrade_schema
from data.digests import kept_weeks
from data.models import Agency, Chat, Enrolment, Message, Obligation
from jobs.morning.run import run_mornings
from tests.support.conversations import small_registry
from tests.support.loaded_province import load_world
from tests.support.outbox_rows import account

LOADED = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 13, 7, 30, tzinfo=ZONE)  # a Friday; a report is due
FIRST_READER, FIRST_ASKER = 1_000_000, 2_000_000  # addresses
_NUMBERS = count(1)


async def prepare(database: Database, *, readers: int, askers: int, composed: bool) -> None:
    """Let chats of one agency wait for their reminders, and chats of another have something to say.

    composed: this morning's messages are in the outbox, and this week's digest was told.
    """
    registry = small_registry()
    await load_world(database, registry, now=LOADED)
    account_id = await account(database)
    async with database.write() as connection:
        for code, first, number in (("sxd", FIRST_READER, readers), ("stc", FIRST_ASKER, askers)):
            agency = select(Agency.id).where(Agency.province == "dong", Agency.code == code)
            agency_id = await connection.scalar(agency)
            if not number:
                continue
            chats = [
                {"account_id": account_id, "address": str(first + one), "kind": "private"}
                for one in range(number)
            ]
            added = await connection.execute(insert(Chat).returning(Chat.id), chats)
            enrolled = {"agency_id": agency_id, "role": "focal", "enrolled_at": LOADED}
            ids = added.scalars().all()
            await connection.execute(insert(Enrolment), [{"chat_id": i, **enrolled} for i in ids])
        for one in range(askers):  # who presses a button is somebody; who is only told need not be
            address = str(FIRST_ASKER + one)
            person_id = await enrolments.ensure_person(
                connection, account_id, address, "Hoa", now=LOADED
            )
            its_chat = select(Chat.id).where(Chat.address == address).scalar_subquery()
            await connection.execute(
                update(Enrolment).where(Enrolment.chat_id == its_chat).values(person_id=person_id)
            )
        if not composed:
            return
        for province in registry.provinces:  # what this week's digest says was told on its Monday
            await job_runs.record_run(
                connection, kept_weeks.DIGEST_JOB, province, date(2026, 11, 9), now=LOADED
            )
    capabilities = {account_id: TelegramChannel.capabilities}
    await run_mornings(database, registry, now=MORNING, capabilities=capabilities)
    async with database.write() as connection:  # those who have something to say are told nothing
        asking = select(Chat.id).where(Chat.address >= str(FIRST_ASKER))
        quiet = Message.__table__.update().where(Message.chat_id.in_(asking))
        await connection.execute(quiet.values(state="skipped"))


async def theirs(database: Database) -> int:
    """Return the obligation that the chats which have something to say speak of."""
    async with database.read() as connection:
        found = await connection.scalar(
            select(Obligation.id)
            .join(Agency, Agency.id == Obligation.agency_id)
            .where(Agency.province == "dong", Agency.code == "stc", Obligation.kind == "report")
            .where(Obligation.state == "open")
            .order_by(Obligation.due_on)
            .limit(1)
        )
    assert found is not None
    return int(found)


class Prepared:
    """Prepared databases, made once and copied for each test."""

    def __init__(self, folder: Path, migrated: Path, request: pytest.FixtureRequest) -> None:
        self._folder, self._migrated, self._request = folder, migrated, request
        self._server: Any = None
        self._made: dict[tuple[str, int, int, bool], str] = {}

    async def copy(
        self, kind: str, *, readers: int = 0, askers: int = 0, composed: bool = True
    ) -> Database:
        """Return a database of its own where so many chats of each sort wait."""
        if kind == "postgres" and self._server is None:
            await self._begin_server()
        key = (kind, readers, askers, composed)
        name = f"killed_{next(_NUMBERS)}"
        if key not in self._made:
            made = self._fresh(kind, f"{name}_made")
            await prepare(made, readers=readers, askers=askers, composed=composed)
            await made.dispose()
            self._made[key] = f"{name}_made"
        return self._fresh(kind, name, self._made[key])

    async def empty(self, kind: str) -> Database:
        """Return a database of its own, at the newest schema, with nothing in it."""
        if kind == "postgres" and self._server is None:
            await self._begin_server()
        return self._fresh(kind, f"killed_{next(_NUMBERS)}")

    async def _begin_server(self) -> None:
        self._server = self._request.getfixturevalue("server")
        self._server.psql("CREATE DATABASE killed_empty;")
        empty = self._at("killed_empty")
        await upgrade_schema(empty)
        await empty.dispose()

    def _at(self, name: str) -> Database:
        url = self._server.get_uri(name).replace("postgresql://", "postgresql+psycopg://")
        return Database(url)

    def _fresh(self, kind: str, name: str, template: str | None = None) -> Database:
        if kind == "sqlite":
            source = self._folder / f"{template}.db" if template else self._migrated
            target = self._folder / f"{name}.db"
            shutil.copy(source, target)
            return Database(f"sqlite+aiosqlite:///{target}")
        self._server.psql(f"CREATE DATABASE {name} TEMPLATE {template or 'killed_empty'};")
        return self._at(name)
