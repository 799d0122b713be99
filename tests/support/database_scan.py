"""Looking for words in everything a database holds: every column of every table, and the bytes of its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from data.db.database import Database
from data.models import Base


async def columns_with(database: Database, words: str) -> list[str]:
    """Return "table.column" wherever the words stand, in any case."""
    found: set[str] = set()
    async with database.read() as connection:
        for table in Base.metadata.sorted_tables:
            for row in await connection.execute(select(table)):
                for column, value in row._mapping.items():
                    if words.casefold() in _as_text(value).casefold():
                        found.add(f"{table.name}.{column}")
    return sorted(found)


async def bytes_hold(database: Database, words: str) -> bool:
    """Tell whether a SQLite file still holds the words anywhere, freed pages and its log included.

    A server's files are its own: PostgreSQL writes over what is let go when it vacuums. False there.
    """
    if not database.is_sqlite:
        return False
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    assert database.file is not None
    files = (database.file, Path(f"{database.file}-wal"))
    forms = (words.encode(), json.dumps(words)[1:-1].encode())
    return any(form in file.read_bytes() for file in files if file.exists() for form in forms)


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        # Raw updates may be JSON with its letters escaped.
        plain = value.decode("utf-8", "replace")
        try:
            return plain + json.dumps(json.loads(plain), ensure_ascii=False)
        except ValueError:
            return plain
    return json.dumps(value, ensure_ascii=False, default=str)
