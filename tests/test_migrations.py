"""The schema: migrated equals fresh; what is append-only stays so."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.exc import DatabaseError

from data.clock import ZONE
from data.database import Database, DatabaseUnusable
from data.migrate import newest, revision_of, upgrade
from data.models import Base, Decision, Person


async def test_a_migrated_schema_equals_a_fresh_one(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    async with database.read() as connection:
        assert await revision_of(connection) == newest()
        assert await connection.run_sync(differences) == []


async def test_upgrading_twice_is_harmless(database: Database) -> None:
    await upgrade(database)
    await upgrade(database)


async def test_a_decision_can_be_neither_changed_nor_deleted(database: Database) -> None:
    now = datetime(2026, 11, 20, 8, tzinfo=ZONE)
    async with database.write() as connection:
        await connection.execute(
            insert(Decision).values(
                kind="close_plan",
                plan_code="x",
                subject="",
                details={},
                decided_by="quản trị",
                decided_at=now,
            )
        )
    for statement in (update(Decision).values(subject="y"), delete(Decision)):
        with pytest.raises(DatabaseError, match="append-only"):
            async with database.write() as connection:
                await connection.execute(statement)


async def test_a_naive_instant_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="naive datetime refused"):
        async with database.write() as connection:
            await connection.execute(insert(Person).values(created_at=datetime(2026, 1, 1)))


async def test_a_missing_folder_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="Chưa có thư mục"):
        Database(f"sqlite+aiosqlite:///{tmp_path / 'none' / 'x.db'}")
