"""Read a filled-in status sheet; status_import.py compares it with the database.

Guarantees:
- All faults are listed at once, each by row and column; an unclear value is a fault, never guessed.
- A row in which nothing is filled in is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from data.progress.replies import ReplyKind
from data.secrecy import is_marked_secret
from data.sheets.phrases import read_day
from data.sheets.row_keys import RowKey, parse_row_key
from data.sheets.status_sheet import (
    FIXED_COLUMNS,
    INPUT_COLUMNS,
    KEY_COLUMN,
    LONGEST_DOCUMENT,
    LONGEST_NOTE,
    REPLY_KIND_BY_LABEL,
    STATUS_PAGE_TITLE,
    STATUS_SHEET_LIMITS,
)
from data.sheets.workbook import (
    MARKED_SECRET,
    ImportRefused,
    WorkbookLimits,
    cell_text,
    read_workbook,
    require_page,
)
from data.text import fold

_MARKED = "có dấu độ mật"
_EARLIEST = date(2000, 1, 1)
# Shown by a spreadsheet in place of a formula's value.
_ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")
_HEADINGS = {column.key: column.heading for column in (*FIXED_COLUMNS, *INPUT_COLUMNS, KEY_COLUMN)}
_KIND_BY_FOLDED = {fold(words): code for words, code in REPLY_KIND_BY_LABEL.items()}


@dataclass(frozen=True, slots=True)
class FilledStatusRow:
    """One row in which something was filled in."""

    row: int
    key: RowKey
    key_text: str
    fixed: dict[str, str] = field(hash=False)
    said: ReplyKind
    percent: int | None
    document: str | None
    document_on: date | None
    note: str | None


class SheetFaults(list[str]):
    """Faults of a sheet, each named by row and column."""

    def add(self, row: int, key: str, words: str) -> None:
        """Add a fault of a row, in the column of a key."""
        self.append(f"Dòng {row}, cột «{_HEADINGS[key]}»: {words}")


def read_status_sheet(
    path: Path, *, today: date, limits: WorkbookLimits = STATUS_SHEET_LIMITS
) -> tuple[list[FilledStatusRow], list[str]]:
    """Return the filled-in rows of a sheet, and its faults; raises ImportRefused for another kind of file."""
    book = read_workbook(path, [STATUS_PAGE_TITLE], limits)
    rows = require_page(path, book, STATUS_PAGE_TITLE, limits).rows
    positions = _find_columns(path, rows[0].values if rows and rows[0].number == 1 else ())
    faults = SheetFaults()
    filled: list[FilledStatusRow] = []
    seen: dict[int, int] = {}
    for row in rows[1:]:
        cells = {key: row.values[position] for key, position in positions.items()}
        if not any(cell_text(cells[column.key]) for column in INPUT_COLUMNS):
            continue
        before = len(faults)
        key = parse_row_key(cell_text(cells["key"]))
        if key is None:
            faults.add(row.number, "key", "dòng này không có trong bảng đã xuất. Hãy bỏ dòng này.")
        elif key.obligation_id in seen:
            earlier = seen[key.obligation_id]
            faults.add(row.number, "key", f"lặp lại việc ở dòng {earlier}. Hãy bỏ một dòng.")
        else:
            seen[key.obligation_id] = row.number
        values = _read_inputs(row.number, cells, faults, today)
        if key is not None and len(faults) == before:
            fixed = {column.key: cell_text(cells[column.key]) for column in FIXED_COLUMNS}
            filled.append(
                FilledStatusRow(row.number, key, cell_text(cells["key"]), fixed, **values)
            )
    if book.is_marked and not any(_MARKED in fault for fault in faults):
        faults.append(f"{path.name}: {MARKED_SECRET}")
    return filled, faults


def _find_columns(path: Path, headings: Sequence[Any]) -> dict[str, int]:
    positions = {fold(cell_text(heading)): index for index, heading in enumerate(headings)}
    missing = [heading for heading in _HEADINGS.values() if fold(heading) not in positions]
    if missing:
        names = ", ".join(f"«{name}»" for name in missing)
        raise ImportRefused(
            [f"{path.name}: thiếu cột {names}. Hãy dùng bảng của «nhacviec export --status»."]
        )
    return {key: positions[fold(heading)] for key, heading in _HEADINGS.items()}


def _read_inputs(
    row: int, cells: dict[str, Any], faults: SheetFaults, today: date
) -> dict[str, Any]:
    for column in INPUT_COLUMNS:
        if cell_text(cells[column.key]) in _ERRORS:
            faults.add(row, column.key, "công thức bị lỗi. Hãy ghi giá trị.")
    words = cell_text(cells["said"])
    said = _KIND_BY_FOLDED.get(fold(words))
    if said is None:
        choices = ", ".join(REPLY_KIND_BY_LABEL)
        why = f"«{words}» không phải trạng thái." if words else "chưa chọn trạng thái."
        faults.add(row, "said", f"{why} Hãy chọn: {choices}.")
    percent = _read_percent(row, cells["percent"], said, faults)
    document, note = cell_text(cells["document"]) or None, cell_text(cells["note"]) or None
    document_on = _read_past_day(row, cells["document_on"], faults, today)
    if document is not None and len(document) > LONGEST_DOCUMENT:
        faults.add(row, "document", f"dài quá {LONGEST_DOCUMENT} chữ.")
    if document is not None and said in ("not_started", "blocked"):
        faults.add(
            row, "document", "chỉ ghi khi đang làm hoặc đã xong; nếu cần, hãy ghi ở Ghi chú."
        )
    if (document is None) != (not cell_text(cells["document_on"])):
        missing = "document" if document is None else "document_on"
        faults.add(row, missing, "số và ngày văn bản phải ghi cùng nhau.")
    if note is not None and len(note) > LONGEST_NOTE:
        faults.add(row, "note", f"dài quá {LONGEST_NOTE} chữ.")
    if note is None and said == "blocked":
        faults.add(row, "note", "vướng mắc thì phải ghi lý do.")
    for key, text in (("document", document), ("note", note)):
        if text is not None and is_marked_secret(text):
            faults.add(row, key, f"{_MARKED}; nội dung mật không được ghi vào đây.")
    return {
        "said": said,
        "percent": percent,
        "document": document,
        "document_on": document_on,
        "note": note,
    }


def _read_percent(row: int, value: Any, said: str | None, faults: SheetFaults) -> int | None:
    text = cell_text(value).removesuffix("%").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 3 or int(text) > 100:
        faults.add(row, "percent", f"«{cell_text(value)}» không phải số nguyên từ 0 đến 100.")
        return None
    percent = int(text)
    if said == "completed":
        if percent != 100:
            faults.add(row, "percent", "đã xong thì để trống hoặc ghi 100.")
        return None
    if said == "not_started" and percent != 0:
        faults.add(row, "percent", "chưa làm thì để trống hoặc ghi 0.")
    return percent


def _read_past_day(row: int, value: Any, faults: SheetFaults, today: date) -> date | None:
    text = cell_text(value)
    if not text:
        return None
    try:
        day = read_day(text)
    except ValueError as error:
        faults.add(row, "document_on", str(error))
        return None
    if day > today:
        faults.add(row, "document_on", f"{day:%d/%m/%Y} còn ở phía trước.")
    elif day < _EARLIEST:
        faults.add(row, "document_on", f"{day:%d/%m/%Y} quá xa. Hãy xem lại năm.")
    return day
