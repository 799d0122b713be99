"""The schema: migrated equals fresh; what is append-only stays so."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import DatabaseError

from data.clock import ZONE
from data.db.database import Database, DatabaseUnusable
from data.db.upgrade import (
    alembic_config,
    current_revision,
    is_known_revision,
    newest_revision,
    upgrade_schema,
)
from data.models import Base, Decision, Message, Person


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
    assert len(found) == int(newest_revision())
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


async def test_names_and_codes_kept_by_an_earlier_version_are_let_go_of(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'old.db'}")

    def to_second(connection: Connection) -> None:
        settings = alembic_config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0002")

    at = "2026-11-20 01:00:00.000000"
    statements = [
        "INSERT INTO account (id, channel, name) VALUES (1, 'local', 'a')",
        "INSERT INTO chat (id, account_id, address, kind) VALUES (1, 1, 'x', 'private')",
        f"INSERT INTO person (id, name, created_at) VALUES (1, 'Chị Lan', '{at}')",
        """INSERT INTO agency (id, province, code, name, short, kind, position, folded)
           VALUES (1, 'p', 'skhcn', 'Sở KH&CN', 'Sở KH&CN', 'department', 1, '')""",
        f"""INSERT INTO enrolment (chat_id, person_id, agency_id, role, enrolled_at)
            VALUES (1, 1, 1, 'coordinator', '{at}')""",
        *(
            "INSERT INTO decision (kind, plan_code, subject, details, person_id, decided_by, decided_at)"
            f" VALUES ('{kind}', 'p', 's', '{{}}', {person}, '{by}', '{at}')"
            for kind, person, by in (
                ("confirm", 1, "Chị Lan"),
                ("close_plan", "NULL", "quản trị"),
                ("handover", 1, "người đang giữ vai trò"),
            )
        ),
        *(
            "INSERT INTO message (account_id, chat_id, priority, template, context, buttons,"
            " created_at, send_at, state)"
            f" VALUES (1, 1, 0, '{template}', '{{\"code\": 1}}', '[]', '{at}', '{at}', '{state}')"
            for template, state in (
                ("code_made", "sent"),
                ("code_made", "pending"),
                ("help", "sent"),
            )
        ),
        f"INSERT INTO delivery (message_id, attempt, at, outcome) VALUES (1, 1, '{at}', 'sent')",
    ]
    async with database.write() as connection:
        await connection.run_sync(to_second)
        for statement in statements:
            await connection.exec_driver_sql(statement)
    await upgrade_schema(database)
    async with database.read() as connection:
        by = await connection.execute(select(Decision.decided_by).order_by(Decision.id))
        assert list(by.scalars()) == ["Sở KH&CN", "quản trị", "người đang giữ vai trò"]
        messages = await connection.execute(
            select(Message.secret, Message.context).order_by(Message.id)
        )
        assert [tuple(row) for row in messages] == [
            (True, {}),
            (True, {"code": 1}),
            (False, {"code": 1}),
        ]
    with pytest.raises(DatabaseError, match="append-only"):
        async with database.write() as connection:
            await connection.execute(update(Decision).values(subject="y"))
    await database.dispose()


async def test_tables_of_a_newer_program_are_refused_in_words(database: Database) -> None:
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnusable, match="bản chương trình mới hơn"):
        await upgrade_schema(database)
