"""Upgrade a database to the newest schema, with Alembic.

Guarantees:
- A migrated schema equals a fresh one, and upgrading twice is harmless.
- A start on the newest schema imports no Alembic, which takes time and memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.database import Database
from data.db.errors import DatabaseUnusable

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parents[1] / "migrations"
_VERSION = table("alembic_version", column("version_num"))


def alembic_config() -> Config:
    """Return Alembic's configuration, without a file of its own."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(_FOLDER))
    return settings


async def upgrade_schema(database: Database) -> None:
    """Bring the schema to the newest revision in one transaction.

    Raises DatabaseUnusable where the schema is of a newer program.
    """
    async with database.read() as connection:
        revision = await current_revision(connection)
    if revision == newest_revision():
        return
    if revision is not None and not is_known_revision(revision):
        raise DatabaseUnusable(
            f"Cơ sở dữ liệu đã được bản chương trình mới hơn nâng lên (bản {revision}, chương trình này đến bản"
            f" {newest_revision()}). Hãy cài bản mới ấy, hoặc khôi phục bản sao lưu trước khi nâng cấp."
        )
    async with database.write(alone=True) as connection:
        await connection.run_sync(_upgrade)


async def upgrade_schema_within(connection: AsyncConnection) -> None:
    """Bring the schema to the newest revision in the caller's transaction."""
    await connection.run_sync(_upgrade)


def is_known_revision(revision: str) -> bool:
    """Tell whether this program knows a revision; an unknown one is of a newer program."""
    return revision in _revisions()


def newest_revision() -> str:
    """Return the newest revision of this program."""
    return max(_revisions())


def _revisions() -> list[str]:
    """Return the numbers with which the names of the migrations' files begin."""
    return [path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py")]


async def current_revision(connection: AsyncConnection) -> str | None:
    """Return the revision of a database, or None where it was never migrated."""
    if not await connection.run_sync(lambda sync: inspect(sync).has_table(_VERSION.name)):
        return None
    revision: str | None = await connection.scalar(select(_VERSION.c.version_num))
    return revision


def _upgrade(connection: Connection) -> None:
    from alembic import command

    settings = alembic_config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
