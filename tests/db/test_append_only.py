"""Replies, decisions and values can be added to and nothing else, whoever asks the database, however."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import UniqueConstraint, text
from sqlalchemy.exc import DatabaseError

from data.db.database import Database
from data.models import Base
from tests.support.numbered_rows import make_row, without_foreign_keys

APPEND_ONLY = ("decision", "status_reply", "target_value")
COPY_OF_IT = "SELECT * FROM {0} WHERE id = {1}"
# What a plain shell of SQLite can be asked; a row takes the place of another without a delete that triggers see.
SQLITE = (
    "UPDATE {0} SET id = id + 1",
    "UPDATE OR REPLACE {0} SET id = id",
    "UPDATE OR IGNORE {0} SET id = id + 1",
    "DELETE FROM {0}",
    f"REPLACE INTO {{0}} {COPY_OF_IT}",
    f"INSERT OR REPLACE INTO {{0}} {COPY_OF_IT}",
    f"INSERT OR IGNORE INTO {{0}} {COPY_OF_IT}",
    f"INSERT INTO {{0}} {COPY_OF_IT} ON CONFLICT (id) DO UPDATE SET id = excluded.id",
)
SERVER = (
    "UPDATE {0} SET id = id + 1",
    "DELETE FROM {0}",
    "TRUNCATE {0}",
    "TRUNCATE {0} RESTART IDENTITY CASCADE",
    "TRUNCATE person CASCADE",
    f"INSERT INTO {{0}} {COPY_OF_IT} ON CONFLICT (id) DO UPDATE SET id = excluded.id",
    "MERGE INTO {0} USING (SELECT {1} AS key) k ON id = k.key WHEN MATCHED THEN DELETE",
)


@pytest.fixture(params=APPEND_ONLY)
async def kept(request: pytest.FixtureRequest, database: Database) -> tuple[str, int]:
    """A row of a table: the table, and the row's number."""
    await database.dispose()
    with without_foreign_keys(database.url) as connection:
        return request.param, make_row(connection, Base.metadata.tables[request.param])


@pytest.mark.sqlite
@pytest.mark.parametrize("statement", SQLITE)
def test_a_plain_shell_changes_no_row(
    database: Database, kept: tuple[str, int], statement: str
) -> None:
    assert database.file is not None
    with closing(sqlite3.connect(database.file)) as shell:
        before = shell.execute(f"SELECT * FROM {kept[0]}").fetchall()
        with pytest.raises(sqlite3.IntegrityError, match=f"{kept[0]} is append-only"), shell:
            shell.execute(statement.format(*kept))
        assert shell.execute(f"SELECT * FROM {kept[0]}").fetchall() == before != []


@pytest.mark.parametrize("statement", SERVER)
async def test_a_server_changes_no_row(
    database: Database, kept: tuple[str, int], statement: str
) -> None:
    if database.is_sqlite:
        pytest.skip("of a server")

    async def rows() -> list[Any]:
        async with database.read() as connection:
            return list(await connection.execute(text(f"SELECT * FROM {kept[0]}")))

    before = await rows()
    with pytest.raises(DatabaseError, match=r"is append-only|cannot truncate"):
        async with database.write() as connection:
            await connection.execute(text(statement.format(*kept)))
    assert await rows() == before != []


def test_such_a_table_has_no_other_key_by_which_a_row_could_be_replaced() -> None:
    for name in APPEND_ONLY:
        table = Base.metadata.tables[name]
        assert not [each for each in table.constraints if isinstance(each, UniqueConstraint)]
        assert not [each for each in table.indexes if each.unique]
