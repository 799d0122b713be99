"""Commands that reckon from the registry's files: `preview`, `workday`.

Promises that neither needs a database nor changes one, and the JSON of `preview` key by key as other
programs rely on it. Where there is a database, `preview` knows what was decided in it.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import date

from bot.cli.arguments import province_of
from bot.cli.database import calendar_of_files, database_exists, reading, registry_of_files
from bot.cli.output import CommandFailed, day_words, print_json, print_table, progress
from bot.config import Settings, load_settings
from data.rules.overrides import NOTHING_LAID, Laid
from data.rules.preview import preview as reckon
from data.sheets.labels import KINDS


def preview(*, since: date, until: date, province: str | None, as_json: bool) -> None:
    """Print every rung that would go out between two dates, by the files and by what was decided."""
    if until < since:
        raise CommandFailed("Ngày --to trước ngày --from. Hãy đổi lại.")
    settings = load_settings()
    registry = registry_of_files(settings)
    within = None if province is None else province_of(registry, province).code
    with progress("Đang tính"):
        laid = asyncio.run(_laid(settings))
        rows = reckon(
            registry, since=since, until=until, province=within, laid=laid or NOTHING_LAID
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
                day_words(row.date),
                registry.provinces[row.province].name,
                row.agency or "(chưa rõ ai nhận)",
                row.plan,
                row.code,
                KINDS[row.kind],
                row.due_on,
                row.due_words or "dự kiến",
                f"{row.rung:+d}" if row.rung else "0",
                row.working_days_left,
            )
            for row in rows
        ],
        empty="Không có lời nhắc nào trong khoảng này.",
    )


async def _laid(settings: Settings) -> Laid | None:
    """Return what was decided, or None where there is no database yet."""
    if not database_exists(settings):
        return None
    from data.progress.decisions import laid_over

    async with reading(settings) as database, database.read() as connection:
        return await laid_over(connection)


def workday(day: date, *, as_json: bool) -> None:
    """Print whether offices work on a day, and why not or why yet."""
    workdays = calendar_of_files(load_settings())
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
    print(f"{day_words(day)}: {'làm việc' if working else 'nghỉ'}{reason}.")
    if not working:
        print(f"Ngày làm việc liền trước: {day_words(workdays.on_or_before(day))}.")
        print(f"Ngày làm việc liền sau: {day_words(workdays.on_or_after(day))}.")
    if not workdays.is_known(day.year):
        print(f"Chưa có lịch năm {day.year}: chỉ tính theo thứ trong tuần.")
    elif not workdays.is_confirmed(day.year):
        print(f"Lịch năm {day.year} là dự kiến, cơ quan chưa xác nhận.")
