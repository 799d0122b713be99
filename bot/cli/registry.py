"""Commands of the administrator: `check`, `registry init`, `backup`.

Promises that nothing is half-written and no existing file is written over.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from bot.cli.database import database_exists, read_registry_files
from bot.cli.output import CommandFailed, print_json, show_progress
from bot.config import SHIPPED_REGISTRY, load_settings
from data.backup.restore import mark_backed_up
from data.clock import SystemClock
from data.db.errors import translate_error
from data.registry.yaml_reader import FileFault, RegistryFault

FOLDERS = ("plans", "agencies", "calendar")


def check(*, seeds: Path | None, as_json: bool) -> None:
    """Print every fault of the registry, and exit with 1 where there is any."""
    settings = load_settings()
    if seeds is not None and not seeds.is_dir():
        raise CommandFailed(f"Không có thư mục văn bản gốc {seeds}. Hãy kiểm tra đường dẫn.")
    faults: list[FileFault] = []
    counts: dict[str, int] = {}
    try:
        registry = read_registry_files(settings)
        counts = {
            "plans": len(registry.plans),
            "tasks": sum(len(plan.tasks) for plan in registry.plans.values()),
            "report_duties": sum(len(plan.report_duties) for plan in registry.plans.values()),
            "targets": sum(len(plan.targets) for plan in registry.plans.values()),
            "agencies": sum(len(home.agencies) for home in registry.provinces.values()),
        }
        if seeds is not None:
            with show_progress("Đang đối chiếu văn bản gốc"):
                faults = registry.check_against(seeds)
    except RegistryFault as fault:
        faults = fault.faults
    if as_json:
        told = [{"file": f.file, "line": f.line, "message": f.message} for f in faults]
        print_json({"ok": not faults, **counts, "faults": told})
        if faults:
            raise typer.Exit(1)
        return
    if faults:
        raise CommandFailed(
            "\n".join(str(fault) for fault in faults)
            + f"\nSổ bộ {settings.registry} có {len(faults)} chỗ sai."
        )
    compared = "" if seeds is None else " Mọi câu trích có trong văn bản gốc."
    print(
        f"Sổ bộ đúng: {counts['plans']} kế hoạch, {counts['tasks']} nhiệm vụ,"
        f" {counts['report_duties']} chế độ báo cáo, {counts['targets']} chỉ tiêu,"
        f" {counts['agencies']} cơ quan.{compared}"
    )


def registry_init(folder: Path) -> None:
    """Copy the shipped registry into a new folder, all of it or nothing."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandFailed(f"{folder} đã có và không trống. Hãy chọn thư mục khác.")
    part = folder.with_name(f"{folder.name}.part")
    try:
        for name in FOLDERS:
            (part / name).mkdir(parents=True)
            for path in sorted((SHIPPED_REGISTRY / name).glob("*.yaml")):
                shutil.copyfile(path, part / name / path.name)
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    except OSError as error:
        raise CommandFailed(f"Không ghi được {folder}: {error.strerror}.") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    print(
        f"Đã chép sổ bộ vào {folder}. Hãy đặt NHACVIEC_REGISTRY_DIR={folder.resolve()},"
        " sửa tệp theo ý cơ quan rồi chạy «nhacviec check»."
    )


def backup(path: Path) -> None:
    """Copy the database into a new file while the service runs, and check the copy."""
    settings = load_settings()
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        raise CommandFailed("Cơ sở dữ liệu là PostgreSQL: hãy sao lưu bằng pg_dump.")
    if not database_exists(settings):
        raise CommandFailed("Chưa có cơ sở dữ liệu để sao lưu.")
    part = path.with_name(f"{path.name}.part")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))  # reserves the name
    except FileExistsError:
        raise CommandFailed(f"Đã có {path}. Hãy chọn tên khác; tệp cũ không bị ghi đè.") from None
    except OSError as error:
        raise CommandFailed(f"Không ghi được {path}: {error.strerror}.") from None
    try:
        os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        with show_progress("Đang sao lưu"):
            now = asyncio.run(SystemClock().now())  # of the copy: what came later may be missing
            copy_database(Path(str(url.database)), part)
            mark_backed_up(part, now=now)
        part.replace(path)
        mark_backed_up(Path(str(url.database)), now=now)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, sqlite3.OperationalError):
            raise translate_error(OperationalError("", {}, error)) from None
        if isinstance(error, sqlite3.Error | OSError):
            raise CommandFailed(f"Sao lưu không thành: {error}.") from None
        raise
    finally:
        part.unlink(missing_ok=True)
    print(
        f"Đã sao lưu vào {path} ({path.stat().st_size / 1_000_000:.1f} MB), đã kiểm tra toàn vẹn."
    )


def copy_database(source: Path, target: Path) -> None:
    """Copy one consistent snapshot and check it; writers go on meanwhile (WAL)."""
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as original,
        closing(sqlite3.connect(target)) as copy,
    ):
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        verdict = [row[0] for row in copy.execute("PRAGMA integrity_check")]
        if verdict != ["ok"]:
            raise sqlite3.DatabaseError(f"bản sao không toàn vẹn ({verdict[0]})")
