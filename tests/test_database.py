"""Transactions: the writers of one process wait in a fair queue."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import pytest
from sqlalchemy import Integer, cast, insert, literal, select
from sqlalchemy.exc import DBAPIError

from data.database import Database
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
