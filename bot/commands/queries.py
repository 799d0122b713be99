"""Commands that reckon from the registry's files alone: `preview`, `workday`.

Promises that neither needs nor touches a database, and the JSON of `preview` key by key as other
programs rely on it.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from bot.commands.arguments import province_of
from bot.commands.output import KINDS, CommandFailed, day_words, print_json, print_table, progress
from bot.commands.store import calendar_of_files, registry_of_files
from bot.config import load_settings
from data.planning import preview as reckon


def preview(*, since: date, until: date, province: str | None, as_json: bool) -> None:
    """Print every rung that would go out between two dates, reckoned from files alone."""
    if until < since:
        raise CommandFailed("Ngày --to trước ngày --from. Hãy đổi lại.")
    registry = registry_of_files(load_settings())
    within = None if province is None else province_of(registry, province).code
    with progress("Đang tính"):
        rows = reckon(registry, since=since, until=until, province=within)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
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
