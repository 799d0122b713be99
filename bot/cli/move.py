"""`nhacviec move`: all data into another, empty database, above all from a file to a server.

Guarantees:
- It refuses while a service runs; the source is only read.
- The target gets everything or nothing: counts and checksums are compared before the commit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import func, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.database import database_exists, refuse_lost_database
from bot.cli.options import DryRunOption, JsonOption, parse_path
from bot.cli.output import (
    CommandFailed,
    format_number,
    print_json,
    print_table,
    show_progress,
)
from bot.cli.tree import examples
from bot.config import Settings, check_database_url, load_settings
from bot.service.process_lock import DatabaseInUse, lock_out_services
from data.accounts import leases
from data.backup.copy import (
    BatchRefused,
    CopyMismatch,
    TableChecksum,
    copy_all,
    count_rows,
    list_occupied_tables,
    list_oversized_texts,
)
from data.clock import SystemClock
from data.db.database import Database
from data.db.errors import DatabaseUnusable, translate_error
from data.db.upgrade import current_revision, newest_revision, upgrade_schema_within
from data.models import Meta

ReportProgress = Callable[[str], None]


@examples(
    "move --to postgresql+psycopg://nhacviec@db.tinh.vn/nhacviec --dry-run",
    "move --to-file /etc/nhacviec/dia-chi-moi",
)
def move(
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="ĐỊA_CHỈ", help="Cơ sở dữ liệu mới, còn trống."),
    ] = None,
    to_file: Annotated[
        Path | None,
        typer.Option(
            "--to-file",
            parser=parse_path,
            metavar="TỆP",
            help="Tệp chứa địa chỉ ấy, để mật khẩu không hiện ra.",
        ),
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Copy all data into another database, and print rows and checksums of each table."""
    settings = load_settings()
    target = _read_target(settings, to, to_file)
    refuse_lost_database(settings)
    if not database_exists(settings):
        raise CommandFailed("Chưa có cơ sở dữ liệu để chuyển.")
    began = time.monotonic()
    with show_progress("Đang chuyển") as progress:
        sums = asyncio.run(_move(settings, target, dry_run=dry_run, progress=progress))
    seconds = round(time.monotonic() - began, 1)
    shown = target.render_as_string(hide_password=True)
    rows = sum(each.rows for each in sums)
    if as_json:
        tables = [
            {"table": each.table, "rows": each.rows, "checksum": each.checksum or None}
            for each in sums
        ]
        summary = {"moved": not dry_run, "to": shown, "rows": rows, "seconds": seconds}
        print_json({**summary, "tables": tables})
        return
    print_table(
        "",
        ("Bảng", "Số dòng", "Mã kiểm"),
        [
            (each.table, format_number(each.rows), each.checksum[:16] or "chưa tính")
            for each in sums
        ],
        empty="",
    )
    if dry_run:
        print(f"\nSẽ chuyển {format_number(rows)} dòng sang {shown}. Chưa ghi gì.")
        return
    print(
        f"\nĐã chuyển {format_number(rows)} dòng sang {shown} trong {seconds} giây; số dòng và mã kiểm của mọi bảng"
        f" khớp ở cả hai bên.\nTiếp theo: trong .env đặt NHACVIEC_DATABASE_URL={shown}\n(mật khẩu nên để trong tệp,"
        " xem NHACVIEC_DATABASE_URL_FILE), chạy «nhacviec doctor», rồi «nhacviec run».\nCơ sở dữ liệu cũ còn"
        " nguyên: hãy cất đi, đừng chạy dịch vụ trên đó nữa."
    )


async def _move(
    settings: Settings, target_url: URL, *, dry_run: bool, progress: ReportProgress
) -> list[TableChecksum]:
    source = Database(settings.database_url)
    with lock_out_services(source.file) as own_name:
        new_file = target_url.get_backend_name() == "sqlite" and not _file(target_url).exists()
        target = Database(target_url.render_as_string(hide_password=False))
        done = False
        try:
            async with _open_source(source) as reading:
                await _refuse_source(reading, own_name)
                if dry_run:
                    async with _translate_faults(), target.read() as looking:
                        await _refuse_target(looking)
                    return [
                        TableChecksum(name, rows, "")
                        for name, rows in (await count_rows(reading)).items()
                    ]
                sums = await _copy_and_compare(reading, target, progress)
            done = True
            return sums
        finally:
            await source.dispose()
            await target.dispose()
            if new_file and not done:
                _remove(_file(target_url))


@asynccontextmanager
async def _open_source(source: Database) -> AsyncIterator[AsyncConnection]:
    """Open the source for reading: a file is locked against writers, a server gives a snapshot."""
    async with source.write() if source.is_sqlite else source.read() as connection:
        if not source.is_sqlite:  # it idles while the target is read again, however large
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield connection


@asynccontextmanager
async def _translate_faults() -> AsyncIterator[None]:
    """Turn faults of the target into CommandFailed."""
    try:
        yield
    except CopyMismatch as error:
        raise CommandFailed(
            f"Bản ghi sang không khớp với nguồn ở bảng {error}. Đã huỷ: nơi đến còn trống như trước."
            " Hãy gửi thông báo này cho người bảo trì."
        ) from None
    except (DBAPIError, BatchRefused, OSError) as error:
        if isinstance(error, DBAPIError):
            fault = translate_error(error) if isinstance(error, DatabaseError) else error
            if isinstance(fault, DatabaseUnusable):
                raise CommandFailed(f"Nơi đến: {fault} Nơi đến còn trống như trước.") from None
        # without the statement: it holds people's replies
        why = " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())[:200]
        raise CommandFailed(
            f"Không ghi được vào nơi đến ({why}). Nơi đến còn trống như trước; hãy kiểm tra máy chủ,"
            " tên, mật khẩu và quyền tạo bảng rồi thử lại."
        ) from None


async def _copy_and_compare(
    reading: AsyncConnection, target: Database, progress: ReportProgress
) -> list[TableChecksum]:
    """Copy in one transaction of the target; any fault rolls all of it back."""
    sizes = await count_rows(reading)

    def report_table(table: str, rows: int) -> None:
        done = f"{format_number(rows)}/{format_number(sizes[table])} dòng" if rows else "so lại"
        progress(f"Đang chuyển: {table}, {done}")

    async with _translate_faults(), target.write(alone=True) as writing:
        await _refuse_target(writing)
        await upgrade_schema_within(writing)
        sums = await copy_all(reading, writing, report_table)
        await writing.execute(text("ANALYZE"))  # so that the first morning is planned well
        return sums


async def _refuse_source(connection: AsyncConnection, own_name: str) -> None:
    """Raise CommandFailed or DatabaseInUse where this program cannot copy the source now."""
    try:
        revision = await current_revision(connection)
        if revision != newest_revision():
            raise CommandFailed(
                f"Cơ sở dữ liệu nguồn ở bản {revision or 'trống'}, chương trình này cần"
                f" bản {newest_revision()}. Hãy sao lưu,"
                " rồi nâng lên bằng «nhacviec plan load», hoặc dùng đúng bản chương trình."
            )
        if await connection.scalar(select(Meta.value).where(Meta.key == "sandbox")) == "1":
            raise CommandFailed("Nguồn là tệp của bản thử. Hãy đặt NHACVIEC_DATABASE_URL cho đúng.")
        await _require_no_live_owner(connection, own_name)
        if long := await list_oversized_texts(connection):
            columns = "; ".join(f"{e.table}.{e.column}: {e.longest}/{e.most} ký tự" for e in long)
            raise CommandFailed(
                f"Có chữ dài hơn nơi đến cho phép ({columns}). Hãy gửi thông báo này cho người bảo trì."
            )
    except SQLAlchemyError as error:
        raise CommandFailed(f"Không đọc được nguồn ({type(error).__name__}).") from error


async def _require_no_live_owner(connection: AsyncConnection, own_name: str) -> None:
    """Raise DatabaseInUse while a process owns an account.

    own_name: the name under which a dead process on this machine may still hold a lease.
    """
    is_server = connection.dialect.name != "sqlite"
    now = await connection.scalar(select(func.now())) if is_server else await SystemClock().now()
    assert now is not None
    for row in await leases.list_owned_accounts(connection, now=now):
        if row.owner != own_name:
            raise DatabaseInUse(
                f"Dịch vụ {row.owner} đang giữ bot {row.name} ({row.channel}). Hãy dừng mọi «nhacviec run»;"
                " nếu dịch vụ vừa bị ngắt thì chờ nửa phút rồi thử lại."
            )


async def _refuse_target(connection: AsyncConnection) -> None:
    if tables := await list_occupied_tables(connection):
        names = ", ".join(tables[:4]) + (" …" if len(tables) > 4 else "")
        raise CommandFailed(
            f"Nơi đến không trống (bảng {names}). Hãy tạo cơ sở dữ liệu mới, trống, rồi chuyển sang đó."
        )
    revision = await current_revision(connection)
    if revision not in (None, newest_revision()):
        raise CommandFailed(
            f"Nơi đến đã có bảng trống của bản {revision}. Hãy tạo cơ sở dữ liệu mới, trống, rồi chuyển."
        )


def _read_target(settings: Settings, to: str | None, to_file: Path | None) -> URL:
    """Return the address to move to; refuses one that is no move from a file to a server or back."""
    if (to is None) == (to_file is None):
        raise CommandFailed("Hãy ghi nơi đến bằng --to hoặc --to-file, một trong hai.")
    try:
        written = to_file.read_text(encoding="utf-8").strip() if to_file is not None else to or ""
    except (OSError, UnicodeDecodeError):
        raise CommandFailed(f"Không đọc được tệp {to_file} của --to-file.") from None
    try:
        target = make_url(check_database_url(written))
    except (ValueError, SQLAlchemyError) as error:
        why = str(error) if isinstance(error, ValueError) else "không đọc được địa chỉ"
        raise CommandFailed(f"Nơi đến: {why}.") from None
    source = make_url(settings.database_url)
    kinds = (source.get_backend_name(), target.get_backend_name())
    if kinds == ("sqlite", "sqlite"):
        raise CommandFailed("Từ tệp sang tệp: hãy dùng «nhacviec backup», rồi «nhacviec restore».")
    if kinds == ("postgresql", "postgresql"):
        raise CommandFailed("Từ PostgreSQL sang PostgreSQL: hãy dùng pg_dump và pg_restore.")
    return target


def _file(url: URL) -> Path:
    return Path(str(url.database))


def _remove(file: Path) -> None:
    for end in ("", "-wal", "-shm"):
        file.with_name(f"{file.name}{end}").unlink(missing_ok=True)
