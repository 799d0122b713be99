"""Transactions: the writers of one process wait in a fair queue."""

from __future__ import annotations

import asyncio

from sqlalchemy import insert, select

from data.database import Database
from data.models import Meta


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


async def test_a_writer_that_fails_lets_the_next_one_in(database: Database) -> None:
    async def fail() -> None:
        async with database.write():
            raise ValueError("no")

    failed = await asyncio.gather(fail(), fail(), return_exceptions=True)
    assert [type(error) for error in failed] == [ValueError, ValueError]
    async with database.write() as connection:
        await connection.execute(insert(Meta).values(key="after", value="x"))
