"""How commands come to the registry's files and to the database.

Promises that a command that reads never makes or changes a database, and that one that writes brings
its tables up to date first. Every connection is closed before the command ends.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.output import CommandFailed, show_progress
from bot.config import Settings, make_default_folder
from data.registry.registry import Registry, read_folder
from data.registry.workdays import Workdays

if TYPE_CHECKING:  # commands that only read files start without SQLAlchemy
    from data.db.database import Database


def read_registry_files(settings: Settings) -> Registry:
    """Return the registry as its files say; raises RegistryFault with every fault."""
    with show_progress("Đang đọc sổ bộ"):
        return Registry.from_folder(settings.registry)


def read_calendar_files(settings: Settings) -> Workdays:
    """Return the calendar as its files say, without reading the rest; raises RegistryFault."""
    texts = read_folder(settings.registry)
    return Registry.from_texts(
        {path: text for path, text in texts.items() if path.startswith("calendar/")}
    ).workdays


def database_exists(settings: Settings) -> bool:
    """Tell whether there is a database to read; a server is taken to be there."""
    if not settings.database_url.startswith("sqlite"):
        return True
    path = settings.database_url.partition(":///")[2].partition("?")[0]
    return Path(path).is_file()


@asynccontextmanager
async def open_for_reading(settings: Settings) -> AsyncIterator[Database]:
    """Open the database that exists; raises CommandFailed where there is none yet."""
    if not database_exists(settings):
        raise CommandFailed(
            "Chưa có cơ sở dữ liệu. Hãy chạy «nhacviec plan load», hoặc sửa NHACVIEC_DATABASE_URL."
        )
    async with _opened(settings) as database:
        yield database


@asynccontextmanager
async def open_for_writing(settings: Settings) -> AsyncIterator[Database]:
    """Open the database, made if it is the default one, with its tables brought up to date."""
    from data.db.upgrade import upgrade_schema

    make_default_folder(settings)
    async with _opened(settings) as database:
        await upgrade_schema(database)
        yield database


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    from data.db.database import Database

    database = Database(settings.database_url)
    try:
        yield database
    finally:
        await database.dispose()
