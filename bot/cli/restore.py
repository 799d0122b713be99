"""`nhacviec restore`: a backup takes the place of the database, whose file is kept beside it.

Guarantees:
- Nothing changes before the backup is checked, what it undoes is told, and the administrator agrees.
- It refuses while a service runs.
- One whole database is in place at every instant; no copy on the way is readable for others.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.engine import make_url

from bot.cli.backup import copy_database
from bot.cli.options import DryRunOption, JsonOption, YesOption
from bot.cli.output import (
    CommandFailed,
    format_number,
    print_json,
    print_table,
    require_consent,
    show_progress,
)
from bot.cli.tree import examples
from bot.cli.undone import print_undone, undone_as_json
from bot.config import load_settings, make_default_folder
from bot.service.process_lock import DatabaseInUse, lock_out_services
from data.backup.removals import erase_again
from data.backup.restore import RestoreResult, prepare_restored_copy
from data.backup.state import (
    BackupUnusable,
    RestoreState,
    find_living_owner,
    inspect_backup,
    is_continuation,
)
from data.backup.undone import Undone, read_undone
from data.clock import ZONE, SystemClock
from data.db.database import Database
from data.db.private_files import close_to_others, make_private_file
from data.db.upgrade import (
    describe_unknown_revision,
    is_known_revision,
    newest_revision,
    upgrade_schema,
)
from data.rows import row_fields


@examples(
    "restore sao-luu/nhacviec-2026-11-09.db --dry-run",
    "restore sao-luu/nhacviec-2026-11-09.db --yes",
)
def restore(
    file: Annotated[
        Path, typer.Argument(metavar="TỆP", help="Bản sao lưu do «nhacviec backup» làm ra.")
    ],
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put a backup in the place of the database, after telling what is lost and who stays removed."""
    settings = load_settings()
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        raise CommandFailed(
            "Cơ sở dữ liệu là PostgreSQL: hãy khôi phục bằng pg_restore, xem docs/deploy.md."
        )
    if as_json and not (yes or dry_run):
        raise CommandFailed("Với --json hãy thêm --yes (làm ngay) hoặc --dry-run (chỉ xem).")
    target = Path(str(url.database))
    make_default_folder(settings)
    if not target.parent.is_dir():
        raise CommandFailed(f"Chưa có thư mục {target.parent}. Hãy tạo thư mục này.")
    if not file.is_file():
        raise CommandFailed(f"Không có tệp {file}.")
    if target.exists() and file.samefile(target):
        raise CommandFailed(f"{file} chính là cơ sở dữ liệu đang dùng.")
    now = asyncio.run(SystemClock().now())
    with show_progress("Đang kiểm tra bản sao lưu"):
        backup = _check_backup(file)
    with lock_out_services(target) as own_name:
        present, undone = _read_replaced(target, own_name, backup, file, now)
        states = {
            "backup": _state_as_json(backup),
            "present": None if present is None else _state_as_json(present),
        }
        if not as_json:
            _print(target, backup, present, undone)
            print_undone(undone)
        if not (dry_run or yes):
            require_consent("Khôi phục?", verb="làm", refused="Đã dừng, chưa thay gì.")
        if dry_run:
            if as_json:
                print_json({"restored": False, **states, **undone_as_json(undone)})
            else:
                print("Chưa thay gì.")
            return
        with show_progress("Đang khôi phục"):
            result, kept = _replace(file, target, backup, present, undone, now)
    if as_json:
        kept_as = None if kept is None else str(kept)
        done = {"sent": result.sent, "parked": result.parked, "told": result.chats}
        told = {**states, **undone_as_json(undone)}
        print_json({"restored": True, **told, "kept": kept_as, **done})
        return
    print(f"Đã khôi phục {target}." + (f" Tệp cũ giữ ở {kept}." if kept is not None else ""))
    if result.parked:
        print(
            f"{format_number(result.parked)} tin không rõ đã gửi chưa: không gửi lại, xem «nhacviec doctor»."
        )
    if result.chats:
        print(
            f"{format_number(result.chats)} chat sẽ được báo là dữ liệu vừa khôi phục, đề nghị trả lời lại"
            " (trong giờ gửi, khi chạy «nhacviec run»)."
        )


def _check_backup(file: Path) -> RestoreState:
    try:
        backup = inspect_backup(file)
    except BackupUnusable as unfit:
        raise CommandFailed(f"{unfit} Hãy dùng bản sao lưu khác.") from None
    if backup.sandbox:
        raise CommandFailed(f"{file} là của bản thử, không phải dữ liệu thật.")
    if not is_known_revision(backup.revision):
        raise CommandFailed("{} {} {}".format(file, *describe_unknown_revision(backup.revision)))
    return backup


def _read_replaced(
    target: Path, own_name: str, backup: RestoreState, file: Path, now: datetime
) -> tuple[RestoreState | None, Undone]:
    """Return the state of the present database, None where it cannot be read, and what is undone there."""
    nothing = Undone(is_known=False)
    if not target.exists():
        return None, nothing
    try:
        present = inspect_backup(target)
        if (owner := find_living_owner(target, own_name, now=now)) is not None:
            raise DatabaseInUse(
                f"Dịch vụ {owner} đang chạy trên cơ sở dữ liệu này. Hãy dừng mọi «nhacviec run»; nếu dịch vụ"
                " vừa bị ngắt thì chờ nửa phút rồi thử lại."
            )
        if present.revision != newest_revision():
            return present, nothing
        continues = is_continuation(backup, file, target)
        return present, read_undone(file, backup, target, continues=continues, now=now)
    except (BackupUnusable, sqlite3.Error):
        return None, nothing


def _replace(
    file: Path,
    target: Path,
    backup: RestoreState,
    present: RestoreState | None,
    undone: Undone,
    now: datetime,
) -> tuple[RestoreResult, Path | None]:
    target = target.resolve()  # SQLite's log lies beside the file itself, not beside a link to it
    part = target.with_name(f"{target.name}.restoring")
    kept = target.with_name(f"{target.name}.{now.astimezone(ZONE):%Y%m%d-%H%M%S}")
    _remove(part)  # of a restore that was killed
    try:
        copy_database(file, part)
        asyncio.run(_upgrade(part))
        became = target if undone.is_known else None
        is_readable = present is not None and present.revision == newest_revision()
        replaced = target if is_readable else None
        result = prepare_restored_copy(part, backup, became, replaced=replaced, now=now)
        if undone.erased:
            asyncio.run(erase_again(part, undone.erased, now=now))
        _as_one_file(part)
        if not target.exists():
            _put_log_aside(target, kept)
            part.replace(target)
            return result, None
        close_to_others(target)
        _copy_mode_and_owner(target, part)
        with _closed_to_others(target) if present is not None else nullcontext():
            _put_log_aside(target, kept)
            try:
                os.link(target, kept)
            except OSError:  # a file system without links
                make_private_file(kept)
                shutil.copy2(target, kept)
            part.replace(target)
        return result, kept
    except OSError as error:
        raise CommandFailed(f"Không khôi phục được: {error.strerror}. Chưa thay gì.") from None
    except sqlite3.Error as error:
        raise CommandFailed(f"Không khôi phục được: {error}. Chưa thay gì.") from None
    finally:
        _remove(part)


def _remove(part: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        part.with_name(part.name + end).unlink(missing_ok=True)


def _put_log_aside(target: Path, kept: Path) -> None:
    """Keep the log of a file that could not be read or is gone; beside another file it would spoil that."""
    for end in ("-wal", "-shm"):
        left = target.with_name(target.name + end)
        if left.exists():
            left.rename(kept.with_name(kept.name + end))


async def _upgrade(part: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{part}")
    try:
        await upgrade_schema(database)
    finally:
        await database.dispose()


def _as_one_file(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode=DELETE")


def _copy_mode_and_owner(old: Path, new: Path) -> None:
    """Give a file the mode and, where permitted, the owner of another: the service must open it."""
    stat = old.stat()
    new.chmod(stat.st_mode & 0o777)
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(new, stat.st_uid, stat.st_gid)


@contextmanager
def _closed_to_others(target: Path) -> Iterator[None]:
    """Fold a database into one file and lock it; raises DatabaseInUse where a program has it open."""
    with closing(sqlite3.connect(target, timeout=2, isolation_level=None)) as file:
        try:
            mode = file.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
            if mode != "delete":
                raise sqlite3.OperationalError("locked")
            file.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise DatabaseInUse(
                "Có chương trình khác đang mở cơ sở dữ liệu. Hãy đóng chương trình đó rồi thử lại."
            ) from None
        yield


def _state_as_json(state: RestoreState) -> dict[str, Any]:
    return row_fields(state, "revision", "made_at", "answered_at", "sent_at", "received_at", "rows")


def _print(
    target: Path, backup: RestoreState, present: RestoreState | None, undone: Undone
) -> None:
    def cells(state: RestoreState | None) -> list[object]:
        if state is None:
            return ["" for _ in names]
        instants = (state.answered_at, state.sent_at, state.received_at)
        return [
            state.revision,
            *(None if each is None else each.astimezone(ZONE) for each in instants),
            format_number(state.rows["status_reply"]),
        ]

    names = ("Bản cấu trúc", "Câu trả lời cuối", "Tin gửi cuối", "Tin đến cuối", "Số câu trả lời")
    rows = list(zip(names, cells(backup), cells(present), strict=True))
    print_table("", ("", "Bản sao lưu", "Đang dùng"), rows, empty="")
    if backup.revision != newest_revision():
        print(f"Bản sao lưu ở bản {backup.revision}: sẽ được nâng lên bản {newest_revision()}.")
    if present is None and target.exists():
        print(f"Không đọc được {target}: tệp ấy được giữ lại bên cạnh.")
    elif present is not None and not undone.is_known:
        print(
            "Cơ sở dữ liệu đang dùng không nối tiếp bản sao lưu này; toàn bộ được giữ lại bên cạnh."
        )
