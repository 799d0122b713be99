"""Open the registry's files and the database for a command.

Guarantees:
- A command that reads never makes or changes a database.
- A command that writes upgrades the tables first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bot.cli.output import CommandFailed, show_progress
from bot.config import Settings, make_default_folder
from data.registry.registry import Registry, read_folder
from data.registry.workdays import Workdays

if TYPE_CHECKING:  # commands that only read files start without SQLAlchemy
    from sqlalchemy.ext.asyncio import AsyncConnection

    from data.db.database import Database

_LoadedT = TypeVar("_LoadedT")


def read_registry_files(settings: Settings) -> Registry:
    """Return the registry of the files; raises RegistryFault with every fault."""
    with show_progress("Đang đọc sổ bộ"):
        return Registry.from_folder(settings.registry)


def read_calendar_files(settings: Settings) -> Workdays:
    """Return the calendar of the files without reading the rest; raises RegistryFault."""
    texts = read_folder(settings.registry)
    return Registry.from_texts(
        {path: text for path, text in texts.items() if path.startswith("calendar/")}
    ).workdays


async def require_registry(connection: AsyncConnection) -> Registry:
    """Return the registry as loaded into the database; raises CommandFailed where none was."""
    from data.loading.load import read_registry

    return _require_loaded(await read_registry(connection))


async def require_workdays(connection: AsyncConnection) -> Workdays:
    """Return the calendar as loaded into the database; raises CommandFailed where none was."""
    from data.loading.load import read_workdays

    return _require_loaded(await read_workdays(connection))


def _require_loaded(loaded: _LoadedT | None) -> _LoadedT:
    if loaded is None:
        raise CommandFailed("Chưa nạp kế hoạch nào. Hãy chạy «nhacviec plan load» trước.")
    return loaded


def database_exists(settings: Settings) -> bool:
    """Tell whether there is a database to read; a server is assumed to exist."""
    return not settings.database_url.startswith("sqlite") or _file(settings).is_file()


def refuse_lost_database(settings: Settings) -> None:
    """Raise DatabaseUnusable for a file that held data before and is gone."""
    from data.db.upgrade import refuse_lost_file

    if settings.database_url.startswith("sqlite"):
        refuse_lost_file(_file(settings))


def _file(settings: Settings) -> Path:
    return Path(settings.database_url.partition(":///")[2].partition("?")[0])


@asynccontextmanager
async def open_for_reading(settings: Settings) -> AsyncIterator[Database]:
    """Open the database; raises CommandFailed where there is none yet, DatabaseUnusable where it is lost."""
    refuse_lost_database(settings)
    if not database_exists(settings):
        raise CommandFailed(
            "Chưa có cơ sở dữ liệu. Hãy chạy «nhacviec plan load», hoặc sửa NHACVIEC_DATABASE_URL."
        )
    async with _open(settings) as database:
        yield database


@asynccontextmanager
async def open_for_writing(settings: Settings) -> AsyncIterator[Database]:
    """Open the database with its tables upgraded; the default one is made where it is missing."""
    from data.db.upgrade import prepare_schema

    make_default_folder(settings)
    async with _open(settings) as database:
        await prepare_schema(database)
        yield database


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Database]:
    from data.db.database import Database

    database = Database(settings.database_url)
    try:
        yield database
    finally:
        await database.dispose()
