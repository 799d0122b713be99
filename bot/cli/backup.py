"""`nhacviec backup`: a checked copy of the SQLite database in a new private file."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from bot.cli.database import database_exists, refuse_lost_database
from bot.cli.files import refuse_existing_file
from bot.cli.options import parse_path
from bot.cli.output import CommandFailed, show_progress
from bot.cli.tree import examples
from bot.config import load_settings
from data.backup.restore import mark_backed_up
from data.clock import SystemClock
from data.db.errors import DatabaseUnusable, translate_error
from data.db.private_files import make_private_file
from data.os_errors import explain_os_error


@examples("backup sao-luu/nhacviec-2026-11-09.db")
def backup(
    path: Annotated[
        Path,
        typer.Argument(parser=parse_path, metavar="TỆP", help="Tệp mới; không ghi đè tệp đã có."),
    ],
) -> None:
    """Copy the database while the service runs, and check the copy."""
    settings = load_settings()
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        raise CommandFailed("Cơ sở dữ liệu là PostgreSQL: hãy sao lưu bằng pg_dump.")
    refuse_lost_database(settings)
    if not database_exists(settings):
        raise CommandFailed("Chưa có cơ sở dữ liệu để sao lưu.")
    part = path.with_name(f"{path.name}.part")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))  # reserves the name
    except FileExistsError:
        raise refuse_existing_file(path) from None
    except OSError as error:
        raise CommandFailed(f"Không ghi được {path}: {explain_os_error(error)}.") from None
    try:
        part.unlink(missing_ok=True)  # of a backup that was killed
        with show_progress("Đang sao lưu"):
            # before the copy: rows that arrive later may be missing from it
            now = asyncio.run(SystemClock().now())
            copy_database(Path(str(url.database)), part)
            mark_backed_up(part, now=now)
        part.replace(path)
        mark_backed_up(Path(str(url.database)), now=now)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error):
            fault = translate_error(DatabaseError("", {}, error))
            why = str(fault) if isinstance(fault, DatabaseUnusable) else f"{error}."
            raise CommandFailed(f"Sao lưu không thành: {why}") from None
        if isinstance(error, OSError):
            why = explain_os_error(error)
            raise CommandFailed(f"Sao lưu không thành: {why}.") from None
        raise
    finally:
        part.unlink(missing_ok=True)
    print(
        f"Đã sao lưu vào {path} ({path.stat().st_size / 1_000_000:.1f} MB), đã kiểm tra toàn vẹn."
    )


def copy_database(source: Path, target: Path) -> None:
    """Copy one consistent snapshot into a private file and check it; other programs may write meanwhile (WAL)."""
    make_private_file(target)
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as original,
        closing(sqlite3.connect(target)) as copy,
    ):
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        verdict = [row[0] for row in copy.execute("PRAGMA integrity_check")]
        if verdict != ["ok"]:
            raise sqlite3.DatabaseError(f"bản sao không toàn vẹn ({verdict[0]})")
