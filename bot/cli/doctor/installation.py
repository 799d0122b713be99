"""Checks of the installation: the registry's files, the calendar, SQLite's version, the disk."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.doctor.finding import CheckContext
from bot.health.finding import Finding, FindingLevel
from bot.health.running import check_disk
from data.clock import civil_date
from data.loading.load import is_loaded
from data.registry.files import RegistryFault
from data.registry.registry import Registry
from data.rules.planning import HORIZON

# Two connections that checkpoint at one instant can damage the file (SQLite's "WAL-reset bug").
FIRST_WITH_FAULT, LAST_WITH_FAULT = (3, 7, 0), (3, 51, 2)
SOON = timedelta(days=60)
_OTHERS = 0o077  # may read, write or enter: the group, and everybody


async def check_registry(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Tell whether the registry's files are sound, and the same as loaded."""
    about = "Sổ bộ"
    try:
        files = Registry.from_folder(case.settings.registry)
    except RegistryFault as fault:
        found = f"{len(fault.faults)} chỗ sai trong {case.settings.registry}."
        return [Finding("bad", about, found, "Hãy xem «nhacviec check» và sửa.")]
    if await is_loaded(connection, files):
        return [Finding("ok", about, f"{len(files.plans)} kế hoạch, đã nạp đúng như tệp.")]
    todo = "Hãy xem «nhacviec plan diff» rồi chạy «nhacviec plan load»."
    return [Finding("warn", about, "tệp khác với bản đã nạp.", todo)]


def check_calendar(case: CheckContext) -> list[Finding]:
    """Tell which years up to the horizon have no confirmed calendar; a warning once one is near."""
    today = civil_date(case.now)
    years = range(today.year, (today + HORIZON).year + 1)
    open_years = [year for year in years if not case.workdays.is_confirmed(year)]
    if not open_years:
        return [Finding("ok", "Lịch làm việc", "mọi năm cần đến đã xác nhận.")]
    level: FindingLevel = "warn" if open_years[0] <= (today + SOON).year else "ok"
    names = ", ".join(map(str, open_years))
    todo = "Khi có thông báo nghỉ lễ, hãy sửa tệp calendar/<năm>.yaml và ghi confirmed: true."
    found = f"năm {names} còn là dự kiến."
    return [Finding(level, "Lịch làm việc", found, todo if level == "warn" else "")]


def check_sqlite_version(case: CheckContext) -> list[Finding]:
    """Tell whether SQLite's version can damage a file that several programs write."""
    return [] if case.file is None else [judge_sqlite(sqlite3.sqlite_version_info)]


def judge_sqlite(version: tuple[int, ...]) -> Finding:
    """Judge a version of SQLite for a file that a service writes."""
    words = ".".join(map(str, version))
    if not FIRST_WITH_FAULT <= version <= LAST_WITH_FAULT:
        return Finding("ok", "SQLite", f"bản {words}.")
    return Finding(
        "warn",
        "SQLite",
        f"bản {words} có lỗi hiếm (3.7.0 đến 3.51.2): hai chương trình cùng dồn nhật ký WAL một lúc"
        " có thể làm hỏng tệp.",
        "Chỉ chạy một dịch vụ trên tệp này, đừng mở tệp bằng công cụ khác khi dịch vụ chạy, sao lưu"
        " bằng «nhacviec backup»; khi có thể hãy nâng SQLite lên 3.51.3 hoặc dùng PostgreSQL.",
    )


def check_privacy(case: CheckContext) -> list[Finding]:
    """Tell whether other users of this machine may read the database: its folder, or files beside it."""
    if case.file is None or not case.file.parent.is_dir():
        return []
    folder = case.file.parent
    open_ones = [
        path
        for path in (folder, *sorted(folder.glob(f"{case.file.name}*")))
        if path.stat().st_mode & _OTHERS
    ]
    if not open_ones:
        return [Finding("ok", "Quyền đọc dữ liệu", "chỉ người chạy dịch vụ.")]
    names = ", ".join(str(path) for path in open_ones)
    todo = f"Hãy chạy: chmod 700 {folder}; chmod 600 {case.file}*"
    return [Finding("warn", "Quyền đọc dữ liệu", f"người khác trên máy vào được: {names}.", todo)]


def check_room(case: CheckContext) -> list[Finding]:
    """Tell how much disk space is free beside the database's file."""
    return check_disk(case.file)


CHECKS = (check_calendar, check_sqlite_version, check_room, check_privacy)
STORED_CHECKS = (check_registry,)
