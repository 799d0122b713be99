"""Status sheet: a workbook in which an office fills in the state of a plan's obligations.

Guarantees:
- Every row has its own key, so rows may be sorted, filtered and left out.
- status_reader.py reads the same columns that are written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
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
from data.sheets.row_keys import make_row_key
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
_CHOICES: tuple[ReplyKind, ...] = ("not_started", "in_progress", "completed", "blocked")
REPLY_KIND_BY_LABEL: dict[str, ReplyKind] = {REPLY_LABELS[code]: code for code in _CHOICES}
INPUT_COLUMNS = (
    SheetColumn(
        "said", "Trạng thái mới", "Chọn trong danh sách; để trống nếu không có gì mới.", width=16
    ),
    SheetColumn("percent", "% hoàn thành", "Số nguyên từ 0 đến 100, khi đang thực hiện.", width=12),
    SheetColumn("document", "Số văn bản", "Như 123/BC-STC.", width=20),
    SheetColumn("document_on", "Ngày văn bản", "Ngày/tháng/năm, như 05/11/2026.", width=14),
    SheetColumn("note", "Ghi chú", "Có vướng mắc thì phải ghi lý do.", width=36),
)
KEY_COLUMN = SheetColumn("key", "Khoá (không sửa)", "", width=10)
LONGEST_NOTE = 500
LONGEST_DOCUMENT = 120
_LINE_HEIGHT = 15  # points
_ROW_COLUMNS: tuple[Any, ...] = (
    Obligation.id, Obligation.code, Obligation.period, Obligation.kind, Obligation.due_on,
    Obligation.due_words, Obligation.extended_to, Obligation.state, Obligation.percent,
    Obligation.progress, Obligation.blocked_at, Obligation.disputed_at, Obligation.returned_at,
    Obligation.submitted_at, Obligation.done_on, Plan.code.label("plan_code"),
    Agency.code.label("agency_code"), Agency.name.label("agency"),
    Task.title.label("task_title"), ReportDuty.title.label("duty_title"), ReportDuty.frequency,
)  # fmt: skip


def select_sheet_obligations() -> Select[Any]:
    """Return the SELECT of the obligations' columns that a row of the sheet needs."""
    return (
        select(*_ROW_COLUMNS)
        .select_from(Obligation)
        .join(Plan, Plan.id == Obligation.plan_id)
        .join(Agency, Agency.id == Obligation.agency_id)
        .outerjoin(ReportDuty, ReportDuty.id == Obligation.duty_id)
        .outerjoin(Assignment, Assignment.id == Obligation.assignment_id)
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
    """Return a plan's open and submitted obligations, each with its holder's name ("": its owner holds it).

    By the official order of agencies, then by due date. agency: only those that it holds. include_confirmed:
    those, too, though they take no replies.
    """
    holders = Holders(home, on=today)
    statement = select_sheet_obligations().where(
        Plan.code == plan_code,
        Obligation.state.in_(LIVE_STATES if include_confirmed else ("open", "submitted")),
        current_question_condition(today),
    )
    if agency is not None:
        is_held = await held_condition(connection, home.code, holders.owners_held_by(agency))
        statement = statement.where(is_held)
    rows = await connection.execute(
        statement.order_by(Agency.position, Obligation.due_on, Obligation.id)
    )
    with_holders = []
    for row in rows:
        holder = holders.holder(row.agency_code, row.kind)
        is_other = holder is not None and holder != row.agency_code
        with_holders.append((row, home.agencies[holder].name if holder and is_other else ""))
    return with_holders


def current_reply_kind(row: Any) -> str:
    """Return the reply that an obligation's state corresponds to; "" where there was none."""
    if row.state in ("submitted", "confirmed"):
        return "completed"
    return "blocked" if row.blocked_at is not None else row.progress or ""


def describe_standing(row: Any) -> str:
    """Return an obligation's state in words."""
    if row.state != "open":
        return STATE_LABELS[row.state]
    words = REPLY_LABELS[code] if (code := current_reply_kind(row)) else "chưa báo cáo"
    if code == "in_progress" and row.percent is not None:
        words += f" {row.percent}%"
    return f"{words} (bị trả lại)" if row.returned_at is not None else words


def fixed_cells(row: Any) -> dict[str, str]:
    """Return the cells that identify a row, as they are written."""
    return {
        "code": neutralize_formula(row.code),
        "period": period_name(row.period),
        "agency_code": neutralize_formula(row.agency_code),
        "agency": neutralize_formula(row.agency),
    }


def write_status_sheet(
    path: Path, rows: Sequence[tuple[Row[Any], str]], *, made_at: datetime
) -> None:
    """Write the sheet: known cells are locked, cells to fill in are not, the key is hidden.

    The lock prevents slips and has no password. Cells to fill in are text, so that Excel leaves "5/11/2026"
    as typed.
    """
    from xlsxwriter import Workbook  # here, so that an idle service does not hold it in memory

    book = Workbook(path, {"constant_memory": True, "tmpdir": str(path.parent)})
    page = book.add_worksheet(STATUS_PAGE_TITLE)
    plain = {"valign": "top", "text_wrap": True}
    heading = book.add_format({**plain, "bold": True})
    input_heading = book.add_format({**plain, "bold": True, "bg_color": "#FFF2CC"})
    known = book.add_format(plain)
    day = book.add_format({**plain, "num_format": "dd/mm/yyyy"})
    text_input = book.add_format({**plain, "num_format": "@", "locked": False, "border": 4})
    number_input = book.add_format({**plain, "num_format": "0", "locked": False, "border": 4})
    columns = (*FIXED_COLUMNS, *INPUT_COLUMNS, KEY_COLUMN)
    for index, column in enumerate(columns):
        page.set_column(index, index, column.width, None, {"hidden": column is KEY_COLUMN})
        is_input = column in INPUT_COLUMNS
        page.write_string(0, index, column.heading, input_heading if is_input else heading)
    for number, (row, holder) in enumerate(rows, 1):
        texts = {**fixed_cells(row), "holder": holder, "title": obligation_title(row)}
        texts |= {
            "now": describe_standing(row),
            "key": make_row_key(row, made_at, place=number, rows=len(rows)),
        }
        lines = max(-(-len(texts.get(column.key, "")) // column.width) for column in FIXED_COLUMNS)
        page.set_row(number, _LINE_HEIGHT * lines)  # not every program fits a row to its text
        for index, column in enumerate(columns):
            if column.key in texts:
                page.write_string(number, index, neutralize_formula(texts[column.key]), known)
            elif column.key == "due":
                due = effective_due(row.due_on, row.extended_to)
                page.write_datetime(number, index, due, day)
            else:
                is_number = column.key == "percent"
                page.write_blank(number, index, None, number_input if is_number else text_input)
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
    hint = {"input_title": column.heading, "input_message": column.hint}
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
    return {**rule, **hint, **wrong}
