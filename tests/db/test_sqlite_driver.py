"""A statement takes one hop to the connection's thread, and never runs outside its transaction."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from data.db.database import Database


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    path = tmp_path / "trips.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE line (number INTEGER)")
    connection.close()
    return path


def lines(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        (found,) = connection.execute("SELECT count(*) FROM line").fetchone()
    connection.close()
    return int(found)


async def test_rows_beyond_the_first_batch_come_whole_and_in_order(file: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{file}")
    async with database.write() as connection:
        await connection.execute(
            text("INSERT INTO line VALUES (:n)"), [{"n": number} for number in range(2500)]
        )
    query = text("SELECT number FROM line ORDER BY number")
    async with database.read() as connection:
        assert list(await connection.scalars(query)) == list(range(2500))
        streamed = await connection.stream(query)
        assert [row.number async for row in streamed] == list(range(2500))
        cut_short = await connection.stream(query)
        assert await cut_short.fetchone() == (0,)
        await cut_short.close()
        assert await connection.scalar(text("SELECT count(*) FROM line")) == 2500
    await database.dispose()


async def test_a_transaction_in_which_nothing_was_asked_leaves_nothing_open(file: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{file}")
    async with database.write():
        pass
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO line VALUES (1)"))
    await database.dispose()
    assert lines(file) == 1


async def test_after_a_refused_beginning_no_statement_runs_outside_of_a_transaction(
    file: Path,
) -> None:
    database = Database(f"sqlite+aiosqlite:///{file}")
    async with database.read() as connection:
        await connection.execute(text("PRAGMA busy_timeout=50"))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    insert = text("INSERT INTO line VALUES (1)")
    with contextlib.suppress(ZeroDivisionError):
        async with database.write() as connection:
            with pytest.raises(OperationalError, match="locked"):
                await connection.execute(insert)
            other.execute("COMMIT")
            await connection.execute(insert)  # begins anew
            raise ZeroDivisionError  # and is given up
    other.close()
    await database.dispose()
    assert lines(file) == 0


async def test_a_statement_given_up_on_its_way_changes_nothing(file: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{file}")
    async with database.read() as connection:
        await connection.execute(text("SELECT 1"))
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
    arrived, go_on = threading.Event(), threading.Event()

    def busy() -> None:
        arrived.set()
        go_on.wait(30)

    async def insert() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO line VALUES (1)"))

    waiting = asyncio.create_task(
        driver.run(busy)
    )  # the pool's one connection: its thread is held up
    await asyncio.to_thread(arrived.wait, 30)
    task = asyncio.create_task(insert())
    await asyncio.sleep(0.05)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await waiting
    await database.dispose()
    assert lines(file) == 0
