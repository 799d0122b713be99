"""The base, the key and the UTC instant that all tables share."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    Table,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase


class Utc(TypeDecorator[datetime]):
    """An aware UTC instant; refuses naive values. SQLite keeps it as text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime refused: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables: names every constraint, and gives no number of a row a second time.

    SQLite gives the highest number again once its row is deleted, unless the key is AUTOINCREMENT. Buttons,
    addresses and decisions remember numbers for longer than rows live.
    """

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Utc, date: Date, dict[str, Any]: JSON, list[Any]: JSON}

    @classmethod
    def __table_cls__(cls, *arguments: Any, **options: Any) -> Table:
        return Table(*arguments, **options, sqlite_autoincrement=True)


Key = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only for INTEGER keys
