"""Read a filled-in plan sheet into a draft plan file.

Guarantees:
- All faults are listed at once, each by page and cell; with a fault there is no draft.
- The words of the sheet are not changed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from data.registry.province import Province
from data.registry.registry import Registry
from data.registry.schema import PlanFile, ReportDutyEntry, TargetEntry, TaskEntry
from data.sheets.phrases import read_day, read_deadline, read_frequency, read_period
from data.sheets.plan_template import (
    DUTIES_PAGE,
    FIRST_ROW,
    HEADER_ROW,
    PLAN_LINES,
    PLAN_PAGE,
    PLAN_SHEET_PAGES,
    TARGETS_PAGE,
    TASKS_PAGE,
    SheetColumn,
)
from data.sheets.workbook import (
    MARKED_SECRET,
    ImportRefused,
    SheetPage,
    WorkbookLimits,
    cell_text,
    read_workbook,
)
from data.text import fold

PLAN_SHEET_LIMITS = WorkbookLimits(
    packed=5_000_000, unpacked=60_000_000, rows=5000, elements=600_000
)

_MOST_HEAD_LINES = 100

Model = TypeVar("Model", bound=BaseModel)
_FAULTS = {
    "code": "mã chỉ gồm chữ, số, dấu chấm và gạch nối, như III.1a.",
    "number": "số kế hoạch viết dạng 1901/KH-UBND.",
    "comparator": "chỉ nhận >=, >, =, <=, < hoặc range.",
    "value": "phải là một số; với range ghi như 15-20.",
    "year": "năm viết bốn chữ số.",
}


@dataclass(slots=True)
class _Row:
    """One filled row: its values and cells by key, and the faults of the whole sheet so far."""

    page: str
    values: dict[str, str]
    cells: dict[str, str]
    faults: list[str]

    def fault(self, key: str, message: str) -> None:
        self.faults.append(f"{self.page}!{self.cells[key]}: {message}")

    def read(self, key: str, reader: Callable[[str], Any]) -> Any:
        """Return the result of a reader for a cell, or None with a fault where it refuses."""
        try:
            return reader(self.values[key])
        except ValidationError as error:
            self.fault(key, _describe_fault(error.errors()[0], key))
        except ValueError as error:
            self.fault(key, str(error))
        return None

    def build(self, model: type[Model], values: dict[str, Any]) -> Model | None:
        try:
            return model.model_validate(values)
        except ValidationError as error:
            for item in error.errors():
                key = str(item["loc"][0]) if item["loc"] else next(iter(self.cells))
                self.fault(key if key in self.cells else "code", _describe_fault(item, key))
        return None


def read_plan_workbook(path: Path, registry: Registry) -> PlanFile:
    """Return the plan of a sheet; raises ImportRefused with all faults."""
    book = read_workbook(path, (PLAN_PAGE, *PLAN_SHEET_PAGES), PLAN_SHEET_LIMITS)
    faults: list[str] = []
    if book.is_marked:
        raise ImportRefused([f"{path.name}: {MARKED_SECRET}"])
    if book.missing:
        raise ImportRefused(
            [
                f"{path.name}: thiếu trang «{name}». Hãy dùng mẫu của «nhacviec plan template»."
                for name in book.missing
            ]
        )
    head = _read_head(book.pages[PLAN_PAGE], faults)
    province = _find_province(registry, head)
    tasks = [
        _read_task(row, province) for row in _read_rows(TASKS_PAGE, book.pages[TASKS_PAGE], faults)
    ]
    duties = [
        _read_duty(row, province)
        for row in _read_rows(DUTIES_PAGE, book.pages[DUTIES_PAGE], faults)
    ]
    targets = [
        _read_target(row) for row in _read_rows(TARGETS_PAGE, book.pages[TARGETS_PAGE], faults)
    ]
    issued_on = head.read("issued_on", read_day)
    if province is not None and head.values["coordinator"]:
        _check_names_known(head, "coordinator", [head.values["coordinator"]], province)
    if not tasks and not duties:
        faults.append(f"{TASKS_PAGE}!A{FIRST_ROW}: chưa điền nhiệm vụ hay chế độ báo cáo nào.")
    if not faults:
        plan = head.build(
            PlanFile,
            {
                **head.values,
                "issued_on": issued_on,
                "province": province.code if province else "",
                "replaces": head.values["replaces"] or None,
                "tasks": tasks,
                "report_duties": duties,
                "targets": targets,
            },
        )
        if plan is not None:
            return plan
    raise ImportRefused(faults)


def format_plan_draft(plan: PlanFile, *, source: str) -> str:
    """Return a plan as the text of a registry file, with texts of several lines as blocks."""
    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import LiteralScalarString

    def with_blocks(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: with_blocks(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [with_blocks(item) for item in value]
        if isinstance(value, str) and "\n" in value:
            return LiteralScalarString(value)
        return value

    yaml = YAML()
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    out.write(f"# Bản nháp từ {source}: hãy đọc lại từng dòng với văn bản gốc.\n")
    yaml.dump(with_blocks(plan.model_dump(by_alias=True, exclude={"ladder"})), out)
    return out.getvalue()


def _read_head(page: SheetPage, faults: list[str]) -> _Row:
    values = {line.key: "" for line in PLAN_LINES}
    cells = {line.key: f"B{row}" for row, line in enumerate(PLAN_LINES, 1)}
    by_heading = {fold(line.heading): line.key for line in PLAN_LINES}
    for row in page.rows:
        key = by_heading.get(fold(cell_text(row.values[0])))
        if key is not None and len(row.values) > 1 and row.number <= _MOST_HEAD_LINES:
            values[key], cells[key] = cell_text(row.values[1]), f"B{row.number}"
    head = _Row(PLAN_PAGE, values, cells, faults)
    _require(head, PLAN_LINES)
    return head


def _read_rows(title: str, page: SheetPage, faults: list[str]) -> Iterator[_Row]:
    columns = PLAN_SHEET_PAGES[title]
    faults.extend(f"{title}!{cells}: ô gộp. Hãy bỏ gộp và điền từng dòng." for cells in page.merged)
    headings = next((row.values for row in page.rows if row.number == HEADER_ROW), ())
    positions = {fold(cell_text(heading)): place for place, heading in enumerate(headings)}
    missing = [column.heading for column in columns if fold(column.heading) not in positions]
    if missing:
        faults.append(
            f"{title}!A{HEADER_ROW}: thiếu cột {', '.join(f'«{name}»' for name in missing)}."
        )
        return
    if page.rows[-1].number > PLAN_SHEET_LIMITS.rows:
        faults.append(
            f"{title}!A{PLAN_SHEET_LIMITS.rows + 1}: quá {PLAN_SHEET_LIMITS.rows} dòng. Hãy bỏ bớt dòng trống."
        )
        return
    places = {column.key: positions[fold(column.heading)] for column in columns}
    seen: set[str] = set()
    for filled in page.rows:
        if filled.number < FIRST_ROW:
            continue
        values = {
            key: cell_text(filled.values[place]) if place < len(filled.values) else ""
            for key, place in places.items()
        }
        if not any(values.values()):
            continue
        cells = {key: f"{_column_letter(place)}{filled.number}" for key, place in places.items()}
        row = _Row(title, values, cells, faults)
        _require(row, columns)
        if values["code"] in seen:
            row.fault("code", f"mã {values['code']} đã có ở dòng trên. Hãy đổi một trong hai.")
        seen.add(values["code"])
        yield row


def _column_letter(place: int) -> str:
    """Return the letter of a column; place 0 is "A". A page has 50 columns."""
    above, own = divmod(place, 26)
    return f"{chr(64 + above) if above else ''}{chr(65 + own)}"


def _require(row: _Row, columns: tuple[SheetColumn, ...]) -> None:
    for column in columns:
        if column.needed and not row.values[column.key]:
            row.fault(column.key, f"thiếu «{column.heading}» ({column.hint}).")


def _find_province(registry: Registry, head: _Row) -> Province | None:
    words = head.values["province"]
    province = registry.find_province(words)
    if province is None and words:
        known = ", ".join(province.name for province in registry.provinces.values())
        head.fault("province", f"không có tỉnh này trong sổ bộ. Hãy chọn: {known}.")
    return province


def _read_task(row: _Row, province: Province | None) -> TaskEntry | None:
    leads, supports = _split(row.values["leads"]), _split(row.values["supports"])
    _check_names_known(row, "leads", leads, province)
    _check_names_known(row, "supports", supports, province)
    period = row.read("period", read_period)
    if period is None:
        return None
    return row.build(
        TaskEntry,
        {
            "code": row.values["code"],
            "section": row.values["section"] or None,
            "text": row.values["text"],
            "leads": leads,
            "supports": supports,
            "actions": [line.strip() for line in row.values["actions"].split("\n") if line.strip()],
            "period": period,
        },
    )


def _read_duty(row: _Row, province: Province | None) -> ReportDutyEntry | None:
    reporters = _split(row.values["from"])
    _check_names_known(row, "from", reporters, province)
    for key in ("to", "via"):
        _check_names_known(row, key, [row.values[key]] if row.values[key] else [], province)
    frequency = row.read("frequency", read_frequency)
    if frequency is None:
        return None
    deadline = row.read("deadline", lambda raw: read_deadline(raw, frequency))
    if deadline is None and row.values["deadline"]:
        return None
    values = {key: row.values[key] for key in ("code", "clause", "to", "quote")}
    return row.build(
        ReportDutyEntry,
        {
            **values,
            "from": reporters,
            "via": row.values["via"] or None,
            "frequency": frequency,
            "deadline": deadline,
        },
    )


def _read_target(row: _Row) -> TargetEntry | None:
    comparator = row.values["comparator"] or None
    value: Any = row.values["value"].replace(",", ".") or None
    if comparator == "range" and value is not None:
        value = [part.strip() for part in value.replace("–", "-").split("-")]
    return row.build(
        TargetEntry,
        {
            "code": row.values["code"],
            "text": row.values["text"],
            "year": row.values["year"] or None,
            "comparator": comparator,
            "value": value,
            "unit": row.values["unit"] or None,
        },
    )


def _check_names_known(row: _Row, key: str, names: list[str], province: Province | None) -> None:
    for name in names:
        if province is not None and not province.resolve_all(name):
            row.fault(
                key,
                f"cơ quan lạ «{name}». Hãy sửa chính tả, hoặc thêm vào agencies/{province.code}.yaml.",
            )


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", ";").split(";") if part.strip()]


def _describe_fault(item: Any, key: str) -> str:
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    return _FAULTS.get(key, "giá trị không hợp lệ.")
