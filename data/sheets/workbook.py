"""Read untrusted workbooks within limits, and write texts that no spreadsheet takes for a formula.

Guarantees:
- A hostile file (huge, a zip bomb, deeply nested, with entities, no workbook) is refused before it is built.
- Links of a file to other files are never followed.
"""

from __future__ import annotations

import io
import re
import stat
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from xml.parsers import expat

from data.os_errors import explain_os_error
from data.text import strip_invisible

LONGEST_CELL = 32_767  # characters; Excel's own limit, beyond which it calls a file damaged
# A spreadsheet takes a cell for a formula that starts so, even after saving as CSV; see OWASP, "CSV Injection".
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
_NO_SHEET = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, IndexError,
             AttributeError, SyntaxError, NotImplementedError, RuntimeError,
             OverflowError)  # fmt: skip
_MOST_PARTS = 1000  # files within the file
_DEEPEST = 60  # nested elements; sheets of Excel and LibreOffice stay below 20
_READ_BYTES = 1 << 16


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


def open_workbook(path: Path, limits: WorkbookLimits) -> Any:
    """Return a workbook with random access to its cells; raises ImportRefused."""
    return _load_book(path, limits, whole=True)


def read_sheet_rows(
    path: Path, title: str, limits: WorkbookLimits = WorkbookLimits(), *, columns: int = 50
) -> list[FilledRow]:
    """Return the rows of one page that are not empty; raises ImportRefused, also for too many rows.

    A number shown as per cent is returned as shown: 0.6 as 60. A formula has the value that it had when the
    file was saved.
    """
    book = _load_book(path, limits, whole=False)
    if title not in book.sheetnames:
        raise ImportRefused(
            [f"{path.name}: không có trang «{title}». Hãy dùng bảng do nhacviec xuất."]
        )
    try:
        # Without bounds, a row that claims to be the billionth creates a billion empty ones.
        rows = book[title].iter_rows(min_row=1, max_row=limits.rows + 2, max_col=columns)
        filled = [
            FilledRow(number, tuple(map(_shown_value, row)))
            for number, row in enumerate(rows, 1)
            if any(cell.value not in (None, "") for cell in row)
        ]
    except _NO_SHEET:
        raise _no_sheet(path) from None
    finally:
        book.close()
    if filled and filled[-1].number > limits.rows + 1:
        raise ImportRefused([f"{path.name}: quá {limits.rows} dòng. Hãy chia thành nhiều tệp."])
    return filled


def _shown_value(cell: Any) -> Any:
    value = cell.value
    if (
        isinstance(value, float | int)
        and not isinstance(value, bool)
        and "%" in (cell.number_format or "")
    ):
        return round(value * 100, 6)
    return value


def _load_book(path: Path, limits: WorkbookLimits, *, whole: bool) -> Any:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

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
    try:
        _refuse_bomb(content, path, limits)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of Excel extensions that it leaves out
            return load_workbook(
                io.BytesIO(content), read_only=not whole, data_only=True, keep_links=False
            )
    except (*_NO_SHEET, InvalidFileException, OSError):
        raise _no_sheet(path) from None


def _refuse_bomb(content: bytes, path: Path, limits: WorkbookLimits) -> None:
    """Scan all parts and keep nothing, because openpyxl's objects take 100 times the room of an element.

    zipfile reads no more of a part than its declared size, and refuses one that holds more. A document type,
    which alone can declare entities, is refused: ECMA-376 Part 2, §8.1.1.1.3 forbids it.
    """
    left = [limits.elements]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > limits.unpacked:
            raise _too_large_error(path)
        for part in parts:
            try:
                with archive.open(part) as stream:
                    _scan_xml(stream, left)
            except expat.ExpatError:  # fine for a picture or a printer's settings
                if part.filename.endswith((".xml", ".rels")):
                    raise _no_sheet(path) from None
            except _Bomb:
                raise _too_large_error(path) from None


class _Bomb(Exception):
    """The file has too many elements, too deep ones, or entities."""


def _scan_xml(stream: Any, left: list[int]) -> None:
    depth = 0

    def begin(_name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        left[0] -= 1
        if depth > _DEEPEST or left[0] < 0:
            raise _Bomb

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_what: object) -> None:
        raise _Bomb

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.StartDoctypeDeclHandler = refuse
    while piece := stream.read(_READ_BYTES):
        parser.Parse(piece)
    parser.Parse(b"", True)


def _too_large_error(path: Path) -> ImportRefused:
    return ImportRefused([f"{path.name}: nội dung quá lớn. Hãy kiểm tra lại."])


def _no_sheet(path: Path) -> ImportRefused:
    return ImportRefused([f"{path.name}: không phải tệp Excel .xlsx. Hãy lưu lại dạng .xlsx."])
