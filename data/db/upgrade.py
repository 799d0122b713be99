"""Upgrade a database to the newest schema, with Alembic.

Guarantees:
- A migrated schema equals a fresh one, and upgrading twice is harmless.
- A file that once held data and is gone is not begun anew: a mark beside it tells of it.
- A start on the newest schema imports no Alembic, which takes time and memory.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.database import Database
from data.db.errors import DatabaseUnusable
from data.db.private_files import make_private_file

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


async def prepare_schema(database: Database) -> None:
    """Bring the office's own database to the newest revision, and mark a file as begun.

    Raises DatabaseUnusable as upgrade_schema does, and where the file is lost.
    """
    file = database.file
    if file is not None:
        refuse_lost_file(file)
        if _mark_beside(file).exists():
            async with database.read() as connection:
                if await current_revision(connection) is None:
                    raise _lost(file)
    await upgrade_schema(database)
    if file is not None:
        with suppress(OSError):  # a folder in which only the file itself may be written
            make_private_file(_mark_beside(file))


def refuse_lost_file(file: Path) -> None:
    """Raise DatabaseUnusable for a file that is missing or empty although it held data before."""
    had_data = _mark_beside(file).exists() or _has_content(file.with_name(f"{file.name}-wal"))
    if had_data and not _has_content(file):
        raise _lost(file)


def _lost(file: Path) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"Tệp cơ sở dữ liệu {file} đã mất hoặc rỗng, mà trước đây đã có dữ liệu. Hãy trả tệp về chỗ cũ, hoặc khôi"
        f" phục bản sao lưu («nhacviec restore TỆP»). Chỉ khi muốn bắt đầu lại từ đầu: xoá {_mark_beside(file)}"
        f" và {file}-wal rồi chạy lại."
    )


def _mark_beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.begun")


def _has_content(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


async def upgrade_schema(database: Database) -> None:
    """Bring the schema to the newest revision in one transaction.

    Raises DatabaseUnusable where the schema is of a newer program, or of one from before the first release.
    """
    async with database.read() as connection:
        revision = await current_revision(connection)
    if revision == newest_revision():
        return
    if revision is not None and not is_known_revision(revision):
        raise DatabaseUnusable("Cơ sở dữ liệu {} {}".format(*describe_unknown_revision(revision)))
    async with database.write(alone=True) as connection:
        await connection.run_sync(_upgrade)


async def upgrade_schema_within(connection: AsyncConnection) -> None:
    """Bring the schema to the newest revision in the caller's transaction."""
    await connection.run_sync(_upgrade)


def is_known_revision(revision: str) -> bool:
    """Tell whether this program knows a revision; see describe_unknown_revision for others."""
    return revision in _revisions()


def describe_unknown_revision(revision: str) -> tuple[str, str]:
    """Return of which program an unknown revision is, without a subject, and what to do; in Vietnamese."""
    if revision < min(_revisions()):
        return (
            f"do một bản thử trước lần phát hành đầu tiên làm ra (bản {revision}), không nâng lên được.",
            "Hãy giữ tệp ấy lại và bắt đầu với cơ sở dữ liệu mới.",
        )
    return (
        f"đã được bản chương trình mới hơn nâng lên (bản {revision}, chương trình này đến bản {newest_revision()}).",
        "Hãy cài bản mới ấy, hoặc khôi phục bản sao lưu trước khi nâng cấp.",
    )


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
