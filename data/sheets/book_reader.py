"""Read a workbook's pages to plain values. Pure; called in a process of its own (workbook.py).

Guarantees:
- A file is looked through before it is built, because openpyxl's objects take 100 times the room of an element.
- Merged cells are named, never filled in; links to other files are never followed.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from datetime import date, datetime
from typing import Any

from data.secrecy import is_marked_secret
from data.sheets.page_marks import find_uncomputed
from data.untrusted.archives import (
    NO_ARCHIVE,
    ArchiveBomb,
    ArchiveLimits,
    ArchiveUnreadable,
    look_through_archive,
)

_MOST_REMEMBERED = 200_000  # texts
_BEGINNING, _MOST_OTHERS = 60, 50  # rows in which a copy of a page shows its header, and pages


def read_book(
    content: bytes,
    *,
    titles: list[str],
    rows: int,
    columns: int,
    unpacked: int,
    elements: int,
) -> dict[str, Any]:
    """Return {"fault": "large" | "none"}, or {"marked", "missing", "pages", "others"}.

    pages: rows, merged cells and formulas without a value, by title. others: the beginnings of other pages.
    marked: a text with a secrecy mark stands anywhere in the file. A row is [number, values] and not empty.
    """
    marked = False
    heard: set[str] = set()
    merged: dict[str, list[str]] = {}

    def hear(words: str) -> None:
        nonlocal marked
        if not marked and words not in heard:
            marked = is_marked_secret(words)
            if len(heard) < _MOST_REMEMBERED:
                heard.add(words)

    try:
        limits = ArchiveLimits(unpacked=unpacked, elements=elements)
        look_through_archive(content, limits, told=hear, merged=merged)
        pages, others = _read_pages(content, titles, rows, columns, merged)
    except ArchiveBomb:
        return {"fault": "large"}
    except (ArchiveUnreadable, *NO_ARCHIVE):
        return {"fault": "none"}
    missing = [title for title in titles if title not in pages]
    return {"fault": "", "marked": marked, "missing": missing, "pages": pages, "others": others}


def _read_pages(
    content: bytes, titles: list[str], rows: int, columns: int, merged: dict[str, list[str]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of Excel extensions that it leaves out
            book = load_workbook(
                io.BytesIO(content), read_only=True, data_only=True, keep_links=False
            )
    except InvalidFileException:
        raise ArchiveUnreadable from None
    pages = {}
    archive = zipfile.ZipFile(io.BytesIO(content))
    for title in titles:
        if title not in book.sheetnames:
            continue
        page = book[title]
        path = getattr(page, "_worksheet_path", "").lstrip("/")
        with archive.open(path) as source:
            uncomputed = find_uncomputed(source)
        pages[title] = {
            "rows": _filled_rows(page, rows + 2, columns),
            "merged": merged.get(path, []),
            "uncomputed": uncomputed,
        }
    others = [page for page in book.worksheets if page.title not in titles][:_MOST_OTHERS]
    return pages, {page.title: _filled_rows(page, _BEGINNING, columns) for page in others}


def _filled_rows(page: Any, last: int, columns: int) -> list[Any]:
    # Without bounds, a row that claims to be the billionth creates a billion empty ones.
    cells = page.iter_rows(min_row=1, max_row=last, max_col=columns)
    return [
        [number, [_plain_value(cell) for cell in row]]
        for number, row in enumerate(cells, 1)
        if any(cell.value not in (None, "") for cell in row)
    ]


def _plain_value(cell: Any) -> Any:
    """Return a cell's value as JSON holds it; 0.6 shown as per cent is 60, a date {"date": "2026-11-15"}."""
    value = cell.value
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return round(value * 100, 6) if "%" in (cell.number_format or "") else value
    if isinstance(value, datetime):
        return {"date": value.date().isoformat()}
    return {"date": value.isoformat()} if isinstance(value, date) else str(value)
