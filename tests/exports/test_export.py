"""`nhacviec export`: registry and history as a workbook or as JSON, whole, plain and without anybody's address."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import insert, select

from data.db.database import Database
from data.exports.page import ExportScope
from data.exports.record_pages import EXPORT_PAGES, write_pages
from data.exports.writers import JsonSink, WorkbookSink
from data.models import Person, Plan, TargetValue
from data.privacy import personal_data
from data.sheets.workbook import LONGEST_CELL, neutralize_formula
from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal
from tests.support.conversations import Seat, Talk, small_registry

pytestmark = pytest.mark.slow

__all__ = ["loaded", "loaded_file", "terminal"]  # fixtures

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
STC, COORDINATOR = "700000001", "700000002"  # addresses of chats, and senders' ids


@pytest.fixture
async def talk(database: Database) -> Talk:
    """A finished task, one taken back, one held up, a later date asked for and granted, a file."""
    talk = await Talk(database, small_registry(), NOW).begin(
        Seat(STC, "dong", "stc"),
        Seat(COORDINATOR, "dong", "skhcn", "coordinator"),
    )
    return await talk.after(what_is_exported)


async def what_is_exported(talk: Talk) -> None:
    await talk.say(STC, "/viec")
    await talk.say(STC, "BC.1 xin gia hạn đến 20/11/2026 vì chờ số liệu")
    (request,) = await talk.say(COORDINATOR, "/giahan")
    await talk.press(request, "Đồng ý")
    await talk.say(COORDINATOR, "Công văn 123/UBND-KGVX ngày 6/11/2026")
    await talk.say(STC, "/viec")
    await talk.say(STC, "1 xong")
    await talk.say(STC, "huỷ")
    await talk.say(STC, "2 vướng kinh phí chưa được cấp")


async def exported(talk: Talk, path: Path, **scope: Any) -> dict[str, int]:
    """Write everything to a file in the form of its name."""
    async with talk.database.read() as connection:
        sink = (
            WorkbookSink(path)
            if path.suffix == ".xlsx"
            else JsonSink(path, {"exported_at": NOW}, lines=path.suffix == ".jsonl")
        )
        return await write_pages(ExportScope(connection, talk.registry, **scope), sink)


async def document(talk: Talk, folder: Path, **scope: Any) -> Any:
    path = folder / "all.json"
    await exported(talk, path, **scope)
    return json.loads(path.read_text(encoding="utf-8"))


async def test_every_page_has_headings_a_filter_and_a_frozen_first_row(
    talk: Talk, tmp_path: Path
) -> None:
    counts = await exported(talk, tmp_path / "all.xlsx")
    book = load_workbook(tmp_path / "all.xlsx")
    assert book.sheetnames == [page.title for page in EXPORT_PAGES]
    for page in EXPORT_PAGES:
        sheet = book[page.title]
        assert [cell.value for cell in sheet[1]] == [column.heading for column in page.columns]
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref.startswith("A1:")
        assert sheet.max_row - 1 == counts[page.key]
    assert min(counts[key] for key in ("plans", "tasks", "agencies", "obligations")) > 0


async def test_dates_and_numbers_are_no_texts(talk: Talk, tmp_path: Path) -> None:
    await exported(talk, tmp_path / "all.xlsx", plan="dong-10-2026")
    sheet = load_workbook(tmp_path / "all.xlsx")["Nhiệm vụ phải thực hiện"]
    headings = [cell.value for cell in sheet[1]]
    (row,) = [
        dict(zip(headings, cells, strict=True))
        for cells in sheet.iter_rows(min_row=2, values_only=True)
        if (cells[2], cells[3], cells[4]) == ("BC.1", "2026", "stc")
    ]
    assert row["Hạn"] == datetime(2026, 11, 14)
    assert row["Gia hạn đến"] == datetime(2026, 11, 20)
    assert isinstance(row["Số nhiệm vụ"], int)
    assert (row["Nội dung"], row["Loại"]) == ("Báo cáo năm 2026", "báo cáo")


async def test_what_was_said_stands_there_with_what_was_taken_back(
    talk: Talk, tmp_path: Path
) -> None:
    found = await document(talk, tmp_path)
    said = [(row["said"], row["undone"], row["person"]) for row in found["replies"]]
    assert said == [
        ("extension", False, "Chị <Lan>"),
        ("completed", True, "Chị <Lan>"),
        ("undo", False, "Chị <Lan>"),
        ("blocked", False, "Chị <Lan>"),
    ]
    undo = found["replies"][2]
    assert undo["undoes"] == found["replies"][1]["reply"]
    (request,) = found["extension_requests"]
    assert (request["until"], request["state"]) == ("2026-11-20", "granted")
    (decision,) = found["decisions"]
    assert (decision["kind"], decision["until"]) == ("extension_granted", "2026-11-20")
    assert decision["obligation"] == request["obligation"]
    assert decision["document"] == "123/UBND-KGVX ngày 06/11/2026"
    await exported(talk, tmp_path / "all.xlsx")
    sheet = load_workbook(tmp_path / "all.xlsx")["Câu trả lời"]
    words = [row[8] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert words == ["đề nghị gia hạn", "đã hoàn thành", "rút lại câu trả lời", "có vướng mắc"]


async def test_target_values_stand_there_and_what_took_one_back_marks_it(
    talk: Talk, tmp_path: Path
) -> None:
    async with talk.database.write() as connection:
        plan_id = await connection.scalar(select(Plan.id).where(Plan.code == "dong-10-2026"))
        agency_id = await talk.agency_id("dong", "stc")
        common = {"plan_id": plan_id, "code": "CT.1", "year": 2026, "agency_id": agency_id}
        for value, undoes in (("82.5", None), ("90", None), (None, 2)):
            await connection.execute(
                insert(TargetValue).values(
                    **common, value=value, words=f"đạt {value}%", said_at=NOW, undoes_id=undoes
                )
            )
    found = await document(talk, tmp_path)
    assert [(row["value"], row["undone"]) for row in found["target_values"]] == [
        ("82.5", False),
        ("90", True),
    ]


async def test_no_chat_and_no_sender_is_told_and_an_erased_person_not_even_by_name(
    talk: Talk, tmp_path: Path
) -> None:
    await exported(talk, tmp_path / "before.jsonl")
    before = (tmp_path / "before.jsonl").read_text(encoding="utf-8")
    assert "Chị <Lan>" in before
    assert STC not in before
    assert COORDINATOR not in before
    async with talk.database.write() as connection:
        for person_id in (await connection.execute(select(Person.id))).scalars().all():
            await personal_data.erase_person(connection, person_id, now=NOW)
    await exported(talk, tmp_path / "after.jsonl")
    after = (tmp_path / "after.jsonl").read_text(encoding="utf-8")
    assert "Lan" not in after
    assert "kinh phí chưa được cấp" in after


async def test_a_note_that_looks_like_a_formula_is_a_text_and_in_json_unchanged(
    talk: Talk, tmp_path: Path
) -> None:
    await talk.say(STC, "/viec")
    await talk.say(STC, "1 vướng mắc")
    evil = '=HYPERLINK("http://x.vn";"thiếu tiền")'
    await talk.say(STC, evil)
    await exported(talk, tmp_path / "all.xlsx")
    cells = [
        cell
        for row in load_workbook(tmp_path / "all.xlsx")["Câu trả lời"].iter_rows()
        for cell in row
        if "HYPERLINK" in str(cell.value)
    ]
    assert [(cell.value, cell.data_type, cell.hyperlink) for cell in cells] == [
        (f"'{evil}", "s", None)
    ]
    found = await document(talk, tmp_path)
    assert found["replies"][-1]["note"] == evil


@pytest.mark.parametrize("start", ["=1+1", "+84", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_what_a_spreadsheet_would_reckon_gets_an_apostrophe(start: str) -> None:
    assert neutralize_formula(start).startswith("'")
    assert neutralize_formula(f"a{start}")[0] == "a"


def test_what_no_cell_takes_is_left_out() -> None:
    assert neutralize_formula("một\x00\x0b\ud7ff\uffff hai\r\nba") == "một\ud7ff hai\nba"
    assert len(neutralize_formula("dài" * LONGEST_CELL)) == LONGEST_CELL


async def test_json_lines_and_the_document_hold_the_same(talk: Talk, tmp_path: Path) -> None:
    counts = await exported(talk, tmp_path / "all.jsonl")
    head, *lines = (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(head) == {"exported_at": NOW.isoformat()}
    found = await document(talk, tmp_path)
    pages: dict[str, list[Any]] = {page.key: [] for page in EXPORT_PAGES}
    for line in map(json.loads, lines):
        pages[line.pop("page")].append(line)
    assert pages == {key: found[key] for key in pages}
    assert {key: len(rows) for key, rows in pages.items()} == counts


async def test_one_province_or_plan_tells_nothing_of_another(talk: Talk, tmp_path: Path) -> None:
    tay = await document(talk, tmp_path, province="tay")
    assert {row["plan"] for row in tay["obligations"]} == {"tay-20-2026"}
    assert {row["province"] for row in tay["agencies"]} == {"tay"}
    assert (tay["replies"], tay["decisions"]) == ([], [])
    nine = await document(talk, tmp_path, plan="dong-9-2021")
    assert [row["code"] for row in nine["plans"]] == ["dong-9-2021"]
    assert {row["province"] for row in nine["successions"]} == {"dong"}
    assert nine["replies"] == []


async def test_a_page_that_outgrows_its_sheet_goes_on_in_the_next(
    talk: Talk, tmp_path: Path
) -> None:
    path = tmp_path / "all.xlsx"
    async with talk.database.read() as connection:
        counts = await write_pages(
            ExportScope(connection, talk.registry), WorkbookSink(path, most_rows=4)
        )
    book = load_workbook(path)
    assert counts["agencies"] == 10
    parts = ["Cơ quan", "Cơ quan (2)", "Cơ quan (3)"]
    assert [book[name].max_row - 1 for name in parts] == [4, 4, 2]
    assert book["Cơ quan (3)"]["C1"].value == "Tên"


async def test_days_before_a_spreadsheets_calendar_are_told_in_words(tmp_path: Path) -> None:
    page = next(page for page in EXPORT_PAGES if page.key == "plans")
    sink = WorkbookSink(tmp_path / "old.xlsx")
    sink.begin(page)
    sink.add([None] * 4 + [date(1890, 5, 19)] + [None] * (len(page.columns) - 5))
    sink.close()
    assert load_workbook(tmp_path / "old.xlsx")["Kế hoạch"]["E2"].value == "1890-05-19"


# ------------------------------------------------------------------ the command


def test_the_command_writes_whole_files_and_never_over_another(
    loaded: Terminal, tmp_path: Path
) -> None:
    told = loaded.json("export", "--out", "all.xlsx", "--plan", "131")
    assert told["file"] == "all.xlsx"
    assert (told["pages"]["plans"], told["pages"]["tasks"]) == (1, 32)
    size = (tmp_path / "all.xlsx").stat().st_size
    assert "--force" in loaded.refused("export", "--out", "all.xlsx")
    assert (tmp_path / "all.xlsx").stat().st_size == size
    code, out, _ = loaded.type("export", "--out", "all.xlsx", "--province", "gia-lai", "--force")
    assert (code, "Nhiệm vụ" in out) == (0, True)
    assert (tmp_path / "all.xlsx").stat().st_size != size
    assert {path.name for path in tmp_path.iterdir()} - {"var"} == {"all.xlsx"}


def test_a_command_that_fails_leaves_nothing_behind(loaded: Terminal, tmp_path: Path) -> None:
    assert "Không có kế hoạch «77»" in loaded.refused("export", "--out", "a.json", "--plan", "77")
    assert "Không ghi được" in loaded.refused("export", "--out", "none/a.json")
    assert ".jsonl" in loaded.refused("export", "--out", "a.csv")
    assert "--status" in loaded.refused("export", "--out", "a.xlsx", "--agency", "stc")
    assert "chọn một" in loaded.refused(
        "export", "--out", "a.xlsx", "--plan", "131", "--status", "131"
    )
    assert {path.name for path in tmp_path.iterdir()} <= {"var"}


def test_without_a_database_there_is_nothing_to_export(terminal: Terminal, tmp_path: Path) -> None:
    assert "Chưa có cơ sở dữ liệu" in terminal.refused("export", "--out", "a.json")
    assert not list(tmp_path.iterdir())
