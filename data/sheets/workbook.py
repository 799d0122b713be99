"""Read untrusted workbooks within limits, and write texts that no spreadsheet takes for a formula.

Guarantees:
- A hostile file (huge, a zip bomb, deeply nested, with entities, no workbook) is refused before it is built,
  and is opened in a process of its own: whatever it does ends there, within its seconds and memory.
- Links of a file to other files are never followed.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from data.os_errors import explain_os_error
from data.secrecy import is_name_marked_secret
from data.text import strip_invisible
from data.untrusted.apart import CallFailed, CallNotStarted, Room, call_apart

LONGEST_CELL = 32_767  # characters; Excel's own limit, beyond which it calls a file damaged
# A spreadsheet takes a cell for a formula that starts so, even after saving as CSV; see OWASP, "CSV Injection".
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
MARKED_SECRET = "có dấu chỉ độ mật; nội dung mật không được nhập vào đây."

_ROOM = Room(seconds=120, memory=1536 * 1024 * 1024, result=256 * 1024 * 1024)


class ImportRefused(Exception):
    """A sheet cannot be imported; str() names every fault by its cell, in Vietnamese."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class WorkbookLimits:
    """How large a file may be: packed, unpacked, in rows of one page, and in XML elements altogether.

    A row of 16 cells is 33 elements and each text of its own two more.
    """

    packed: int = 10_000_000
    unpacked: int = 200_000_000
    rows: int = 100_000
    elements: int = 6_000_000


@dataclass(frozen=True, slots=True)
class FilledRow:
    """One row that is not empty: its number, and its values from the first column on."""

    number: int
    values: tuple[Any, ...]


def neutralize_formula(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, with an apostrophe before it where needed.

    Characters that no cell can hold are left out; a text that is too long ends in "…".
    """
    text = strip_invisible(_UNPRINTABLE.sub("", text.replace("\r\n", "\n")))
    if text.startswith(_STARTS_FORMULA):
        text = f"'{text}"
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


def cell_text(value: object) -> str:
    """Return a cell's words: dates as people write them, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, date):  # or a datetime: cells hold civil dates
        return value.strftime("%d/%m/%Y")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).replace("\r\n", "\n").strip()


@dataclass(frozen=True, slots=True)
class SheetPage:
    """The rows of one page that are not empty; merged: "B2:B5"; uncomputed: row and column of formulas, from 1."""

    rows: tuple[FilledRow, ...]
    merged: tuple[str, ...]
    uncomputed: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Workbook:
    """Pages that were asked for, by title; is_marked: a secrecy mark stands somewhere in the file.

    others: the first rows of other pages, by title.
    """

    pages: Mapping[str, SheetPage]
    missing: tuple[str, ...]
    others: Mapping[str, tuple[FilledRow, ...]]
    is_marked: bool


def read_workbook(
    path: Path, titles: Sequence[str], limits: WorkbookLimits, *, columns: int = 50
) -> Workbook:
    """Return the pages of a workbook; raises ImportRefused. A page has at most limits.rows + 2 rows.

    A number shown as per cent is returned as shown: 0.6 as 60. A formula has the value that it had when the
    file was saved.
    """
    if is_name_marked_secret(path.name):
        raise ImportRefused([f"{path.name}: tên tệp {MARKED_SECRET}"])
    given = {
        "titles": list(titles),
        "rows": limits.rows,
        "columns": columns,
        "unpacked": limits.unpacked,
        "elements": limits.elements,
    }
    content = _read_content(path, limits)
    try:
        read = call_apart("data.sheets.book_reader:read_book", content, given, room=_ROOM)
    except CallNotStarted:
        raise ImportRefused(
            [f"{path.name}: máy đang bận, chưa mở được tệp. Hãy thử lại sau."]
        ) from None
    except CallFailed:
        read = {"fault": "large"}
    if read["fault"] == "large":
        raise ImportRefused([f"{path.name}: nội dung quá lớn. Hãy kiểm tra lại."])
    if read["fault"]:
        raise _no_sheet(path)
    pages = {
        title: SheetPage(
            _rows(page["rows"]),
            tuple(page["merged"]),
            tuple((row, column) for row, column in page["uncomputed"]),
        )
        for title, page in read["pages"].items()
    }
    others = {title: _rows(rows) for title, rows in read["others"].items()}
    return Workbook(pages, tuple(read["missing"]), others, read["marked"])


def _rows(read: Sequence[Any]) -> tuple[FilledRow, ...]:
    return tuple(FilledRow(number, tuple(map(_value, values))) for number, values in read)


def require_page(path: Path, book: Workbook, title: str, limits: WorkbookLimits) -> SheetPage:
    """Return a page; raises ImportRefused where it is missing or has too many rows."""
    if title in book.missing:
        raise ImportRefused(
            [f"{path.name}: không có trang «{title}». Hãy dùng bảng do nhacviec xuất."]
        )
    page = book.pages[title]
    if page.rows and page.rows[-1].number > limits.rows + 1:
        raise ImportRefused([f"{path.name}: quá {limits.rows} dòng. Hãy chia thành nhiều tệp."])
    return page


def _value(value: Any) -> Any:
    return date.fromisoformat(value["date"]) if isinstance(value, dict) else value


def _read_content(path: Path, limits: WorkbookLimits) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would never end
            raise _no_sheet(path)
        with path.open("rb") as file:
            size = status.st_size
            content = file.read(limits.packed + 1) if size <= limits.packed else b""
    except OSError as error:
        raise ImportRefused([f"{path}: không đọc được tệp ({explain_os_error(error)})."]) from None
    if max(size, len(content)) > limits.packed:
        raise ImportRefused(
            [f"{path.name}: tệp quá lớn ({size // 1_000_000} MB). Hãy kiểm tra lại."]
        )
    return content


def _no_sheet(path: Path) -> ImportRefused:
    return ImportRefused(
        [f"{path.name or path}: không phải tệp Excel .xlsx. Hãy lưu lại dạng .xlsx."]
    )
