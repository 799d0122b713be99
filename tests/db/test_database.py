"""Transactions: fair queue of writers, errors without values, connections that are reused."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import pytest
from sqlalchemy import Integer, cast, insert, literal, select, text
from sqlalchemy.exc import DBAPIError

from data.db.database import SURE_SECONDS, Database
from data.models import Meta


async def test_the_database_is_of_the_kind_that_was_asked_for(
    database: Database, request: pytest.FixtureRequest
) -> None:
    asked = "postgresql" if request.config.getoption("--postgres") else "sqlite"
    async with database.read() as connection:
        assert connection.dialect.name == asked


@pytest.mark.sqlite
async def test_writers_come_in_the_order_they_asked_and_none_is_turned_away(
    database: Database,
) -> None:
    order: list[int] = []

    async def write(number: int) -> None:
        async with database.write() as connection:
            order.append(number)
            await connection.execute(insert(Meta).values(key=f"key{number:03}", value="x"))
            await asyncio.sleep(0.005)

    await asyncio.gather(*(write(number) for number in range(60)))
    async with database.read() as connection:
        kept = await connection.scalars(select(Meta.key).where(Meta.key.like("key%")))
        assert len(kept.all()) == 60
    assert order == list(range(60))


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (insert(Meta).values(key="Nguyễn Thị Lan", value="x"), "constraint"),
        (insert(Meta).values(key="Trần Lan", value=None), "constraint"),
        (select(cast(literal("Nguyễn Thị Lan"), Integer)), ""),  # SQLite reads it as 0
    ],
    ids=["taken already", "nothing given", "no number"],
)
async def test_an_error_of_the_database_quotes_no_value(
    database: Database, statement: Any, why: str
) -> None:
    """Errors go into logs, and PostgreSQL tells of the whole row that failed."""
    async with database.write() as connection:
        await connection.execute(insert(Meta).values(key="Nguyễn Thị Lan", value="x"))
    told = ""
    try:
        async with database.write() as connection:
            await connection.execute(statement)
    except DBAPIError as error:
        told = "".join(traceback.format_exception(error))
    assert "Lan" not in told
    assert why in told


async def test_a_writer_that_fails_lets_the_next_one_in(database: Database) -> None:
    async def fail() -> None:
        async with database.write():
            raise ValueError("no")

    failed = await asyncio.gather(fail(), fail(), return_exceptions=True)
    assert [type(error) for error in failed] == [ValueError, ValueError]
    async with database.write() as connection:
        await connection.execute(insert(Meta).values(key="after", value="x"))


@pytest.mark.sqlite
@pytest.mark.parametrize("checkpoints", [False, True])
async def test_the_service_alone_copies_the_log_into_the_file(
    database: Database, *, checkpoints: bool
) -> None:
    """Two connections that do so at one instant may damage it."""
    path = database.file
    assert path is not None
    mine = Database(f"sqlite+aiosqlite:///{path}", checkpoints=checkpoints)
    before = path.stat().st_size
    for number in range(2):  # each more than the thousand pages after which SQLite does
        async with mine.write() as connection:
            await connection.execute(insert(Meta).values(key=f"k{number}", value="x" * 6_000_000))
    copied = path.stat().st_size - before
    await mine.dispose()
    assert copied >= 6_000_000 if checkpoints else copied == 0


@pytest.mark.sqlite
async def test_a_writer_that_failed_leaves_no_larger_cache_behind(database: Database) -> None:
    async def cache(*, alone: bool = False, fails: bool = False) -> int | None:
        async with database.write(alone=alone) as connection:
            found: int | None = await connection.scalar(text("PRAGMA cache_size"))
            if fails:
                seen.append(found)
                raise ValueError("no")
        return found

    seen: list[int | None] = []
    usual = await cache()
    with pytest.raises(ValueError, match="no"):
        await cache(alone=True, fails=True)
    assert seen != [usual]
    assert await cache() == usual


async def test_what_is_written_after_a_failure_is_written_whole(database: Database) -> None:
    """The connection of the transaction before is used again only where that one ended well."""

    async def write(key: str, *, fails: bool = False) -> None:
        async with database.write() as connection:
            await connection.execute(insert(Meta).values(key=key, value="x"))
            if fails:
                raise ValueError("no")

    for number in range(3):
        with pytest.raises(ValueError, match="no"):
            await write(f"lost{number}", fails=True)
        await write(f"kept{number}")
    async with database.read() as connection:
        keys = await connection.scalars(select(Meta.key).where(Meta.key.like("%t_")))
        assert sorted(keys) == ["kept0", "kept1", "kept2"]


@pytest.mark.slow
async def test_a_connection_that_the_server_ended_while_it_was_idle_is_not_used(
    postgres: Database,
) -> None:
    async def ended() -> None:
        """Have the server end all others' connections."""
        other = Database(postgres.url.render_as_string(hide_password=False))
        async with other.read() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
        await other.dispose()

    for work in (postgres.read, postgres.write):
        async with postgres.read() as connection, postgres.write() as writing:
            await connection.execute(select(Meta))
            await writing.execute(select(Meta))
        await ended()
        await asyncio.sleep(SURE_SECONDS + 0.1)
        async with work() as connection:
            await connection.execute(select(Meta))
