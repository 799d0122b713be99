"""File forms of an export: a workbook with a sheet a page, one JSON document, or JSON lines.

Guarantees:
- Rows are written as they come, so memory stays flat.
- A workbook holds dates as dates and numbers as numbers; no text becomes a formula or a link.
- JSON holds every text unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

from data.clock import ZONE
from data.exports.page import ExportColumn, ExportPage
from data.sheets.workbook import neutralize_formula

MOST_SHEET_ROWS = 1_048_575  # of a page beside its heading; Excel's own limit
_FIRST_YEAR = 1900  # of Excel's calendar
_WRAPPED_FROM = 40  # characters; columns as wide hold sentences


class Sink(Protocol):
    """Destination of an export: begin a page, add its rows, begin the next, close at the end."""

    def begin(self, page: ExportPage) -> None:
        """Begin a page."""

    def add(self, values: Sequence[Any]) -> None:
        """Add a row to the page begun last."""

    def close(self) -> None:
        """End the file."""


class WorkbookSink:
    """A workbook with a sheet for each page; a page with too many rows continues on a further sheet."""

    def __init__(self, path: Path, *, most_rows: int = MOST_SHEET_ROWS) -> None:
        from xlsxwriter import Workbook  # here, so that an idle service does not hold it in memory

        # Its temporary files lie in the folder of the file, which the caller removes after a fault.
        self._book = Workbook(path, {"constant_memory": True, "tmpdir": str(path.parent)})
        self._book.use_zip64()
        self._heading = self._book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self._formats = {
            "plain": self._book.add_format({"valign": "top"}),
            "wrapped": self._book.add_format({"valign": "top", "text_wrap": True}),
            "date": self._book.add_format({"valign": "top", "num_format": "dd/mm/yyyy"}),
            "instant": self._book.add_format({"valign": "top", "num_format": "dd/mm/yyyy hh:mm"}),
        }
        self._most = most_rows
        self._sheet: Any = None
        self._row = 0
        self._part = 1
        self._page: ExportPage | None = None

    def begin(self, page: ExportPage) -> None:
        self._page, self._part = page, 1
        self._open(page.title, page.columns)

    def _open(self, title: str, columns: Sequence[ExportColumn]) -> None:
        self._end()
        self._sheet, self._row = self._book.add_worksheet(title), 0
        self._sheet.freeze_panes(1, 0)
        for index, column in enumerate(columns):
            self._sheet.set_column(index, index, column.width)
            self._sheet.write_string(0, index, column.heading, self._heading)

    def add(self, values: Sequence[Any]) -> None:
        assert self._page is not None
        if self._row == self._most:
            self._part += 1
            self._open(f"{self._page.title} ({self._part})", self._page.columns)
        self._row += 1
        for index, (column, value) in enumerate(zip(self._page.columns, values, strict=True)):
            self._write(index, column, value)

    def _write(self, index: int, column: ExportColumn, value: Any) -> None:
        cell = (self._row, index)
        if isinstance(value, bool):
            value = "có" if value else None
        if isinstance(value, list):
            value = "; ".join(value)
        if value is None or value == "":
            return
        if isinstance(value, date) and value.year >= _FIRST_YEAR:
            if isinstance(value, datetime):
                local = value.astimezone(ZONE).replace(tzinfo=None)
                self._sheet.write_datetime(*cell, local, self._formats["instant"])
            else:
                self._sheet.write_datetime(*cell, value, self._formats["date"])
        elif isinstance(value, int | float):
            self._sheet.write_number(*cell, value, self._formats["plain"])
        else:
            words = column.labels.get(value, value) if isinstance(value, str) else str(value)
            wide = "wrapped" if column.width >= _WRAPPED_FROM else "plain"
            self._sheet.write_string(*cell, neutralize_formula(words), self._formats[wide])

    def _end(self) -> None:
        if self._sheet is not None and self._page is not None:
            self._sheet.autofilter(0, 0, max(self._row, 1), len(self._page.columns) - 1)

    def close(self) -> None:
        self._end()
        self._book.close()


class JsonSink:
    """One JSON document with a list for each page, or (lines) one object a row that names its page."""

    def __init__(self, path: Path, about: Mapping[str, Any], *, lines: bool) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._lines = lines
        self._page: ExportPage | None = None
        self._is_first = True
        head = _ENCODER.encode(about)
        self._file.write(f"{head}\n" if lines else head.removesuffix("}"))

    def begin(self, page: ExportPage) -> None:
        if not self._lines:
            self._file.write("],\n" if self._page is not None else ",\n")
            self._file.write(f'"{page.key}": [')
        self._page, self._is_first = page, True

    def add(self, values: Sequence[Any]) -> None:
        assert self._page is not None
        named: dict[str, Any] = {"page": self._page.key} if self._lines else {}
        keys = (column.key for column in self._page.columns)
        named.update(zip(keys, values, strict=True))
        row = _ENCODER.encode(named)
        if not self._lines:
            self._file.write("\n" if self._is_first else ",\n")
        self._file.write(f"{row}\n" if self._lines else row)
        self._is_first = False

    def close(self) -> None:
        if not self._lines:
            self._file.write("]}\n" if self._page is not None else "}\n")
        self._file.close()


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=_plain)
