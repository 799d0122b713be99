"""Read a filled-in status sheet; status_import.py compares it with the database.

Guarantees:
- All faults are listed at once, each by row and column; an unclear value is a fault, never guessed.
- A row in which nothing is filled in is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from data.old_fonts import convert_tcvn3, is_vni
from data.progress.replies import ReplyKind
from data.secrecy import is_marked_secret
from data.sheets.page_marks import MOST_MARKS, list_merged_rows
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
from data.sheets.status_words import read_said
from data.sheets.workbook import (
    MARKED_SECRET,
    FilledRow,
    ImportRefused,
    SheetPage,
    Workbook,
    WorkbookLimits,
    cell_text,
    read_workbook,
    require_page,
)
from data.text import compose, fold

_MARKED = "có dấu độ mật"
_EARLIEST = date(2000, 1, 1)
# Shown by a spreadsheet in place of a formula's value.
_ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")
_HEADINGS = {column.key: column.heading for column in (*FIXED_COLUMNS, *INPUT_COLUMNS, KEY_COLUMN)}
_WHOLE = {"completed": 100, "not_started": 0}
_LOWEST_HEADER = 30  # filled rows in which the header is looked for
_MOST_PLACES = 10


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


@dataclass(frozen=True, slots=True)
class StatusSheet:
    """What a sheet says: its filled-in rows, its faults, and what a person should know of it."""

    filled: list[FilledStatusRow]
    faults: list[str]
    notices: list[str]


def read_status_sheet(
    path: Path, *, today: date, limits: WorkbookLimits = STATUS_SHEET_LIMITS
) -> StatusSheet:
    """Return what a sheet says; raises ImportRefused for another kind of file."""
    book = read_workbook(path, [STATUS_PAGE_TITLE], limits)
    page = require_page(path, book, STATUS_PAGE_TITLE, limits)
    header, positions = _find_columns(path, page.rows)
    faults = SheetFaults()
    notices: list[str] = []
    filled: list[FilledStatusRow] = []
    seen: dict[int, int] = {}
    keys: list[RowKey] = []
    _refuse_copies(path, book, faults)
    _refuse_hidden_values(page, positions, header, faults)
    for row in page.rows:
        if row.number <= header:
            continue
        cells = {key: row.values[position] for key, position in positions.items()}
        key = parse_row_key(cell_text(cells["key"]))
        if key is not None:
            keys.append(key)
        if not any(cell_text(cells[column.key]) for column in INPUT_COLUMNS):
            continue
        before = len(faults)
        if key is None:
            faults.add(row.number, "key", "dòng này không có trong bảng đã xuất. Hãy bỏ dòng này.")
        elif key.obligation_id in seen:
            earlier = seen[key.obligation_id]
            faults.add(row.number, "key", f"lặp lại nhiệm vụ ở dòng {earlier}. Hãy bỏ một dòng.")
        else:
            seen[key.obligation_id] = row.number
        _convert_old_fonts(row.number, cells, faults, notices)
        values = _read_inputs(row.number, cells, faults, today)
        if key is not None and len(faults) == before:
            fixed = {column.key: cell_text(cells[column.key]) for column in FIXED_COLUMNS}
            filled.append(
                FilledStatusRow(row.number, key, cell_text(cells["key"]), fixed, **values)
            )
    if not keys:
        faults.append(f"{path.name}: không còn dòng nào của bảng đã xuất. Hãy xuất bảng mới.")
    if len(page.merged) >= MOST_MARKS:
        faults.append(f"{path.name}: quá nhiều ô gộp, không xem hết được. Hãy bỏ gộp.")
    if book.is_marked and not any(_MARKED in fault for fault in faults):
        faults.append(f"{path.name}: {MARKED_SECRET}")
    return StatusSheet(filled, faults, [*_missing_rows(keys), *notices])


def _find_columns(path: Path, rows: Sequence[FilledRow]) -> tuple[int, dict[str, int]]:
    """Return the number of the header's row, and the position of each column; offices put letterheads above."""
    wanted = {fold(heading): heading for heading in _HEADINGS.values()}
    best = max(
        rows[:_LOWEST_HEADER], key=lambda row: len(_headings_of(row) & wanted.keys()), default=None
    )
    found = [] if best is None else [fold(cell_text(value)) for value in best.values]
    missing = [heading for folded, heading in wanted.items() if folded not in found]
    if best is None or missing:
        names = ", ".join(f"«{name}»" for name in missing)
        raise ImportRefused(
            [f"{path.name}: thiếu cột {names}. Hãy dùng bảng của «nhacviec export --status»."]
        )
    twice = [heading for folded, heading in wanted.items() if found.count(folded) > 1]
    if twice:
        names = ", ".join(f"«{name}»" for name in twice)
        raise ImportRefused([f"{path.name}: có hơn một cột {names}. Hãy bỏ bớt, mỗi tên một cột."])
    return best.number, {key: found.index(fold(heading)) for key, heading in _HEADINGS.items()}


def _headings_of(row: FilledRow) -> set[str]:
    return {fold(cell_text(value)) for value in row.values}


def _refuse_copies(path: Path, book: Workbook, faults: SheetFaults) -> None:
    """Refuse a workbook in which another page is a status sheet too: nobody knows which one counts."""
    key, inputs = fold(KEY_COLUMN.heading), {fold(column.heading) for column in INPUT_COLUMNS}
    copies = [
        title
        for title, rows in book.others.items()
        if any(key in found or inputs <= found for found in map(_headings_of, rows))
    ]
    for title in copies:
        faults.append(
            f"{path.name}: trang «{title}» cũng là bảng trạng thái. Hãy chỉ để lại một trang."
        )


def _refuse_hidden_values(
    page: SheetPage, positions: Mapping[str, int], header: int, faults: SheetFaults
) -> None:
    """Refuse cells whose value is not their own: merged over rows, or a formula that was never computed."""
    inputs = {positions[column.key] + 1: column.key for column in INPUT_COLUMNS}
    rows = {row.number: row.values for row in page.rows}
    for top, bottom, left, right in list_merged_rows(page.merged):
        for column, key in inputs.items():
            is_filled = top in rows and cell_text(rows[top][column - 1])
            if left <= column <= right and bottom > header and is_filled:
                words = f"ô gộp từ dòng {top} đến dòng {bottom}. Hãy bỏ gộp và điền từng dòng."
                faults.add(top, key, words)
    for number, column in page.uncomputed:
        if column in inputs and number > header:
            faults.add(number, inputs[column], "công thức chưa có giá trị. Hãy ghi giá trị.")


def _convert_old_fonts(
    row: int, cells: dict[str, Any], faults: SheetFaults, notices: list[str]
) -> None:
    """Read texts typed in TCVN3 as Unicode, and tell it; those in VNI are faults."""
    for column in INPUT_COLUMNS:
        text = cell_text(cells[column.key])
        converted = convert_tcvn3(text)
        if converted is not None:
            notices.append(
                f"Dòng {row}, cột «{column.heading}»: gõ bằng phông TCVN3, đọc là «{converted}»."
            )
            cells[column.key] = converted
        elif is_vni(text):
            words = f"«{text}» gõ bằng phông VNI. Hãy gõ lại bằng Unicode."
            faults.add(row, column.key, words)


def _missing_rows(keys: Sequence[RowKey]) -> list[str]:
    """Tell which rows of an export are not in the file any more."""
    notices = []
    for made_at, rows in sorted({(key.made_at, key.rows) for key in keys}):
        kept = {key.place for key in keys if (key.made_at, key.rows) == (made_at, rows)}
        missing = [place for place in range(1, rows + 1) if place not in kept]
        if missing:
            places = ", ".join(str(place + 1) for place in missing[:_MOST_PLACES])
            more = len(missing) - _MOST_PLACES
            places += f" và {more} dòng nữa" if more > 0 else ""
            notices.append(
                f"Bảng xuất có {rows} nhiệm vụ, tệp này thiếu {len(missing)} (dòng {places} của bảng đã"
                " xuất): các nhiệm vụ ấy giữ nguyên."
            )
    return notices


def _read_inputs(
    row: int, cells: dict[str, Any], faults: SheetFaults, today: date
) -> dict[str, Any]:
    for column in INPUT_COLUMNS:
        if cell_text(cells[column.key]) in _ERRORS:
            faults.add(row, column.key, "công thức bị lỗi. Hãy ghi giá trị.")
    words = cell_text(cells["said"])
    said, stated = read_said(words)
    if said is None:
        choices = ", ".join(REPLY_KIND_BY_LABEL)
        why = f"«{words}» không phải trạng thái." if words else "chưa chọn trạng thái."
        faults.add(row, "said", f"{why} Hãy chọn: {choices}.")
    percent = _read_percent(row, cells["percent"], said, faults)
    if stated is not None and percent is None and said == "in_progress":
        percent = stated
    elif stated is not None and percent not in (None, stated):
        faults.add(row, "percent", f"cột «Trạng thái mới» ghi {stated}%, cột này ghi {percent}%.")
    elif stated is not None and stated != _WHOLE.get(said or "", stated):
        faults.add(row, "said", f"«{words}» không rõ là đã hoàn thành hay chưa. Hãy chọn lại.")
    document, note = cell_text(cells["document"]) or None, cell_text(cells["note"]) or None
    document_on = _read_past_day(row, cells["document_on"], faults, today)
    if document is not None and len(document) > LONGEST_DOCUMENT:
        faults.add(row, "document", f"dài quá {LONGEST_DOCUMENT} chữ.")
    if document is not None and said in ("not_started", "blocked"):
        faults.add(
            row,
            "document",
            "chỉ ghi khi đang thực hiện hoặc đã hoàn thành; nếu cần, hãy ghi ở Ghi chú.",
        )
    if (document is None) != (not cell_text(cells["document_on"])):
        missing = "document" if document is None else "document_on"
        faults.add(row, missing, "số và ngày văn bản phải ghi cùng nhau.")
    if note is not None and len(note) > LONGEST_NOTE:
        faults.add(row, "note", f"dài quá {LONGEST_NOTE} chữ.")
    if note is None and said == "blocked":
        faults.add(row, "note", "có vướng mắc thì phải ghi lý do.")
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
    text = compose(cell_text(value)).removesuffix("%").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 3 or int(text) > 100:
        faults.add(row, "percent", f"«{cell_text(value)}» không phải số nguyên từ 0 đến 100.")
        return None
    percent = int(text)
    if said == "completed":
        if percent != 100:
            faults.add(row, "percent", "đã hoàn thành thì để trống hoặc ghi 100.")
        return None
    if said == "not_started" and percent != 0:
        faults.add(row, "percent", "chưa triển khai thì để trống hoặc ghi 0.")
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
