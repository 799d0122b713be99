"""Options and arguments that commands share, and the readers of dates, instants and roles."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
LONGEST_NUMBER = 18  # digits that a database's key can hold

JsonOption = Annotated[bool, typer.Option("--json", help="In ra JSON để chương trình khác đọc.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Chỉ kiểm tra và cho xem; không ghi gì.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Không hỏi lại.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Ghi đè tệp đã có.")]
ProvinceOption = Annotated[
    str | None, typer.Option("--province", metavar="TỈNH", help="Chỉ một tỉnh: gia-lai, «Gia Lai».")
]
RequiredProvinceOption = Annotated[
    str, typer.Option("--province", metavar="TỈNH", help="Tỉnh: gia-lai.")
]
AgencyOption = Annotated[
    str | None,
    typer.Option("--agency", metavar="CƠ_QUAN", help="Chỉ một cơ quan; cần --province."),
]
PlanOption = Annotated[str | None, typer.Option("--plan", metavar="SỐ", help="Chỉ một kế hoạch.")]
PlanArgument = Annotated[
    str, typer.Argument(metavar="SỐ", help="Số kế hoạch (1901, 1901/KH-UBND) hoặc mã kế hoạch.")
]


def day_option(flag: str, help_: str) -> Any:
    """Return an option that takes a civil date."""
    return typer.Option(flag, parser=parse_day, metavar="NGÀY", help=help_)


def role_option(help_: str) -> Any:
    """Return an option that takes a role."""
    return typer.Option("--role", parser=parse_role, metavar="VAI_TRÒ", help=help_)


def parse_day(text: str) -> date:
    """Return a civil date typed as 2026-11-15 or 15/11/2026."""
    from data.sheets.phrases import read_day

    try:
        day = read_day(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return _require_near(day, text)


def parse_row_number(text: str) -> int:
    """Return the number of a row, as a list of them shows it."""
    if not text.isascii() or not text.isdecimal() or len(text) > LONGEST_NUMBER:
        raise typer.BadParameter(
            f"«{text}» không phải số. Hãy ghi như danh sách cho thấy, ví dụ 12."
        )
    return int(text)


def parse_late_days(text: str | int) -> int:
    """Return a number of working days from 1 to 999."""
    words = str(text)  # the default comes as a number
    if not words.isascii() or not words.isdecimal() or not 1 <= int(words[:LONGEST_NUMBER]) <= 999:
        raise typer.BadParameter(f"«{words}» không phải số ngày từ 1 đến 999. Hãy ghi, ví dụ 15.")
    return int(words)


def parse_instant(text: str) -> datetime:
    """Return an aware instant typed as ISO 8601 with its offset; a naive one is refused."""
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(
            f"«{text}» không phải thời điểm. Hãy viết dạng 2026-11-09T07:30+07:00."
        ) from None
    if value.utcoffset() is None:
        raise typer.BadParameter(
            f"«{text}» thiếu múi giờ. Hãy viết rõ, ví dụ {value:%Y-%m-%dT%H:%M}+07:00."
        )
    _require_near(value.date(), text)
    return value


def parse_path(text: str | Path) -> Path:
    """Return the path of a file or folder; an empty one is refused, which Path would take for "."."""
    if not str(text).strip():
        raise typer.BadParameter("tên tệp còn trống. Hãy ghi tên.")
    return Path(text)


def _require_near(day: date, text: str) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise typer.BadParameter(
            f"«{text}» quá xa. Hãy chọn ngày từ {FIRST_DAY:%d/%m/%Y} đến {LAST_DAY:%d/%m/%Y}."
        )
    return day


def parse_role(text: str) -> str:
    """Return a role: focal, coordinator or leader, by its English or Vietnamese name."""
    from data.text import fold

    roles = {
        "focal": "focal", "dau moi": "focal",
        "coordinator": "coordinator", "theo doi": "coordinator",
        "leader": "leader", "lanh dao": "leader",
    }  # fmt: skip
    role = roles.get(fold(text))
    if role is None:
        raise typer.BadParameter(
            f"«{text}» không phải vai trò. Hãy chọn «đầu mối», «theo dõi» hoặc «lãnh đạo»."
        )
    return role
