"""Checks of the database itself: schema, a server's version, connections and clock, the last backup."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.doctor.finding import CheckContext
from bot.cli.output import format_number
from bot.health.finding import Finding, FindingLevel
from data.backup.state import BACKED_UP_AT
from data.clock import SystemClock
from data.db.upgrade import (
    current_revision,
    describe_unknown_revision,
    is_known_revision,
    newest_revision,
)
from data.models import Meta

MAX_CLOCK_OFFSET = timedelta(seconds=5)
OLD_BACKUP = timedelta(days=2)
_CROWDED = 0.8  # share of the connections that the server allows


async def check_schema(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Tell whether the schema is this program's."""
    about, revision = "Bản cấu trúc", await current_revision(connection)
    if revision == newest_revision():
        return [Finding("ok", about, f"{revision}.")]
    if revision is None or is_known_revision(revision):
        todo = "Hãy sao lưu, rồi chạy «nhacviec run»: dịch vụ tự nâng lên khi bắt đầu."
        return [Finding("warn", about, f"{revision or 'trống'}, cần {newest_revision()}.", todo)]
    found, todo = describe_unknown_revision(revision)
    return [Finding("bad", about, found, todo)]


async def check_server(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Tell a server's version, its connections in use, and the database's size."""
    if connection.dialect.name == "sqlite":
        return []
    version = await connection.scalar(text("SHOW server_version"))
    most = int(await connection.scalar(text("SHOW max_connections")) or 0)
    taken = await connection.scalar(text("SELECT count(*) FROM pg_stat_activity")) or 0
    size = await connection.scalar(select(func.pg_database_size(func.current_database()))) or 0
    words = f"bản {version}; {format_number(taken)}/{format_number(most)} kết nối; {size / 1e6:,.0f} MB."
    if taken < most * _CROWDED:
        return [Finding("ok", "PostgreSQL", words)]
    todo = "Sắp hết kết nối: hãy tăng max_connections, hoặc bớt chương trình khác."
    return [Finding("warn", "PostgreSQL", words, todo)]


async def check_server_clock(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Tell how far this machine's clock is from the database server's."""
    if connection.dialect.name == "sqlite":
        return []
    before = await SystemClock().now()
    there = await connection.scalar(select(func.clock_timestamp()))
    after = await SystemClock().now()
    return [] if there is None else [judge_clock(there, before, after)]


def judge_clock(there: datetime, before: datetime, after: datetime) -> Finding:
    """Judge a server's clock, read between two instants of this machine."""
    about = "Giờ máy chủ cơ sở dữ liệu"
    off = max(before - there, there - after, timedelta())
    words = f"lệch máy này {off.total_seconds():.0f} giây."
    if off <= MAX_CLOCK_OFFSET:
        return Finding("ok", about, words)
    return Finding("warn", about, words, "Hãy đồng bộ giờ của cả hai máy (NTP).")


async def check_backups(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Tell when «nhacviec backup» last ran; a server's own backups are not known here."""
    if connection.dialect.name != "sqlite":
        return []
    backed_up_at = await connection.scalar(select(Meta.value).where(Meta.key == BACKED_UP_AT))
    todo = "Hãy đặt lịch chạy «nhacviec backup» mỗi đêm, cất bản sao sang máy khác."
    if backed_up_at is None:
        return [Finding("warn", "Sao lưu", "chưa có lần nào.", todo)]
    age = case.now - datetime.fromisoformat(backed_up_at)
    hours = max(0, int(age.total_seconds() // 3600))
    words = (
        f"lần cuối cách đây {hours} giờ." if hours < 48 else f"lần cuối {hours // 24} ngày trước."
    )
    level: FindingLevel = "ok" if age <= OLD_BACKUP else "warn"
    return [Finding(level, "Sao lưu", words, todo if level == "warn" else "")]


CHECKS = (check_schema, check_server, check_server_clock, check_backups)
