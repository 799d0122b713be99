"""Commands of the administrator: `check`, `registry init`, `invite`, `backup`.

Promises that nothing is half-written and no existing file is written over. A code is printed once and
never stored in clear.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import typer
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from bot.commands.arguments import agency_of, province_of
from bot.commands.output import CommandFailed, print_json, progress
from bot.commands.store import database_exists, registry_of_files, writing
from bot.commands.ways import can_of, print_ways
from bot.config import SHIPPED_REGISTRY, Settings, load_settings
from data.clock import SystemClock, civil_date
from data.contacts import Role
from data.database import explain
from data.invitations import CODE_DAYS
from data.invitations import invite as make_code
from data.loading import registry_of
from data.models import Agency
from data.province import lives
from data.ways_in import ways_in
from data.yamlfile import Fault, RegistryFault

FOLDERS = ("plans", "agencies", "calendar")


def check(*, seeds: Path | None, as_json: bool) -> None:
    """Print every fault of the registry, and exit with 1 where there is any."""
    settings = load_settings()
    if seeds is not None and not seeds.is_dir():
        raise CommandFailed(f"Không có thư mục văn bản gốc {seeds}. Hãy kiểm tra đường dẫn.")
    faults: list[Fault] = []
    counts: dict[str, int] = {}
    try:
        registry = registry_of_files(settings)
        counts = {
            "plans": len(registry.plans),
            "tasks": sum(len(plan.tasks) for plan in registry.plans.values()),
            "report_duties": sum(len(plan.report_duties) for plan in registry.plans.values()),
            "targets": sum(len(plan.targets) for plan in registry.plans.values()),
            "agencies": sum(len(home.agencies) for home in registry.provinces.values()),
        }
        if seeds is not None:
            with progress("Đang đối chiếu văn bản gốc"):
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


def invite(*, province: str, agency: str, role: str, may_decide: bool, as_json: bool) -> None:
    """Print a new one-use code, and for each messenger where it can be used."""
    if may_decide and role != "leader":
        raise CommandFailed("--may-decide chỉ dùng với --role leader.")
    made = asyncio.run(_invite(load_settings(), province, agency, cast(Role, role), may_decide))
    if as_json:
        print_json(made)
        return
    print(f"{made['agency']} ({made['role']}): {made['code']}")
    print(f"Mã dùng một lần, hạn {CODE_DAYS} ngày. Người nhận nhắn cho bot: /start {made['code']}")
    print_ways(made["links"])


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
        with progress("Đang sao lưu"):
            _copy(Path(str(url.database)), part)
        part.replace(path)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, sqlite3.OperationalError):
            raise explain(OperationalError("", {}, error)) from None
        if isinstance(error, sqlite3.Error | OSError):
            raise CommandFailed(f"Sao lưu không thành: {error}.") from None
        raise
    finally:
        part.unlink(missing_ok=True)
    print(
        f"Đã sao lưu vào {path} ({path.stat().st_size / 1_000_000:.1f} MB), đã kiểm tra toàn vẹn."
    )


def _copy(source: Path, target: Path) -> None:
    """Copy one consistent snapshot; writers go on meanwhile (WAL)."""
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as original,
        closing(sqlite3.connect(target)) as copy,
    ):
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        verdict = [row[0] for row in copy.execute("PRAGMA integrity_check")]
        if verdict != ["ok"]:
            raise sqlite3.DatabaseError(f"bản sao không toàn vẹn ({verdict[0]})")


async def _invite(
    settings: Settings, province: str, agency: str, role: Role, may_decide: bool
) -> dict[str, Any]:
    now = await SystemClock().now()
    async with writing(settings) as database, database.write() as connection:
        registry = await registry_of(connection)
        if registry is None:
            raise CommandFailed("Chưa nạp sổ bộ. Hãy chạy «nhacviec plan load» trước.")
        home = province_of(registry, province)
        today = civil_date(now)
        entry = agency_of(home, agency, on=today)
        if not lives(entry, today):
            heirs = [
                home.agencies[code].name for code in home.successor_of(entry.code, today).codes
            ]
            raise CommandFailed(
                f"{entry.name} không còn hoạt động. Hãy mời cơ quan nhận việc: {', '.join(heirs)}."
            )
        agency_id = await connection.scalar(
            select(Agency.id).where(Agency.province == home.code, Agency.code == entry.code)
        )
        if agency_id is None:
            raise CommandFailed(f"Chưa nạp {entry.name}. Hãy chạy «nhacviec plan load» trước.")
        code = await make_code(
            connection, agency_id=agency_id, role=role, may_decide=may_decide, now=now
        )
        found = await ways_in(
            connection, code, group=role != "leader", can=can_of(settings), today=today
        )
    return {
        "code": code,
        "province": home.code,
        "agency": entry.name,
        "role": role,
        "may_decide": may_decide,
        "days": CODE_DAYS,
        "links": [asdict(way) for way in found],
    }
