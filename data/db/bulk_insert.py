"""Many rows of numbers, words and dates at once.

Promises what an INSERT of many rows does, at a fraction of what SQLAlchemy's work on each value of each row
costs; for the few places where a morning or a load writes a hundred thousand. Turns no value: a column
whose type would (an instant, JSON) does not belong here.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Base


async def bulk_insert(
    connection: AsyncConnection,
    model: type[Base],
    names: Sequence[str],
    rows: Sequence[tuple[int | str | None, ...]],
    *,
    ignore_existing: bool = False,
) -> None:
    """Insert rows, values in the order of names, dates as ISO words.

    keep: one that stands there already by a constraint stays as it is; else that is an IntegrityError.
    """
    if not rows:
        return
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    places = ", ".join(mark for _ in names)
    words = f"INSERT INTO {model.__tablename__} ({', '.join(names)}) VALUES ({places})"  # noqa: S608
    await connection.exec_driver_sql(
        f"{words} ON CONFLICT DO NOTHING" if ignore_existing else words, list(rows)
    )
