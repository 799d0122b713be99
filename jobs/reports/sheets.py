"""Tables as sheets of one XlsxWriter workbook, written a row at a time.

Guarantees:
- Memory does not grow with the rows.
- No text becomes a formula, neither here nor in a later copy to CSV.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from data.clock import ZONE
from data.sheets.workbook import neutralize_formula

MOST_ROWS = 1_048_575  # of one sheet beside its heading: Excel's own limit
_WRAPPED_FROM = 24  # characters
_A3, _A4, _WIDE = 8, 9, 220  # Excel's numbers of paper; characters that A4 cannot show in a row
_LINE_HEIGHT, _MOST_LINES = 15, 20  # points; Excel itself goes no higher than 409
_LONGEST_NAME = 31
_UNFIT = str.maketrans(dict.fromkeys("[]:*?/\\", "-"))
_STYLES: dict[str, dict[str, Any]] = {
    "heading": {"bold": True, "text_wrap": True, "bg_color": "#DDE7F0"},
    "plain": {},
    "wrapped": {"text_wrap": True},
    "day": {"num_format": "dd/mm/yyyy"},
    "instant": {"num_format": "dd/mm/yyyy hh:mm"},
}


class ReportColumn(NamedTuple):
    """A column: the key of its values in the rows, its heading, its width in characters."""

    key: str
    heading: str
    width: int


class ReportWorkbook:
    """A workbook that takes one table after another; see `open_workbook`."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._names: set[str] = set()
        self._formats = {
            name: book.add_format({"valign": "top", **style}) for name, style in _STYLES.items()
        }

    def add_table(
        self, title: str, columns: Sequence[ReportColumn], rows: Iterable[Mapping[str, Any]]
    ) -> None:
        """Write a table on a sheet, and on more where it outgrows one; a row's missing keys stay blank."""
        sheet, number = self._add_sheet(title, columns), 0
        for row in rows:
            if number == MOST_ROWS:
                _add_filter(sheet, number, columns)
                sheet, number = self._add_sheet(title, columns), 0
            number += 1
            values = [row.get(column.key) for column in columns]
            sheet.set_row(number, _row_height(values, columns))
            for index, value in enumerate(values):
                self._write_cell(sheet, number, index, value, columns[index].width)
        _add_filter(sheet, number, columns)

    def _add_sheet(self, title: str, columns: Sequence[ReportColumn]) -> Any:
        sheet = self._book.add_worksheet(self._sheet_name(title))
        sheet.freeze_panes(1, 0)
        # On paper: as wide as a page, its heading on each.
        sheet.set_landscape()
        sheet.set_paper(_A3 if sum(column.width for column in columns) > _WIDE else _A4)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_row(0, _row_height([column.heading for column in columns], columns))
        for index, column in enumerate(columns):
            sheet.set_column(index, index, column.width)
            sheet.write_string(0, index, column.heading, self._formats["heading"])
        return sheet

    def _sheet_name(self, title: str) -> str:
        """Return a new name for a sheet, of the letters and length that Excel takes."""
        base, name, count = title.translate(_UNFIT).strip("'"), "", 1
        while not name or name.casefold() in self._names:
            end = f" ({count})" if count > 1 else ""
            name, count = base[: _LONGEST_NAME - len(end)] + end, count + 1
        self._names.add(name.casefold())
        return name

    def _write_cell(self, sheet: Any, row: int, index: int, value: Any, width: int) -> None:
        formats = self._formats
        if value is None or value == "":
            return
        if isinstance(value, datetime):
            local = value.astimezone(ZONE).replace(tzinfo=None)
            sheet.write_datetime(row, index, local, formats["instant"])
        elif isinstance(value, date):
            sheet.write_datetime(row, index, value, formats["day"])
        elif isinstance(value, bool):
            sheet.write_string(row, index, "có" if value else "không", formats["plain"])
        elif isinstance(value, int):
            sheet.write_number(row, index, value, formats["plain"])
        else:
            style = formats["wrapped" if width >= _WRAPPED_FROM else "plain"]
            sheet.write_string(row, index, neutralize_formula(value), style)


@contextmanager
def write_workbook(out: io.BytesIO) -> Iterator[ReportWorkbook]:
    """Open a workbook that is in `out` at the end; temporary files go, whatever happens."""
    from xlsxwriter import Workbook  # here, for idle memory counts

    with TemporaryDirectory(prefix="nhacviec-") as aside:
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "tmpdir": aside,
        }
        book = Workbook(out, options)
        book.use_zip64()
        try:
            yield ReportWorkbook(book)
        except BaseException:
            # XlsxWriter closes its temporary files only in close().
            for sheet in book.worksheets():
                sheet.row_data_fh.close()
            raise
        book.close()


def _add_filter(sheet: Any, rows: int, columns: Sequence[ReportColumn]) -> None:
    sheet.autofilter(0, 0, max(rows, 1), len(columns) - 1)


def _row_height(values: Sequence[Any], columns: Sequence[ReportColumn]) -> int:
    """Return the height that shows a row's texts whole; spreadsheet programs compute none for such files."""
    lines = 1
    for value, column in zip(values, columns, strict=True):
        room = column.width - 2
        if isinstance(value, str) and len(value) > room:
            lines = max(lines, -(-len(value) // room) + value.count("\n"))
    return _LINE_HEIGHT * min(lines, _MOST_LINES)
