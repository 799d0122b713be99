"""Fixtures: the real registry, and a real database on a file of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from data.database import Database
from data.migrate import upgrade
from data.registry import Registry

SHIPPED = Path(__file__).parent.parent / "data"


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The registry as shipped: five plans, four provinces, eleven years."""
    return Registry.from_folder(SHIPPED)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database at the newest schema."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'nhacviec.db'}")
    await upgrade(database)
    yield database
    await database.dispose()
