"""Plan sheet: pages and columns in which an office fills in a plan, and an empty sheet.

plan_import.py reads the same columns.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from data.sheets.phrases import FREQUENCY_WORDS

PLAN_PAGE = "Kế hoạch"
TASKS_PAGE = "Nhiệm vụ"
DUTIES_PAGE = "Báo cáo"
TARGETS_PAGE = "Chỉ tiêu"
HEADER_ROW = 1
FIRST_ROW = 2


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """One column of a page, or one line of the first page; hint: what to write there."""

    key: str
    heading: str
    hint: str
    needed: bool = True
    width: int = 24


PLAN_LINES = (
    SheetColumn("number", "Số", "như 1901/KH-UBND"),
    SheetColumn("province", "Tỉnh", "như Gia Lai"),
    SheetColumn("title", "Tiêu đề", "theo lời văn bản, bỏ chữ «Kế hoạch» ở đầu"),
    SheetColumn("issued_on", "Ngày ban hành", "như 14/09/2020"),
    SheetColumn("signer", "Người ký", "chỉ họ tên"),
    SheetColumn("coordinator", "Cơ quan theo dõi", "cơ quan theo dõi, tổng hợp, theo lời văn bản"),
    SheetColumn("replaces", "Thay thế", "số kế hoạch bị thay thế, nếu có", needed=False),
    SheetColumn("source", "Văn bản gốc", "tên tệp văn bản gốc"),
)
PLAN_SHEET_PAGES: dict[str, tuple[SheetColumn, ...]] = {
    TASKS_PAGE: (
        SheetColumn("code", "Mã", "không trùng, như III.1a", width=10),
        SheetColumn("section", "Nhóm", "tên nhóm nhiệm vụ, nếu có", needed=False, width=30),
        SheetColumn("text", "Nội dung", "nguyên văn", width=70),
        SheetColumn("leads", "Chủ trì", "mỗi cơ quan cách nhau dấu ; ; trống nếu không giao", needed=False, width=32),
        SheetColumn("supports", "Phối hợp", "mỗi cơ quan cách nhau dấu ;", needed=False, width=32),
        SheetColumn("actions", "Việc cụ thể", "mỗi việc một dòng trong ô", needed=False, width=40),
        SheetColumn("period", "Thời gian", "theo lời văn bản, như 2020-2025; để trống nếu ô trống", needed=False),
    ),
    DUTIES_PAGE: (
        SheetColumn("code", "Mã", "như BC.1", width=10),
        SheetColumn("clause", "Mục", "chỗ trong văn bản, như mục V.5"),
        SheetColumn("from", "Ai báo cáo", "mỗi cơ quan cách nhau dấu ;", width=32),
        SheetColumn("to", "Gửi", "cơ quan nhận"),
        SheetColumn("via", "Qua", "cơ quan tổng hợp, nếu có", needed=False),
        SheetColumn("frequency", "Kỳ", ", ".join(FREQUENCY_WORDS)),
        SheetColumn("deadline", "Hạn", "theo lời văn bản, như trước ngày 15/11", needed=False, width=32),
        SheetColumn("quote", "Câu trích", "nguyên văn câu quy định", width=70),
    ),
    TARGETS_PAGE: (
        SheetColumn("code", "Mã", "như CT.1", width=10),
        SheetColumn("text", "Nội dung", "nguyên văn", width=70),
        SheetColumn("year", "Năm", "như 2025", needed=False, width=10),
        SheetColumn("comparator", "So sánh", ">=, >, =, <=, < hoặc range", needed=False, width=10),
        SheetColumn("value", "Giá trị", "một số; với range ghi như 15-20", needed=False, width=12),
        SheetColumn("unit", "Đơn vị", "như %", needed=False, width=12),
    ),
}  # fmt: skip
_LAST_CHOICE_ROW = 1000


def blank_workbook() -> bytes:
    """Return an empty sheet with hints at its headings and a list of frequencies to choose from.

    Cells are text, so that Excel leaves "15/11" as typed.
    """
    # Imported here, so that an idle service does not hold it in memory.
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    bold = Font(bold=True)
    wrapped = Alignment(wrap_text=True, vertical="top")
    first = book.active
    assert first is not None
    first.title = PLAN_PAGE
    first.column_dimensions["A"].width, first.column_dimensions["B"].width = 20, 80
    first.column_dimensions["C"].width = 50
    for row, line in enumerate(PLAN_LINES, 1):
        first.cell(row, 1, line.heading).font = bold
        first.cell(row, 2).number_format = "@"
        first.cell(row, 2).alignment = wrapped
        first.cell(row, 3, line.hint)
    for title, columns in PLAN_SHEET_PAGES.items():
        page = book.create_sheet(title)
        page.freeze_panes = "A2"
        for index, column in enumerate(columns, 1):
            heading = page.cell(HEADER_ROW, index, column.heading)
            heading.font = bold
            heading.comment = Comment(column.hint, "Nhắc Việc")
            settings = page.column_dimensions[get_column_letter(index)]
            settings.width, settings.number_format, settings.alignment = column.width, "@", wrapped
        if title == DUTIES_PAGE:
            choices = DataValidation(type="list", formula1=f'"{",".join(FREQUENCY_WORDS)}"')
            letter = get_column_letter([c.key for c in columns].index("frequency") + 1)
            choices.add(f"{letter}{FIRST_ROW}:{letter}{_LAST_CHOICE_ROW}")
            page.add_data_validation(choices)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
