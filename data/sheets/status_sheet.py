"""The sheet in which an office fills in where a plan's tasks and reports stand.

Promises that each row carries a key of its own (obligation, instant of the export, how it then stood), so
that rows may be sorted, filtered and left out, and that reading (status_diff.py) rests on the same columns
as writing. Never writes to the database. XlsxWriter is imported when a sheet is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import LIVE_STATES, Agency, Assignment, Obligation, Plan, ReportDuty, Task
from data.obligations.lists import current_question_condition, held_condition
from data.progress.replies import ReplyKind
from data.registry.province import Province
from data.registry.titles import obligation_title, period_name
from data.rules.holders import Holders
from data.rules.ladder import effective_due
from data.sheets.labels import REPLY_LABELS, STATE_LABELS
from data.sheets.plan_template import SheetColumn
from data.sheets.workbook import WorkbookLimits, neutralize_formula

STATUS_PAGE_TITLE = "Trạng thái"
STATUS_SHEET_LIMITS = WorkbookLimits()
FIXED_COLUMNS = (
    SheetColumn("code", "Mã", "", width=10),
    SheetColumn("period", "Kỳ", "", width=14),
    SheetColumn("agency_code", "Mã cơ quan", "", width=14),
    SheetColumn("agency", "Cơ quan", "", width=26),
    SheetColumn("holder", "Nay do", "", width=16),
    SheetColumn("title", "Nội dung", "", width=50),
    SheetColumn("due", "Hạn", "", width=12),
    SheetColumn("now", "Trạng thái hiện nay", "", width=18),
)
_SAYABLE: tuple[ReplyKind, ...] = ("not_started", "in_progress", "completed", "blocked")
REPLY_KIND_BY_LABEL: dict[str, ReplyKind] = {REPLY_LABELS[code]: code for code in _SAYABLE}
INPUT_COLUMNS = (
    SheetColumn(
        "said", "Trạng thái mới", "Chọn trong danh sách; để trống nếu không có gì mới.", width=16
    ),
    SheetColumn("percent", "% hoàn thành", "Số nguyên từ 0 đến 100, khi đang làm.", width=12),
    SheetColumn("document", "Số văn bản", "Như 123/BC-STC.", width=20),
    SheetColumn("document_on", "Ngày văn bản", "Ngày/tháng/năm, như 05/11/2026.", width=14),
    SheetColumn("note", "Ghi chú", "Vướng mắc thì phải ghi lý do.", width=36),
)
KEY_COLUMN = SheetColumn("key", "Khoá (không sửa)", "", width=10)
LONGEST_NOTE = 500
LONGEST_DOCUMENT = 120
_LINE = 15  # points


@dataclass(frozen=True, slots=True)
class RowKey:
    """What a row's hidden cell says: the obligation, when the sheet was made, and how it then stood."""

    obligation_id: int
    made_at: datetime
    fingerprint: str


# ------------------------------------------------------------------ rows of the database


def select_sheet_obligations() -> Select[Any]:
    """Return the SQL of what a row of the sheet needs to know of an obligation."""
    owed = Obligation
    return (
        select(owed.id, owed.code, owed.period, owed.kind, owed.due_on, owed.due_words)
        .add_columns(owed.extended_to, owed.state, owed.percent, owed.progress, owed.blocked_at)
        .add_columns(owed.disputed_at, owed.returned_at, owed.submitted_at, owed.done_on)
        .add_columns(
            Plan.code.label("plan_code"),
            Agency.code.label("agency_code"),
            Agency.name.label("agency"),
            Task.title.label("task_title"),
            ReportDuty.title.label("duty_title"),
            ReportDuty.frequency,
        )
        .join(Plan, Plan.id == owed.plan_id)
        .join(Agency, Agency.id == owed.agency_id)
        .outerjoin(ReportDuty, ReportDuty.id == owed.duty_id)
        .outerjoin(Assignment, Assignment.id == owed.assignment_id)
        .outerjoin(Task, Task.id == Assignment.task_id)
    )


async def load_status_rows(
    connection: AsyncConnection,
    plan_code: str,
    home: Province,
    *,
    agency: str | None,
    include_confirmed: bool,
    today: date,
) -> Sequence[tuple[Row[Any], str]]:
    """Return a plan's obligations that may be answered, with the name of who has each in hand, if not its owner.

    agency: only what it has in hand. every: the confirmed ones, too; they take no answers. In the official
    order of agencies, then by due date.
    """
    holders = Holders(home, on=today)
    statement = select_sheet_obligations().where(
        Plan.code == plan_code,
        Obligation.state.in_(LIVE_STATES if include_confirmed else ("open", "submitted")),
        current_question_condition(today),
    )
    if agency is not None:
        held = await held_condition(connection, home.code, holders.owners_held_by(agency))
        statement = statement.where(held)
    rows = await connection.execute(
        statement.order_by(Agency.position, Obligation.due_on, Obligation.id)
    )
    found = []
    for row in rows:
        holder = holders.holder(row.agency_code, row.kind)
        passed_on = holder is not None and holder != row.agency_code
        found.append((row, home.agencies[holder].name if holder and passed_on else ""))
    return found


def current_reply_kind(row: Any) -> str:
    """Return the code of where an obligation stands, as one says it: one of SAYINGS, or "" for nothing yet."""
    if row.state in ("submitted", "confirmed"):
        return "completed"
    return "blocked" if row.blocked_at is not None else row.progress or ""


def describe_standing(row: Any) -> str:
    """Return where an obligation stands in words, for the sheet."""
    if row.state != "open":
        return STATE_LABELS[row.state]
    words = REPLY_LABELS[code] if (code := current_reply_kind(row)) else "chưa báo cáo"
    if code == "in_progress" and row.percent is not None:
        words += f" {row.percent}%"
    return f"{words} (bị trả lại)" if row.returned_at is not None else words


def fixed_cells(row: Any) -> dict[str, str]:
    """Return the cells of a row by which it is known again, as they are written."""
    return {
        "code": neutralize_formula(row.code),
        "period": period_name(row.period),
        "agency_code": neutralize_formula(row.agency_code),
        "agency": neutralize_formula(row.agency),
    }


# ------------------------------------------------------------------ keys


def state_fingerprint(row: Any) -> str:
    """Return a mark that changes whenever the state of an obligation does."""
    flags = (row.blocked_at, row.disputed_at, row.returned_at)
    return _hash(row.state, row.percent, row.progress, *flags, row.submitted_at, row.done_on)


def make_row_key(row: Any, made_at: datetime) -> str:
    """Return the key of an obligation's row."""
    start = f"{row.id}.{int(made_at.timestamp()):x}.{state_fingerprint(row)}"
    return f"{start}.{_hash(start, row.plan_code)}"


def is_row_key(text: str, row: Any) -> bool:
    """Tell whether a key was made for this obligation, in whichever state it was then."""
    start, _, check = text.rpartition(".")
    return check == _hash(start, row.plan_code)


def parse_row_key(text: str) -> RowKey | None:
    """Return what a key says; None where it is none."""
    parts = text.split(".")
    if len(parts) != 4 or not parts[0].isascii() or not parts[0].isdecimal() or len(parts[0]) > 18:
        return None
    try:
        return RowKey(int(parts[0]), datetime.fromtimestamp(int(parts[1], 16), UTC), parts[2])
    except (ValueError, OverflowError, OSError):
        return None


def _hash(*parts: object) -> str:
    # It tells a slip (a cell that was dragged down), and protects from nobody.
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:10]


# ------------------------------------------------------------------ the file


def write_status_sheet(
    path: Path, rows: Sequence[tuple[Row[Any], str]], *, made_at: datetime
) -> None:
    """Write the sheet: what is known stands locked, what is to be filled in is open, the key is hidden.

    The lock keeps slips away and has no password. Cells to fill in are text, so that Excel leaves "5/11/2026"
    as it is typed.
    """
    from xlsxwriter import Workbook

    book = Workbook(path, {"constant_memory": True, "tmpdir": str(path.parent)})
    page = book.add_worksheet(STATUS_PAGE_TITLE)
    plain = {"valign": "top", "text_wrap": True}
    heading = book.add_format({**plain, "bold": True})
    asked = book.add_format({**plain, "bold": True, "bg_color": "#FFF2CC"})
    known = book.add_format(plain)
    day = book.add_format({**plain, "num_format": "dd/mm/yyyy"})
    typed = book.add_format({**plain, "num_format": "@", "locked": False, "border": 4})
    whole = book.add_format({**plain, "num_format": "0", "locked": False, "border": 4})
    columns = (*FIXED_COLUMNS, *INPUT_COLUMNS, KEY_COLUMN)
    for index, column in enumerate(columns):
        page.set_column(index, index, column.width, None, {"hidden": column is KEY_COLUMN})
        page.write_string(0, index, column.heading, asked if column in INPUT_COLUMNS else heading)
    for number, (row, holder) in enumerate(rows, 1):
        texts = {**fixed_cells(row), "holder": holder, "title": obligation_title(row)}
        texts |= {"now": describe_standing(row), "key": make_row_key(row, made_at)}
        lines = max(-(-len(texts.get(column.key, "")) // column.width) for column in FIXED_COLUMNS)
        page.set_row(number, _LINE * lines)  # not every program makes rows as high as their text
        for index, column in enumerate(columns):
            if column.key in texts:
                page.write_string(number, index, neutralize_formula(texts[column.key]), known)
            elif column.key == "due":
                due = effective_due(row.due_on, row.extended_to)
                page.write_datetime(number, index, due, day)
            else:
                page.write_blank(number, index, None, whole if column.key == "percent" else typed)
    page.freeze_panes(1, 0)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    page.autofilter(0, 0, len(rows), len(columns) - 1)
    for index, column in enumerate(columns):
        if column in INPUT_COLUMNS:
            page.data_validation(1, index, len(rows), index, _validation(column))
    page.protect(
        "", {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True}
    )
    book.close()


def _validation(column: SheetColumn) -> dict[str, Any]:
    told = {"input_title": column.heading, "input_message": column.hint}
    match column.key:
        case "said":
            rule: dict[str, Any] = {"validate": "list", "source": list(REPLY_KIND_BY_LABEL)}
        case "percent":
            rule = {"validate": "integer", "criteria": "between", "minimum": 0, "maximum": 100}
        case "document":
            rule = {"validate": "length", "criteria": "<=", "value": LONGEST_DOCUMENT}
        case "note":
            rule = {"validate": "length", "criteria": "<=", "value": LONGEST_NOTE}
        case _:
            rule = {"validate": "any"}
    wrong = {"error_title": column.heading, "error_message": column.hint or column.heading}
    return {**rule, **told, **wrong}
