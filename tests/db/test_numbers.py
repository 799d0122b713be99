"""Numbers of rows: none is given twice, in any table, because more than the row remembers it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from data.backup.counters import list_numbered_tables, load_counter
from data.db.database import Database
from data.db.statements import bulk_insert
from data.models import Base, JobRun
from tests.support.numbered_rows import give_numbers

DOCS = Path(__file__).parents[2] / "docs"


async def test_every_table_has_one_key_a_number_or_a_word(database: Database) -> None:
    async with database.read() as connection:
        found = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    by_word = {"registry_file", "meta", "evidence_content"}
    numbered = {table.name for table in list_numbered_tables()}
    assert numbered | by_word == set(found) - {"alembic_version"}
    assert set(Base.metadata.tables) == numbered | by_word


def test_no_table_of_the_models_can_forget_to_count() -> None:
    written = {
        table.name: str(CreateTable(table).compile(dialect=sqlite.dialect()))
        for table in list_numbered_tables()
    }
    assert {name for name, words in written.items() if " AUTOINCREMENT" not in words} == set()


async def test_the_number_of_a_deleted_row_is_not_given_again(database: Database) -> None:
    """In each table the row with the highest number is deleted, then another one is made."""
    await database.dispose()
    first, second = give_numbers(database.url), give_numbers(database.url)
    assert len(first) == len(list_numbered_tables()) > 25
    assert {name for name in first if second[name] <= first[name]} == set()


async def test_a_counter_stands_at_the_highest_number_ever_given(database: Database) -> None:
    await database.dispose()
    given = give_numbers(database.url)
    async with database.read() as connection:
        for table in list_numbered_tables():
            assert await load_counter(connection, table) == given[table.name]


async def test_many_rows_in_one_statement_have_numbers_in_their_order(database: Database) -> None:
    names = ("job", "subject", "run_on", "finished_at")
    rows = [("tests", f"{each:04}", "2026-11-23", "2026-11-23 00:00:00") for each in range(1001)]
    async with database.write() as connection:
        await bulk_insert(connection, JobRun, names, rows)
        await bulk_insert(connection, JobRun, names, rows, ignore_existing=True)
        found = await connection.scalars(select(JobRun.subject).order_by(JobRun.id))
        assert list(found) == [row[1] for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["deploy.md", "deploy.vi.md"])
async def test_after_a_restore_on_a_server_as_the_documents_have_it_no_number_comes_back(
    postgres: Database, page: str
) -> None:
    """A dump brings sequences back to where they stood."""
    written = (DOCS / page).read_text(encoding="utf-8")
    advice = re.search(
        r"^psql --dbname nhacviec <<'SQL'\n(.*?)^SQL$", written, re.MULTILINE | re.DOTALL
    )
    assert advice is not None
    await postgres.dispose()
    before = give_numbers(postgres.url)
    async with postgres.write() as connection:
        await connection.execute(text(advice[1]))
    after = give_numbers(postgres.url)
    assert min(after[name] - before[name] for name in before) >= 1_000_000
