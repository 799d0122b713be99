"""Tables as sheets of one XlsxWriter workbook, written a row at a time.

Guarantees:
- Memory does not grow with the rows.
- No text becomes a formula, neither here nor in a later copy to CSV.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from data.clock import ZONE
from data.sheets.workbook import neutralize_formula

MOST_ROWS = 1_048_575  # of one sheet beside its heading: Excel's own limit
_WRAPPED_FROM = 10  # characters
_REPEATED = 2  # columns, on a page beside another
_PAGE_UNITS = 100  # of width, with what each column adds, across a landscape A4 page at full size
_A4 = 9  # Excel's number of the paper
_LINE_HEIGHT, _MOST_LINES = 13.5, 30  # points; Excel itself goes no higher than 409
# Letters of this font in a unit of width, and what a line loses where a word does not fit.
_LETTERS_A_UNIT, _LONGEST_HALF = 1.45, 3
_LONGEST_NAME = 31
_UNFIT = str.maketrans(dict.fromkeys("[]:*?/\\", "-"))
_FONT = {"font_name": "Times New Roman", "font_size": 10, "border": 1}
_STYLES: dict[str, dict[str, Any]] = {
    "heading": {"bold": True, "text_wrap": True, "align": "center", "valign": "vcenter"},
    "title": {"bold": True, "border": 0, "font_size": 12},
    "note": {"border": 0},
    "group": {"bold": True},
    "plain": {},
    "number": {"align": "center"},
    "wrapped": {"text_wrap": True},
    "day": {"num_format": "dd/mm/yyyy", "align": "center"},
    "instant": {"num_format": "dd/mm/yyyy hh:mm"},
}


class ReportColumn(NamedTuple):
    """A column: the key of its values in the rows, its heading, its width in characters.

    choices: the words that may stand in it. hidden: kept for a program, not for readers.
    """

    key: str
    heading: str
    width: int
    choices: tuple[str, ...] = ()
    hidden: bool = False


class ReportWorkbook:
    """A workbook that takes one table after another, or several side by side; see `write_workbook`."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._names: set[str] = set()
        self._lists: dict[tuple[str, ...], str] = {}
        self.formats = {
            name: book.add_format({"valign": "top", **_FONT, **style})
            for name, style in _STYLES.items()
        }

    def add_table(
        self, title: str, columns: Sequence[ReportColumn], rows: Iterable[Mapping[str, Any]]
    ) -> None:
        """Write a table on a sheet, and on more where it outgrows one; a row's missing keys stay blank."""
        table = self.open_table(title, columns)
        for row in rows:
            table.write(row)
        table.close()

    def open_table(
        self,
        title: str,
        columns: Sequence[ReportColumn],
        *,
        above: Sequence[str] = (),
        second_page: str = "",
    ) -> OpenTable:
        """Begin a table; write its rows while others are open, and close it. above: lines over its heading.

        second_page: the column that begins a second page beside the first, which repeats the first two.
        """
        return OpenTable(self, title, columns, above, second_page)

    def add_sheet(
        self,
        title: str,
        columns: Sequence[ReportColumn],
        above: Sequence[str],
        second_page: str = "",
    ) -> Any:
        """Return a new sheet with its headings, laid out for paper."""
        sheet = self._book.add_worksheet(self._sheet_name(title))
        head = len(above)
        for row, words in enumerate(above):
            sheet.write_string(row, _first_free(second_page), words, self.formats["title"])
        sheet.freeze_panes(head + 1, 0)
        # On paper: as wide as a page, its heading on each.
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        if second_page:
            cut = [column.key for column in columns].index(second_page)
            widths = [0 if column.hidden else column.width for column in columns]
            widest = max(sum(widths[:cut]), sum(widths[:_REPEATED]) + sum(widths[cut:]))
            sheet.set_print_scale(min(100, 100 * _PAGE_UNITS // widest))
            sheet.set_v_pagebreaks([cut])
            sheet.repeat_columns(0, _REPEATED - 1)
            sheet.print_across()
        else:
            sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(head)
        sheet.set_row(head, _row_height([column.heading for column in columns], columns))
        for index, column in enumerate(columns):
            options = {"hidden": True} if column.hidden else {}
            sheet.set_column(index, index, column.width, None, options)
            sheet.write_string(head, index, column.heading, self.formats["heading"])
        return sheet

    def list_source(self, choices: tuple[str, ...]) -> str:
        """Return the cells that hold a list of choices, on a hidden sheet of its own."""
        if choices not in self._lists:
            name = self._sheet_name("Danh mục")
            sheet = self._book.add_worksheet(name)
            for row, words in enumerate(choices):
                sheet.write_string(row, 0, words, self.formats["plain"])
            sheet.hide()
            self._lists[choices] = f"='{name}'!$A$1:$A${len(choices)}"
        return self._lists[choices]

    def _sheet_name(self, title: str) -> str:
        """Return a new name for a sheet, of the letters and length that Excel takes."""
        base, name, count = title.translate(_UNFIT).strip("'"), "", 1
        while not name or name.casefold() in self._names:
            end = f" ({count})" if count > 1 else ""
            name, count = base[: _LONGEST_NAME - len(end)] + end, count + 1
        self._names.add(name.casefold())
        return name


class OpenTable:
    """A table that rows are being written to."""

    def __init__(
        self,
        book: ReportWorkbook,
        title: str,
        columns: Sequence[ReportColumn],
        above: Sequence[str],
        second_page: str,
    ) -> None:
        self._book = book
        self._title = title
        self._columns = columns
        self._second_page = second_page
        self._sheet = book.add_sheet(title, columns, above, second_page)
        self._head = self._number = len(above)

    def write(self, row: Mapping[str, Any]) -> None:
        """Write a row; missing keys stay blank."""
        number = self._next_row()
        values = [row.get(column.key) for column in self._columns]
        self._sheet.set_row(number, _row_height(values, self._columns))
        for index, value in enumerate(values):
            self._write_cell(number, index, value, self._columns[index].width)

    def write_group(self, words: str, key: str) -> None:
        """Write a row that heads those after it: its words in one column, no cell merged."""
        number = self._next_row()
        style = self._book.formats["group"]
        for index, column in enumerate(self._columns):
            if column.key == key:
                self._sheet.write_string(number, index, neutralize_formula(words), style)
            else:
                self._sheet.write_blank(number, index, None, style)

    def close(self) -> None:
        """End the table: its filter, and the lists of its choices."""
        first, last = self._head + 1, max(self._number, self._head + 1)
        self._sheet.autofilter(self._head, 0, last, len(self._columns) - 1)
        for index, column in enumerate(self._columns):
            if column.choices and self._number > self._head:
                source = self._book.list_source(column.choices)
                self._sheet.data_validation(
                    first, index, last, index, {"validate": "list", "source": source}
                )

    def write_note(self, words: str) -> None:
        """Write a line under a table that was closed."""
        self._number += 1
        self._sheet.write_string(
            self._number,
            _first_free(self._second_page),
            neutralize_formula(words),
            self._book.formats["note"],
        )

    def _next_row(self) -> int:
        if self._number == MOST_ROWS:
            self.close()
            self._sheet = self._book.add_sheet(self._title, self._columns, (), self._second_page)
            self._head = self._number = 0
        self._number += 1
        return self._number

    def _write_cell(self, row: int, index: int, value: Any, width: int) -> None:
        formats, sheet = self._book.formats, self._sheet
        if value is None or value == "":
            sheet.write_blank(row, index, None, formats["plain"])
        elif isinstance(value, datetime):
            local = value.astimezone(ZONE).replace(tzinfo=None)
            sheet.write_datetime(row, index, local, formats["instant"])
        elif isinstance(value, date):
            sheet.write_datetime(row, index, value, formats["day"])
        elif isinstance(value, bool):
            sheet.write_string(row, index, "có" if value else "không", formats["plain"])
        elif isinstance(value, int):
            sheet.write_number(row, index, value, formats["number"])
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


def _first_free(second_page: str) -> int:
    """Return the column where a long line begins: in one that is repeated it would be cut short there."""
    return _REPEATED if second_page else 0


def _row_height(values: Sequence[Any], columns: Sequence[ReportColumn]) -> float:
    """Return the height that shows a row's texts whole; spreadsheet programs compute none for such files."""
    lines = 1
    for value, column in zip(values, columns, strict=True):
        if not isinstance(value, str) or column.hidden:
            continue
        room = max(column.width * _LETTERS_A_UNIT - _LONGEST_HALF, 3)
        told = sum(max(1, math.ceil(len(part) / room)) for part in value.split("\n"))
        lines = max(lines, told)
    return _LINE_HEIGHT * min(lines, _MOST_LINES)
