"""Bringing a database to the newest schema.

Promises that a migrated schema equals a fresh one, and that upgrading twice is harmless. Never drops
what holds answers.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from data.database import Database, DatabaseUnusable

_FOLDER = Path(__file__).parent / "migrations"


def config() -> Config:
    """Return Alembic's configuration, without a file of its own."""
    settings = Config()
    settings.set_main_option("script_location", str(_FOLDER))
    return settings


async def upgrade(database: Database) -> None:
    """Bring the schema to the newest revision in one transaction.

    Raises DatabaseUnusable where a newer program did so already: this one does not know what it means.
    """
    async with database.read() as connection:
        revision = await revision_of(connection)
    if revision == newest():
        return
    if revision is not None and not is_known(revision):
        raise DatabaseUnusable(
            f"Cơ sở dữ liệu đã được bản chương trình mới hơn nâng lên (bản {revision}, chương trình này đến bản"
            f" {newest()}). Hãy cài bản mới ấy, hoặc khôi phục bản sao lưu trước khi nâng cấp."
        )
    async with database.write(alone=True) as connection:
        await connection.run_sync(_upgrade)


async def upgrade_within(connection: AsyncConnection) -> None:
    """Bring the schema to the newest revision in the caller's transaction."""
    await connection.run_sync(_upgrade)


def is_known(revision: str) -> bool:
    """Tell whether this program knows a revision: one that it does not is of a newer program."""
    scripts = ScriptDirectory.from_config(config())
    return revision in {each.revision for each in scripts.walk_revisions()}


def newest() -> str | None:
    """Return the newest revision that this program knows."""
    return ScriptDirectory.from_config(config()).get_current_head()


async def revision_of(connection: AsyncConnection) -> str | None:
    """Return the revision a database stands at, or None where it was never migrated."""
    return await connection.run_sync(
        lambda sync: MigrationContext.configure(sync).get_current_revision()
    )


def _upgrade(connection: Connection) -> None:
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
