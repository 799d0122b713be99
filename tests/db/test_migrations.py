"""The schema: migrated equals fresh, upgrades keep rows, append-only tables refuse changes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.exc import DatabaseError

from data.clock import ZONE
from data.db.database import Database
from data.db.errors import DatabaseUnusable
from data.db.upgrade import (
    alembic_config,
    current_revision,
    is_known_revision,
    newest_revision,
    upgrade_schema,
)
from data.models import Base, Decision, Meta, Person
from tests.support.newer_program import NEXT_REVISION, install_newer_program, run_newer_program


async def test_a_migrated_schema_equals_a_fresh_one(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    async with database.read() as connection:
        assert await current_revision(connection) == newest_revision()
        assert await connection.run_sync(differences) == []


def test_the_files_names_tell_the_revisions_that_alembic_finds() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    assert newest_revision() == scripts.get_current_head()
    found = [script.revision for script in scripts.walk_revisions()]
    assert all(is_known_revision(revision) for revision in found)
    assert len(found) == int(newest_revision()) - int(min(found)) + 1
    assert not is_known_revision("0000")


async def test_upgrading_twice_is_harmless(database: Database) -> None:
    await upgrade_schema(database)
    await upgrade_schema(database)


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


@pytest.mark.slow
async def test_a_newer_program_upgrades_and_keeps_the_rows_and_the_older_one_then_refuses(
    database: Database, tmp_path: Path
) -> None:
    async with database.write() as connection:
        await connection.execute(insert(Meta).values(key="kept", value="x"))
    upgrade = (
        "import asyncio, sys; from data.db.database import Database;"
        " from data.db.upgrade import upgrade_schema; asyncio.run(upgrade_schema(Database(sys.argv[1])))"
    )
    url = database.url.render_as_string(hide_password=False)
    run_newer_program(install_newer_program(tmp_path / "newer"), "-c", upgrade, url)
    async with database.read() as connection:
        assert await current_revision(connection) == NEXT_REVISION
        rows = await connection.exec_driver_sql("SELECT key, value, noted_by FROM meta")
        assert [tuple(row) for row in rows] == [("kept", "x", "0")]
    with pytest.raises(DatabaseUnusable, match="bản chương trình mới hơn"):
        await upgrade_schema(database)


async def test_tables_from_before_the_first_release_are_refused_in_words(
    database: Database,
) -> None:
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(DatabaseUnusable, match="trước lần phát hành đầu tiên"):
        await upgrade_schema(database)


async def test_tables_of_a_newer_program_are_refused_in_words(database: Database) -> None:
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnusable, match="bản chương trình mới hơn"):
        await upgrade_schema(database)
