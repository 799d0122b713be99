"""Consolidated reports as one spreadsheet: what they come to, each plan's lines, what agencies said.

Promises a sheet a plan with every agency's line and its source, filters and frozen headings, and that no
text becomes a formula: each is written as text, and one that a later copy to CSV would turn into a
formula (= + - @ …) bears an apostrophe. Memory does not grow with the lines. XlsxWriter is imported when
a sheet is written, for idle memory counts.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from tempfile import TemporaryDirectory
from typing import Any

from data.clock import ZONE
from data.figures.tasks import Figures
from data.registry.titles import period_name
from data.reports.facts import AgencyLine, ReportFacts, TaskFacts, find_sum_errors
from data.sheets.workbook import neutralize_formula
from jobs.reports.docx import UnreconciledReport
from jobs.reports.labels import SAID_WORDS, SILENT, STATE_WORDS, UNASSIGNED

MOST_ROWS = 1_048_575  # of one sheet, without its heading: Excel's own limit
Lines = Iterable[tuple[TaskFacts, Sequence[AgencyLine]]]
Progress = Callable[[int, int], None]

_Columns = Sequence[tuple[str, int]]  # heading, width in characters
_WRAPPED_FROM = 24
_A3, _A4, _WIDE = 8, 9, 220  # Excel's numbers of paper; characters that A4 cannot show in a row
_LINE_HEIGHT, _MOST_LINES = 15, 20  # points; Excel itself goes no higher than 409
_LONGEST_NAME = 31
_UNFIT = str.maketrans(dict.fromkeys("[]:*?/\\", "-"))
_STATES = tuple(STATE_WORDS.items())
# No sign that a spreadsheet would take for the start of a formula.
_COMPARED = {">=": "≥", ">": ">", "=": "bằng", "<=": "≤", "<": "<", "range": "trong khoảng"}

_WHOLE: _Columns = (
    ("Kế hoạch", 18), ("Cơ quan theo dõi", 28), ("Kỳ", 20), ("Số liệu đến", 13), ("Số liệu", 10),
    ("Nhóm nhiệm vụ", 60), ("Tổng số", 9), *((words, 14) for _, words in _STATES),
    ("Chờ xác nhận", 10), ("Chưa giao", 10), ("Dòng cơ quan", 10), ("Chưa báo cáo", 10),
)  # fmt: skip
_LINES: _Columns = (
    ("Mã", 10), ("Nhóm nhiệm vụ", 32), ("Nội dung nhiệm vụ", 60), ("Thời gian", 16), ("Cơ quan", 32),
    ("Tình trạng", 26), ("Chờ xác nhận", 10), ("Tiến độ (%)", 9), ("Hạn", 12), ("Ngày hoàn thành", 12),
    ("Văn bản", 20), ("Ngày văn bản", 12), ("Căn cứ", 16), ("Cơ quan nói", 28), ("Người nói", 20),
    ("Lúc", 17), ("Lời", 50),
)  # fmt: skip
_REPORTS: _Columns = (
    ("Kế hoạch", 18), ("Mã", 10), ("Báo cáo", 40), ("Hạn", 12), ("Phải nhận", 10), ("Đã nhận", 10),
    ("Trong đó muộn", 10), ("Còn thiếu", 10), ("Cơ quan còn thiếu", 80),
)  # fmt: skip
_SAID: _Columns = (
    ("Kế hoạch", 18), ("Loại", 18), ("Cơ quan", 32), ("Mã", 10), ("Lời", 90), ("Người nói", 20),
    ("Lúc", 17),
)  # fmt: skip
_TARGETS: _Columns = (
    ("Kế hoạch", 18), ("Mã", 10), ("Chỉ tiêu", 70), ("Năm", 8), ("So sánh", 9), ("Mục tiêu", 12),
    ("Đơn vị", 16), ("Kết quả", 12), ("Năm kết quả", 9), ("Đạt", 8), ("Nguồn", 40),
)  # fmt: skip
_SILENT: _Columns = (("Kế hoạch", 18), ("Cơ quan chưa báo cáo gì trong kỳ", 50))


@dataclass(slots=True)
class _Formats:
    heading: Any
    plain: Any
    wrapped: Any
    day: Any
    instant: Any


def report_xlsx(
    plans: Sequence[tuple[ReportFacts, Lines]], *, progress: Progress | None = None
) -> bytes:
    """Return one spreadsheet of several plans' reports.

    Raises ReportRefused where sums do not reconcile, those of the lines included. lines: read once, in
    the order of the tasks. progress is told (tasks written, tasks).
    """
    from xlsxwriter import Workbook

    if reasons := [reason for facts, _ in plans for reason in find_sum_errors(facts)]:
        raise UnreconciledReport(reasons)
    out = io.BytesIO()
    total = sum(facts.figures.total for facts, _ in plans)
    # What is set aside goes, whatever happens.
    with TemporaryDirectory(prefix="nhacviec-") as aside:
        book = Workbook(
            out,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "tmpdir": aside,
            },
        )
        book.use_zip64()
        try:
            _fill(_Sheets(book), plans, total, progress)
        except BaseException:
            # A book that is given up never closes what it set aside.
            for sheet in book.worksheets():
                sheet.row_data_fh.close()
            raise
        book.close()
    return out.getvalue()


def _fill(
    sheets: _Sheets,
    plans: Sequence[tuple[ReportFacts, Lines]],
    total: int,
    progress: Progress | None,
) -> None:
    sheets.write("Tổng hợp", _WHOLE, (row for facts, _ in plans for row in _summary_rows(facts)))
    done = 0
    for facts, lines in plans:
        rows = _lines(facts, lines, done=done, total=total, progress=progress)
        sheets.write(facts.number, _LINES, rows)
        done += facts.figures.total
    every = [facts for facts, _ in plans]
    sheets.write("Nộp báo cáo", _REPORTS, _reports(every))
    sheets.write("Khó khăn, kiến nghị", _SAID, _quote_rows(every))
    sheets.write("Chỉ tiêu", _TARGETS, _targets(every))
    silent = ((each.number, name) for each in every for name in each.silent)
    sheets.write("Chưa báo cáo", _SILENT, silent)


class _Sheets:
    """A workbook that takes tables row by row, one sheet after another."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._names: set[str] = set()
        top = {"valign": "top"}
        self._formats = _Formats(
            heading=book.add_format(
                {**top, "bold": True, "text_wrap": True, "bg_color": "#DDE7F0"}
            ),
            plain=book.add_format(top),
            wrapped=book.add_format({**top, "text_wrap": True}),
            day=book.add_format({**top, "num_format": "dd/mm/yyyy"}),
            instant=book.add_format({**top, "num_format": "dd/mm/yyyy hh:mm"}),
        )

    def write(self, title: str, columns: _Columns, rows: Iterable[Sequence[Any]]) -> None:
        """Write a table; one that outgrows a sheet goes on in the next."""
        sheet, number = self._begin(title, columns), 0
        for row in rows:
            if number == MOST_ROWS:
                self._end(sheet, number, columns)
                sheet, number = self._begin(title, columns), 0
            number += 1
            sheet.set_row(number, _height(row, columns))
            for index, value in enumerate(row):
                self._cell(sheet, number, index, value, columns[index][1])
        self._end(sheet, number, columns)

    def _begin(self, title: str, columns: _Columns) -> Any:
        sheet = self._book.add_worksheet(self._name(title))
        sheet.freeze_panes(1, 0)
        # On paper: as wide as a page, its heading on each.
        sheet.set_landscape()
        sheet.set_paper(_A3 if sum(width for _, width in columns) > _WIDE else _A4)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_row(0, _height([heading for heading, _ in columns], columns))
        for index, (heading, width) in enumerate(columns):
            sheet.set_column(index, index, width)
            sheet.write_string(0, index, heading, self._formats.heading)
        return sheet

    def _end(self, sheet: Any, rows: int, columns: _Columns) -> None:
        sheet.autofilter(0, 0, max(rows, 1), len(columns) - 1)

    def _name(self, title: str) -> str:
        """Return a sheet's name: of the letters and length that Excel takes, and no other's."""
        base, name, count = title.translate(_UNFIT).strip("'"), "", 1
        while not name or name.casefold() in self._names:
            end = f" ({count})" if count > 1 else ""
            name, count = base[: _LONGEST_NAME - len(end)] + end, count + 1
        self._names.add(name.casefold())
        return name

    def _cell(self, sheet: Any, row: int, index: int, value: Any, width: int) -> None:
        formats = self._formats
        if value is None or value == "":
            return
        if isinstance(value, datetime):
            local = value.astimezone(ZONE).replace(tzinfo=None)
            sheet.write_datetime(row, index, local, formats.instant)
        elif isinstance(value, date):
            sheet.write_datetime(row, index, value, formats.day)
        elif isinstance(value, bool):
            sheet.write_string(row, index, "có" if value else "không", formats.plain)
        elif isinstance(value, int):
            sheet.write_number(row, index, value, formats.plain)
        else:
            style = formats.wrapped if width >= _WRAPPED_FROM else formats.plain
            sheet.write_string(row, index, neutralize_formula(value), style)


def _height(row: Sequence[Any], columns: _Columns) -> int:
    """Return a row's height that shows its texts whole: no program reckons it in a file made in passing."""
    lines = 1
    for value, (_, width) in zip(row, columns, strict=False):
        if isinstance(value, str) and len(value) > width - 2:
            lines = max(lines, -(-len(value) // (width - 2)) + value.count("\n"))
    return _LINE_HEIGHT * min(lines, _MOST_LINES)


# ------------------------------------------------------------------ rows


def _summary_rows(facts: ReportFacts) -> Iterator[Sequence[Any]]:
    head = (
        facts.number,
        facts.coordinator,
        period_name(facts.period) or facts.period,
        facts.as_of,
        "ước" if facts.is_estimate else "chính thức",
    )
    yield (*head, "Toàn kế hoạch", *_figures(facts.figures, list(facts.tasks)))
    for section in facts.sections:
        if section.title:
            yield (*head, section.title, *_figures(section.figures, section.tasks))


def _figures(of: Figures, tasks: Sequence[TaskFacts]) -> tuple[int, ...]:
    return (
        of.total,
        *(getattr(of, state) for state, _ in _STATES),
        of.waiting,
        sum(task.unassigned for task in tasks),
        sum(task.parts.total for task in tasks),
        sum(task.silent for task in tasks),
    )


def _lines(
    facts: ReportFacts, lines: Lines, *, done: int, total: int, progress: Progress | None
) -> Iterator[Sequence[Any]]:
    """Yield a plan's rows; raises ReportRefused where they are not what the figures say."""
    counted = 0
    for number, (task, of_task) in enumerate(lines, 1):
        if len(of_task) != task.parts.total:
            raise UnreconciledReport(
                [f"{task.code}: có {len(of_task)} dòng, số liệu là {task.parts.total} cơ quan."]
            )
        counted += len(of_task)
        head = (task.code, task.section, task.text, task.period)
        if not of_task:
            yield (*head, "", UNASSIGNED)
        for line in of_task:
            yield (*head, *_line(line))
        if progress is not None:
            progress(done + number, total)
    if counted != facts.lines:
        raise UnreconciledReport([f"Có {counted} dòng cơ quan, số liệu là {facts.lines}."])


def _line(line: AgencyLine) -> Sequence[Any]:
    known = (
        line.agency,
        STATE_WORDS[line.state],
        True if line.waiting else None,
        line.percent,
        line.due_on,
        line.done_on,
        line.document,
        line.document_on,
    )
    source = line.source
    if source is None:
        return (*known, SILENT)
    said = SAID_WORDS.get(source.said, source.said)
    return (*known, said, source.agency, source.person, source.at, source.note)


def _reports(plans: Sequence[ReportFacts]) -> Iterator[Sequence[Any]]:
    for facts in plans:
        for duty in facts.duties:
            yield (
                facts.number,
                duty.code,
                duty.title,
                duty.due_on,
                duty.expected,
                duty.received,
                duty.late,
                len(duty.missing),
                "; ".join(duty.missing),
            )


def _quote_rows(plans: Sequence[ReportFacts]) -> Iterator[Sequence[Any]]:
    for facts in plans:
        for kind, every in (("Khó khăn", facts.difficulties), ("Kiến nghị", facts.proposals)):
            for said in every:
                yield facts.number, kind, said.agency, said.code, said.words, said.person, said.at


def _targets(plans: Sequence[ReportFacts]) -> Iterator[Sequence[Any]]:
    for facts in plans:
        for target in facts.targets:
            yield (
                facts.number,
                target.code,
                target.text,
                target.year,
                _COMPARED.get(target.comparator or ""),
                _decimal(target.goal),
                target.unit,
                _decimal(target.value) or SILENT,
                target.value_year,
                target.met,
                target.source,
            )


def _decimal(number: str | None) -> str | None:
    """Return a plain decimal, or two of them, with the comma that Vietnamese documents write."""
    return None if number is None else number.replace(".", ",")
