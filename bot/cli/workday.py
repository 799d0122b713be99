"""`nhacviec workday`: whether offices work on a day, by the registry's calendar files."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from bot.cli.database import read_calendar_files
from bot.cli.options import JsonOption, parse_day
from bot.cli.output import print_json
from bot.cli.tree import examples
from bot.config import load_settings
from jobs.rendering.dates import long_date


@examples("workday 2026-11-24")
def workday(
    day: Annotated[date, typer.Argument(parser=parse_day, metavar="NGÀY", help="Ngày cần xem.")],
    as_json: JsonOption = False,
) -> None:
    """Print whether offices work on a day, and the reason."""
    workdays = read_calendar_files(load_settings())
    working, reason = workdays.is_working(day), workdays.reason(day)
    before, after = workdays.on_or_before(day), workdays.on_or_after(day)
    known, confirmed = workdays.is_known(day.year), workdays.is_confirmed(day.year)
    if as_json:
        print_json(
            {
                "date": day,
                "working": working,
                "reason": reason,
                "calendar_known": known,
                "calendar_confirmed": confirmed,
                "on_or_before": before,
                "on_or_after": after,
            }
        )
        return
    because = f" ({reason})" if reason else ""
    print(f"{long_date(day)}: {'làm việc' if working else 'nghỉ'}{because}.")
    if not working:
        print(f"Ngày làm việc liền trước: {long_date(before)}.")
        print(f"Ngày làm việc liền sau: {long_date(after)}.")
    if not known:
        print(f"Chưa có lịch năm {day.year}: chỉ tính theo thứ trong tuần.")
    elif not confirmed:
        print(f"Lịch năm {day.year} là dự kiến, cơ quan chưa xác nhận.")
