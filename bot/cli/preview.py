"""Commands that reckon from the registry's files: `preview`, `workday`.

Promises that neither needs a database nor changes one, and the JSON of `preview` key by key as other
programs rely on it. Where there is a database, `preview` knows what was decided in it.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import date

from bot.cli.arguments import find_province
from bot.cli.database import (
    database_exists,
    open_for_reading,
    read_calendar_files,
    read_registry_files,
)
from bot.cli.output import (
    CommandFailed,
    format_weekday_date,
    print_json,
    print_table,
    show_progress,
)
from bot.config import Settings, load_settings
from data.rules.overrides import NO_DECISIONS, Decisions
from data.rules.preview import preview_rungs as reckon
from data.sheets.labels import KIND_LABELS


def preview(*, since: date, until: date, province: str | None, as_json: bool) -> None:
    """Print every rung that would go out between two dates, by the files and by what was decided."""
    if until < since:
        raise CommandFailed("Ngày --to trước ngày --from. Hãy đổi lại.")
    settings = load_settings()
    registry = read_registry_files(settings)
    within = None if province is None else find_province(registry, province).code
    with show_progress("Đang tính"):
        laid = asyncio.run(_read_decisions(settings))
        rows = reckon(
            registry, since=since, until=until, province=within, decisions=laid or NO_DECISIONS
        )
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    print(
        "Tính theo tệp sổ bộ; chưa có cơ sở dữ liệu nên không có quyết định nào."
        if laid is None
        else "Tính theo tệp sổ bộ và các quyết định đã ghi trong cơ sở dữ liệu."
    )
    print_table(
        "",
        ("Ngày", "Tỉnh", "Cơ quan", "Kế hoạch", "Mã", "Loại", "Hạn", "Theo văn bản", "Nấc", "Còn"),
        [
            (
                format_weekday_date(row.date),
                registry.provinces[row.province].name,
                row.agency or "(chưa rõ ai nhận)",
                row.plan,
                row.code,
                KIND_LABELS[row.kind],
                row.due_on,
                row.due_words or "dự kiến",
                f"{row.rung:+d}" if row.rung else "0",
                row.working_days_left,
            )
            for row in rows
        ],
        empty="Không có lời nhắc nào trong khoảng này.",
    )


async def _read_decisions(settings: Settings) -> Decisions | None:
    """Return what was decided, or None where there is no database yet."""
    if not database_exists(settings):
        return None
    from data.progress.decisions import load_decisions

    async with open_for_reading(settings) as database, database.read() as connection:
        return await load_decisions(connection)


def workday(day: date, *, as_json: bool) -> None:
    """Print whether offices work on a day, and why not or why yet."""
    workdays = read_calendar_files(load_settings())
    working = workdays.is_working(day)
    answer = {
        "date": day,
        "working": working,
        "reason": workdays.reason(day),
        "calendar_known": workdays.is_known(day.year),
        "calendar_confirmed": workdays.is_confirmed(day.year),
        "on_or_before": workdays.on_or_before(day),
        "on_or_after": workdays.on_or_after(day),
    }
    if as_json:
        print_json(answer)
        return
    reason = f" ({workdays.reason(day)})" if workdays.reason(day) else ""
    print(f"{format_weekday_date(day)}: {'làm việc' if working else 'nghỉ'}{reason}.")
    if not working:
        print(f"Ngày làm việc liền trước: {format_weekday_date(workdays.on_or_before(day))}.")
        print(f"Ngày làm việc liền sau: {format_weekday_date(workdays.on_or_after(day))}.")
    if not workdays.is_known(day.year):
        print(f"Chưa có lịch năm {day.year}: chỉ tính theo thứ trong tuần.")
    elif not workdays.is_confirmed(day.year):
        print(f"Lịch năm {day.year} là dự kiến, cơ quan chưa xác nhận.")
