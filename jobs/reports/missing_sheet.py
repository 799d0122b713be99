"""The agencies that have not reported, as a spreadsheet: full names, deadlines, what they said."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from data.registry.agency_kinds import AgencyGroup
from jobs.rendering.environment import padded
from jobs.reports.sheets import ReportColumn, write_workbook

_COLUMNS = (
    ReportColumn("number", "STT", 5),
    ReportColumn("agency", "Cơ quan", 42),
    ReportColumn("group", "Nhóm", 16),
    ReportColumn("due_on", "Thời hạn", 12),
    ReportColumn("late", "Quá hạn (ngày làm việc)", 12),
    ReportColumn("state", "Cơ quan đã trả lời", 24),
    ReportColumn("reason", "Lý do đã nêu", 44),
)
_GROUPS = {
    "departments": "Sở, ban, ngành",
    "communes": "Xã, phường, đặc khu",
    "others": "Cơ quan khác",
}
_STATES = {
    "open": "chưa trả lời",
    "acknowledged": "đã nhận",
    "in_progress": "đang thực hiện",
    "not_started": "chưa triển khai",
    "blocked": "có khó khăn, vướng mắc",
    "disputed": "đề nghị xem lại",
    "extension_asked": "đề nghị gia hạn",
}


@dataclass(frozen=True, slots=True)
class MissingLine:
    """One agency's part. days: working days left, negative: late; state: of bot.conversation's state_word."""

    agency: str
    group: AgencyGroup
    due_on: date | None
    days: int
    state: str
    percent: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class MissingSheet:
    """What the sheet tells. title: of the report or task; missing of expected, of all kinds of agencies."""

    title: str
    is_task: bool
    as_of: date
    missing: int
    expected: int
    lines: Sequence[MissingLine]


def missing_xlsx(sheet: MissingSheet) -> bytes:
    """Return the spreadsheet."""
    out = io.BytesIO()
    verb = "chưa hoàn thành" if sheet.is_task else "chưa báo cáo"
    day = f"{sheet.as_of:%d/%m/%Y}"
    above = (
        f"Danh sách cơ quan {verb}: {sheet.title}",
        f"Số liệu đến {day}: {padded(sheet.missing)}/{padded(sheet.expected)} cơ quan {verb}",
    )
    with write_workbook(out) as book:
        table = book.open_table("Chưa báo cáo", _COLUMNS, above=above)
        for number, line in enumerate(sheet.lines, 1):
            state = _STATES.get(line.state, line.state)
            if line.state == "in_progress" and line.percent is not None:
                state = f"{state} ({line.percent}%)"
            table.write(
                {
                    "number": number,
                    "agency": line.agency,
                    "group": _GROUPS[line.group],
                    "due_on": line.due_on,
                    "late": -line.days if line.days < 0 else None,
                    "state": state,
                    "reason": line.reason or None,
                }
            )
        table.close()
    return out.getvalue()


def missing_file_name(plan_number: str, code: str, period: str) -> str:
    """Return the file's name: "chua-bao-cao-1901-KH-UBND-BC.1-2026.xlsx"."""
    parts = ("chua-bao-cao", plan_number.replace("/", "-"), code, period)
    return "-".join(part for part in parts if part) + ".xlsx"
