"""The checks of the running service: owners, waiting messages, mornings, writes and room on the disk.

Guarantees:
- /healthz is not ok exactly where one of these is bad, and `nhacviec doctor` tells the same ones.
- A bot that rests until a known day is not bad.
- A few reads by index; nothing is written.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.health.finding import Finding, FindingLevel, messenger_title
from data.accounts.leases import is_owned
from data.clock import ZONE, civil_date, instant_at
from data.models import Account, JobRun, Message
from data.outbox.messages import BROADCAST
from data.outbox.set_back import count_misdated, latest_instant_ahead
from data.registry.registry import Registry
from data.registry.workdays import Workdays
from jobs.delivery.sending_hours import is_within_sending_hours

LATE, VERY_LATE = timedelta(minutes=10), timedelta(hours=1)
MORNING_TAKES = timedelta(minutes=15)
LITTLE, TOO_LITTLE = 1_000_000_000, 100_000_000  # bytes free
_ABOUT_WAITING = "Tin đến giờ gửi"

AccountKey = tuple[str, str]  # kind of messenger, the bot's number


async def check_owners(
    connection: AsyncConnection,
    wanted: Collection[AccountKey] | None,
    *,
    now: datetime,
    labels: Mapping[AccountKey, str] | None = None,
) -> list[Finding]:
    """Tell whether a living service owns each account, and whether it is stopped.

    wanted: those that are set here; others count only while another process owns them. None: all count.
    labels: names as the platforms give them.
    """
    rows = await connection.execute(select(Account.__table__).order_by(Account.id))
    known = {(row.channel, row.name): row for row in rows}
    found = []
    for key in dict.fromkeys((*(wanted or ()), *known)):
        row = known.get(key)
        owned = row is not None and is_owned(connection, row.owned_until, now=now)
        if wanted is not None and key not in wanted and not owned:
            continue
        title = (labels or {}).get(key) or _label(key, row)
        found.append(_judge_account(f"{title}, dịch vụ", row, owned=owned))
    return found


def _label(key: AccountKey, row: Any) -> str:
    title = row.title if row is not None and row.title else key[1]
    return f"{title} ({messenger_title(key[0])})"


def _judge_account(about: str, row: Any, *, owned: bool) -> Finding:
    if row is None:
        return Finding("bad", about, "chưa chạy lần nào với bot này.", "Hãy chạy «nhacviec run».")
    if row.stopped_at is not None and row.stopped_until is None:
        todo = "Hãy sửa khoá trong .env rồi chạy lại «nhacviec run»."
        return Finding("bad", about, f"đã dừng ({row.stopped_why or ''}).", todo)
    if not owned:
        todo = "Hãy chạy «nhacviec run»; không chạy thì không nhắc ai."
        return Finding("bad", about, "không chạy.", todo)
    if row.stopped_at is not None:
        day = f"{row.stopped_until.astimezone(ZONE):%d/%m/%Y}"
        todo = "Không phải làm gì; cần gửi sớm hơn thì thêm bot hoặc nâng gói."
        return Finding("warn", about, f"nghỉ đến {day} ({row.stopped_why or ''}).", todo)
    return Finding("ok", about, f"đang chạy ({row.owner}).")


async def find_oldest_due(
    connection: AsyncConnection, workdays: Workdays | None, *, now: datetime
) -> datetime | None:
    """Return since when the oldest message is due; outside sending hours broadcasts do not count."""
    query = select(func.min(Message.send_at)).where(
        Message.state == "pending", Message.send_at <= now
    )
    if workdays is not None and not is_within_sending_hours(now, workdays):
        query = query.where(Message.priority != BROADCAST)
    return await connection.scalar(query)


def judge_waiting(oldest: datetime | None, *, now: datetime) -> Finding:
    """Judge how long the oldest message due by now has waited."""
    late = timedelta() if oldest is None else now - oldest
    if late < LATE:
        return Finding("ok", _ABOUT_WAITING, "không có tin nào chờ lâu.")
    minutes = f"{int(late.total_seconds() // 60):,}".replace(",", ".")
    level: FindingLevel = "bad" if late >= VERY_LATE else "warn"
    todo = "Hãy xem dịch vụ có chạy không, bot có bị dừng không; rồi xem nhật ký của dịch vụ."
    return Finding(level, _ABOUT_WAITING, f"tin cũ nhất đã chờ {minutes} phút.", todo)


async def load_mornings(
    connection: AsyncConnection, registry: Registry, *, now: datetime
) -> dict[str, tuple[date | None, bool]]:
    """Return each province's last morning, and whether today's should have been composed by now."""
    rows = await connection.execute(
        select(JobRun.subject, func.max(JobRun.run_on))
        .where(JobRun.job == "morning")
        .group_by(JobRun.subject)
    )
    last = {row[0]: row[1] for row in rows}
    today = civil_date(now)
    open_now = is_within_sending_hours(now, registry.workdays)
    found = {}
    for home in registry.provinces.values():
        hour, minute = home.file.morning.split(":")
        due = instant_at(today, time(int(hour), int(minute))) + MORNING_TAKES
        day = last.get(home.code)
        found[home.code] = (day, open_now and now >= due and day != today)
    return found


def judge_mornings(registry: Registry, mornings: Mapping[str, tuple[date | None, bool]]) -> Finding:
    """Judge whether every province had its morning."""
    missing = [
        registry.provinces[code].name for code, (_, is_missing) in mornings.items() if is_missing
    ]
    if not missing:
        return Finding("ok", "Buổi sáng", "không tỉnh nào bị lỡ.")
    todo = "Hãy xem dịch vụ có chạy không; rồi xem «morning.failed» trong nhật ký của dịch vụ."
    return Finding("bad", "Buổi sáng", f"hôm nay chưa soạn cho {', '.join(missing)}.", todo)


async def check_set_back(connection: AsyncConnection, *, now: datetime) -> Finding:
    """Tell whether the clock was set back: things are dated later than now, and messages may wait for it."""
    about = "Giờ đã lưu"
    ahead = await latest_instant_ahead(connection, now=now)
    waiting = await count_misdated(connection, now=now)
    if ahead is None and not waiting:
        return Finding("ok", about, "không bị chỉnh lùi.")
    todo = "Hãy kiểm tra giờ máy (NTP)."
    words = "đồng hồ đã bị chỉnh lùi"
    if waiting:
        words += f"; {waiting} tin đang chờ theo giờ cũ"
        todo += " Tin đi khi «nhacviec run» chạy."
    return Finding("bad" if waiting else "warn", about, f"{words}.", todo)


def judge_writing(trouble: str | None) -> Finding:
    """Judge the last write; trouble: the sentence of one that failed."""
    if trouble is None:
        return Finding("ok", "Ghi dữ liệu", "ghi được.")
    return Finding("bad", "Ghi dữ liệu", trouble)


def check_disk(file: Path | None) -> list[Finding]:
    """Tell how much room is free beside the database's file; file: None for a database server."""
    if file is None or not file.parent.is_dir():
        return []
    free = shutil.disk_usage(file.parent).free
    words = f"còn {free / 1e9:.1f} GB cạnh {file}."
    if free >= LITTLE:
        return [Finding("ok", "Đĩa", words)]
    level: FindingLevel = "bad" if free < TOO_LITTLE else "warn"
    return [Finding(level, "Đĩa", words, "Hãy giải phóng dung lượng.")]
