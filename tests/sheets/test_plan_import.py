"""A filled-in sheet becomes a draft plan file, or a list of faults by cell."""

from __future__ import annotations

import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from data.registry.registry import Registry
from data.registry.schema import PlanFile
from data.registry.yaml_reader import parse_yaml
from data.sheets.phrases import read_deadline, read_period
from data.sheets.plan_import import format_plan_draft, read_plan_workbook
from data.sheets.plan_template import (
    DUTIES_PAGE,
    PLAN_LINES,
    PLAN_PAGE,
    PLAN_SHEET_PAGES,
    TARGETS_PAGE,
    TASKS_PAGE,
    blank_workbook,
)
from data.sheets.workbook import ImportRefused

pytestmark = pytest.mark.slow

HEAD = {
    "number": "2222/KH-UBND",
    "province": "Gia Lai",
    "title": "Chuyển đổi số & trí tuệ nhân tạo: giai đoạn mới",
    "issued_on": "05/01/2026",
    "signer": "Nguyễn Văn A",
    "coordinator": "Sở Khoa học và Công nghệ",
    "source": "2222.txt",
}
TASK = {
    "code": "II.1",
    "text": "Xây dựng nền tảng dữ liệu dùng chung.\nKết nối với Trung ương.",
    "leads": "Sở Khoa học và Công nghệ; Sở Tài chính",
    "period": "2026-2030",
}
DUTY = {
    "code": "BC.1",
    "clause": "mục IV.2",
    "from": "Các sở, ban, ngành",
    "to": "Sở Khoa học và Công nghệ",
    "frequency": "hàng năm",
    "deadline": "trước ngày 15/11 hàng năm",
    "quote": "Các sở, ban, ngành báo cáo trước ngày 15/11 hàng năm.",
}
TARGET = {
    "code": "CT.1",
    "text": "100% xã có mạng 5G",
    "year": 2030,
    "comparator": ">=",
    "value": 100,
    "unit": "%",
}


class Sheet:
    """The blank sheet being filled in."""

    def __init__(self) -> None:
        self.book: Workbook = load_workbook(io.BytesIO(blank_workbook()))
        self._next = dict.fromkeys(PLAN_SHEET_PAGES, 2)
        self.head(HEAD)

    def head(self, values: dict[str, Any]) -> None:
        for row, line in enumerate(PLAN_LINES, 1):
            if line.key in values:
                self.book[PLAN_PAGE].cell(row, 2).value = values[line.key]

    def add(self, page: str, values: dict[str, Any]) -> None:
        for index, column in enumerate(PLAN_SHEET_PAGES[page], 1):
            self.book[page].cell(self._next[page], index).value = values.get(column.key)
        self._next[page] += 1

    def save(self, folder: Path) -> Path:
        path = folder / "ke-hoach.xlsx"
        self.book.save(path)
        return path


def faults_of(sheet: Sheet, folder: Path, registry: Registry) -> list[str]:
    with pytest.raises(ImportRefused) as refused:
        read_plan_workbook(sheet.save(folder), registry)
    return refused.value.faults


def test_a_filled_in_sheet_becomes_a_plan(tmp_path: Path, registry: Registry) -> None:
    sheet = Sheet()
    sheet.add(TASKS_PAGE, TASK)
    sheet.add(DUTIES_PAGE, DUTY)
    sheet.add(TARGETS_PAGE, TARGET)
    plan = read_plan_workbook(sheet.save(tmp_path), registry)
    assert (plan.number, plan.province, plan.issued_on) == (
        "2222/KH-UBND",
        "gia-lai",
        date(2026, 1, 5),
    )
    task = plan.tasks[0]
    assert task.leads == ["Sở Khoa học và Công nghệ", "Sở Tài chính"]
    assert (task.period.kind, task.period.start_year, task.period.end_year) == ("fixed", 2026, 2030)
    deadline = plan.report_duties[0].deadline
    assert deadline is not None
    assert (deadline.operator, deadline.day, deadline.month) == ("before", 15, 11)
    assert plan.targets[0].value == 100


def test_the_draft_reads_back_as_the_same_plan(tmp_path: Path, registry: Registry) -> None:
    sheet = Sheet()
    sheet.add(TASKS_PAGE, TASK)
    sheet.add(DUTIES_PAGE, DUTY)
    sheet.add(TARGETS_PAGE, {**TARGET, "comparator": "range", "value": "15-20"})
    plan = read_plan_workbook(sheet.save(tmp_path), registry)
    text = format_plan_draft(plan, source="ke-hoach.xlsx")
    assert parse_yaml(text, "draft.yaml", PlanFile) == plan
    assert text.startswith("# Bản nháp từ ke-hoach.xlsx")


def test_a_date_that_excel_made_of_the_issue_day_is_understood(
    tmp_path: Path, registry: Registry
) -> None:
    sheet = Sheet()
    sheet.head({"issued_on": datetime(2026, 1, 5)})
    sheet.add(TASKS_PAGE, TASK)
    assert read_plan_workbook(sheet.save(tmp_path), registry).issued_on == date(2026, 1, 5)


def test_empty_rows_between_tasks_are_passed_over(tmp_path: Path, registry: Registry) -> None:
    sheet = Sheet()
    sheet.add(TASKS_PAGE, TASK)
    sheet.add(TASKS_PAGE, {})
    sheet.add(TASKS_PAGE, {**TASK, "code": "II.2", "period": None})
    plan = read_plan_workbook(sheet.save(tmp_path), registry)
    assert [task.code for task in plan.tasks] == ["II.1", "II.2"]
    assert plan.tasks[1].period.kind == "missing"


def test_every_fault_is_named_by_its_cell(tmp_path: Path, registry: Registry) -> None:
    sheet = Sheet()
    sheet.head({"issued_on": "30/02/2026", "number": "2222"})
    sheet.add(TASKS_PAGE, {**TASK, "leads": "Sở Vũ trụ"})
    sheet.add(TASKS_PAGE, {**TASK, "period": "khi nào xong thì xong"})
    sheet.add(TASKS_PAGE, {**TASK, "code": None})
    sheet.add(DUTIES_PAGE, {**DUTY, "frequency": "thỉnh thoảng"})
    sheet.add(DUTIES_PAGE, {**DUTY, "code": "BC.2", "deadline": "15/11"})
    faults = faults_of(sheet, tmp_path, registry)
    starts = [fault.partition(":")[0] for fault in faults]
    assert starts == [
        "Nhiệm vụ!D2",
        "Nhiệm vụ!A3",
        "Nhiệm vụ!G3",
        "Nhiệm vụ!A4",
        "Nhiệm vụ!A4",
        "Báo cáo!F2",
        "Báo cáo!G3",
        "Kế hoạch!B4",
    ]
    assert "Sở Vũ trụ" in faults[0]


def test_a_fault_that_only_the_whole_plan_shows_is_named_by_its_cell(
    tmp_path: Path, registry: Registry
) -> None:
    sheet = Sheet()
    sheet.head({"number": "hai hai"})
    sheet.add(TASKS_PAGE, TASK)
    assert faults_of(sheet, tmp_path, registry)[0].startswith("Kế hoạch!B1: số kế hoạch")


def test_an_unknown_province_is_named_with_those_that_are_known(
    tmp_path: Path, registry: Registry
) -> None:
    sheet = Sheet()
    sheet.head({"province": "Atlantis"})
    sheet.add(TASKS_PAGE, TASK)
    fault = faults_of(sheet, tmp_path, registry)[0]
    assert fault.startswith("Kế hoạch!B2")
    assert "Lạng Sơn" in fault


def test_merged_cells_are_refused_for_their_rows_would_read_as_empty(
    tmp_path: Path, registry: Registry
) -> None:
    sheet = Sheet()
    sheet.add(TASKS_PAGE, TASK)
    sheet.add(TASKS_PAGE, {**TASK, "code": "II.2"})
    sheet.book[TASKS_PAGE].merge_cells("D2:D3")
    assert faults_of(sheet, tmp_path, registry)[0].startswith("Nhiệm vụ!D2:D3: ô gộp")


def test_an_empty_sheet_is_refused(tmp_path: Path, registry: Registry) -> None:
    assert faults_of(Sheet(), tmp_path, registry)[0].startswith("Nhiệm vụ!A2")


@pytest.mark.parametrize("content", [b"", b"not a sheet", b"PK\x03\x04 neither"])
def test_what_is_no_sheet_is_refused(content: bytes, tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match="không phải tệp Excel"):
        read_plan_workbook(path, registry)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "x.xlsx"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(ImportRefused, match="quá lớn"):
        read_plan_workbook(path, registry)


def test_a_missing_page_is_named(tmp_path: Path, registry: Registry) -> None:
    sheet = Sheet()
    sheet.book.remove(sheet.book[DUTIES_PAGE])
    assert faults_of(sheet, tmp_path, registry) == [
        "ke-hoach.xlsx: thiếu trang «Báo cáo». Hãy dùng mẫu của «nhacviec plan template»."
    ]


def test_a_missing_column_is_named(tmp_path: Path, registry: Registry) -> None:
    sheet = Sheet()
    sheet.book[TASKS_PAGE]["D1"] = "Ai đó"
    assert faults_of(sheet, tmp_path, registry)[0] == "Nhiệm vụ!A1: thiếu cột «Chủ trì»."


@pytest.mark.parametrize(
    ("words", "kind", "start", "end"),
    [
        ("2020-2025", "fixed", 2020, 2025),
        ("Từ năm 2020 - 2025", "fixed", 2020, 2025),
        ("từ năm 2020 đến hết năm 2025", "fixed", 2020, 2025),
        ("Năm 2020", "fixed", 2020, 2020),
        ("Năm 2020 và những năm tiếp theo", "open_ended", 2020, None),
        ("Năm 2020 và các những năm tiếp theo", "open_ended", 2020, None),
        ("đến hết năm 2030", "fixed_deadline_only", None, 2030),
        ("Thường xuyên hàng năm", "recurring_annual", None, None),
        ("Theo hướng dẫn của Bộ Thông tin và Truyền thông", "conditional", None, None),
        ("", "missing", None, None),
    ],
)
def test_a_period_is_read_as_the_documents_write_it(
    words: str, kind: str, start: int | None, end: int | None
) -> None:
    period = read_period(words)
    assert (period.raw, period.kind, period.start_year, period.end_year) == (
        words,
        kind,
        start,
        end,
    )


def test_every_period_of_the_shipped_plans_reads_as_it_was_transcribed(registry: Registry) -> None:
    understood = 0
    for plan in registry.plans.values():
        for task in plan.tasks:
            try:
                period = read_period(task.period.raw)
            except ValueError:
                continue  # what is not clear is asked back, never guessed
            if task.period.raw:
                assert period == task.period
                understood += 1
    assert understood > 40


@pytest.mark.parametrize("words", ["15/11", "trước tháng 11", "trước ngày 10/6 và ngày 10/11"])
def test_a_deadline_that_is_not_clear_is_asked_back(words: str) -> None:
    with pytest.raises(ValueError, match="Hãy"):
        read_deadline(words, "annual")


def test_a_day_alone_is_enough_for_a_monthly_report() -> None:
    deadline = read_deadline("vào ngày 20 hàng tháng", "monthly")
    assert deadline is not None
    assert (deadline.operator, deadline.day) == ("on", 20)
