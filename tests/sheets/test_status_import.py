"""`nhacviec import-status`: a status sheet filled in by an office, held against the database and recorded."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from sqlalchemy import select, update

from bot.cli.import_status import record_changes
from data.clock import civil_date
from data.db.database import Database
from data.models import Agency, Obligation, StatusReply
from data.progress import submissions
from data.sheets.status_import import StatusChange, diff_status
from data.sheets.status_reader import StatusSheet, read_status_sheet
from data.sheets.status_sheet import (
    FIXED_COLUMNS,
    INPUT_COLUMNS,
    KEY_COLUMN,
    STATUS_PAGE_TITLE,
    load_status_rows,
    write_status_sheet,
)
from data.sheets.workbook import ImportRefused, WorkbookLimits
from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal
from tests.support.conversations import Seat, Talk, small_registry

# sqlite: about sheets, whatever keeps the rows.
pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

__all__ = ["loaded", "loaded_file", "terminal"]  # fixtures

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
PLAN, NUMBER = "dong-10-2026", "10/KH-UBND"
COLUMNS = {
    column.key: index
    for index, column in enumerate((*FIXED_COLUMNS, *INPUT_COLUMNS, KEY_COLUMN), 1)
}
BY = "Nguyễn Văn A"


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("stc", "dong", "stc"), Seat("coordinator", "dong", "skhcn", "coordinator")
    )


class Office:
    """An office that gets a sheet, fills it in and sends it back."""

    def __init__(self, talk: Talk, path: Path) -> None:
        self.talk = talk
        self.path = path

    async def get(self, *, agency: str | None = None, every: bool = False) -> Office:
        async with self.talk.database.read() as connection:
            rows = await load_status_rows(
                connection,
                PLAN,
                self.talk.registry.provinces["dong"],
                agency=agency,
                include_confirmed=every,
                today=civil_date(self.talk.now),
            )
        write_status_sheet(self.path, rows, made_at=self.talk.now)
        return self

    def row_of(self, agency: str, code: str) -> int:
        page = load_workbook(self.path)[STATUS_PAGE_TITLE]
        place = [COLUMNS[key] for key in ("code", "agency_code", "period")]
        (row,) = [
            number
            for number in range(2, page.max_row + 1)
            if tuple(page.cell(number, column).value or None for column in place)
            in ((code, agency, "năm 2026"), (code, agency, None))
        ]
        return row

    def fill(self, agency: str, code: str, said: str | None = None, **values: Any) -> int:
        """Fill in one row; returns its number."""
        row = self.row_of(agency, code)
        self.edit(lambda page: fill_in(page, row, said=said, **values))
        return row

    def edit(self, change: Callable[[Worksheet], None]) -> None:
        book = load_workbook(self.path)
        change(book[STATUS_PAGE_TITLE])
        book.save(self.path)

    async def changes(self) -> list[StatusChange]:
        sheet = self.read()
        async with self.talk.database.read() as connection:
            return await diff_status(connection, sheet.filled, sheet.faults)

    def read(self) -> StatusSheet:
        return read_status_sheet(self.path, today=civil_date(self.talk.now))

    async def bring_back(self) -> list[StatusChange]:
        """Record what the sheet changes, as the command does."""
        changes = await self.changes()
        async with self.talk.database.write() as connection:
            await record_changes(
                connection,
                self.talk.registry,
                changes,
                by=BY,
                now=self.talk.now,
                today=civil_date(self.talk.now),
            )
        return changes

    async def faults(self) -> list[str]:
        with pytest.raises(ImportRefused) as refused:
            await self.changes()
        return refused.value.faults


def fill_in(page: Worksheet, row: int, **values: Any) -> None:
    for key, value in values.items():
        page.cell(row, COLUMNS[key]).value = value


@pytest.fixture
async def office(talk: Talk, tmp_path: Path) -> Office:
    return await Office(talk, tmp_path / "trang-thai.xlsx").get()


async def replies(talk: Talk) -> list[Any]:
    async with talk.database.read() as connection:
        rows = await connection.execute(select(StatusReply.__table__).order_by(StatusReply.id))
        return list(rows.all())


# ------------------------------------------------------------------ the sheet


async def test_sheet_lists_what_is_open_with_choices_and_its_keys_hidden(office: Office) -> None:
    page = load_workbook(office.path)[STATUS_PAGE_TITLE]
    row = office.row_of("stc", "BC.1")
    values = {key: page.cell(row, column).value for key, column in COLUMNS.items()}
    assert values["agency"] == "Sở Tài chính"
    assert (values["period"], values["title"]) == ("năm 2026", "Báo cáo năm 2026")
    assert (values["due"], values["now"]) == (datetime(2026, 11, 14), "chưa báo cáo")
    assert (values["said"], values["note"]) == (None, None)
    assert page.freeze_panes == "A2"
    assert page.auto_filter.ref is not None
    assert page.column_dimensions["N"].hidden
    assert page.protection.sheet
    assert not page.cell(row, COLUMNS["note"]).protection.locked
    lists = [rule.formula1 for rule in page.data_validations.dataValidation if rule.type == "list"]
    assert lists == ['"chưa triển khai,đang thực hiện,đã hoàn thành,có vướng mắc"']


async def test_sheet_of_one_agency_holds_what_it_has_in_hand(talk: Talk, tmp_path: Path) -> None:
    office = await Office(talk, tmp_path / "stc.xlsx").get(agency="stc")
    page = load_workbook(office.path)[STATUS_PAGE_TITLE]
    agencies = {page.cell(row, COLUMNS["agency_code"]).value for row in range(2, page.max_row + 1)}
    assert agencies == {"stc"}


async def test_confirmed_ones_are_in_the_whole_sheet_alone(talk: Talk, tmp_path: Path) -> None:
    row = await talk.obligation(NUMBER, "stc", "1", "end")
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation).where(Obligation.id == row.id).values(state="confirmed")
        )
    some = await Office(talk, tmp_path / "open.xlsx").get()
    every = await Office(talk, tmp_path / "all.xlsx").get(every=True)
    with pytest.raises(ValueError, match="not enough values"):
        some.row_of("stc", "1")
    page = load_workbook(every.path)[STATUS_PAGE_TITLE]
    assert page.cell(every.row_of("stc", "1"), COLUMNS["now"]).value == "hoàn thành"


# ------------------------------------------------------------------ there and back


async def test_filled_in_rows_become_answers_and_the_second_time_nothing(office: Office) -> None:
    talk = office.talk
    before = await talk.obligation(NUMBER, "stc", "BC.1", "2026")
    office.fill(
        "stc", "BC.1", "đã xong", document="12/BC-STC", document_on="5/11/2026", note="kèm phụ lục"
    )
    office.fill("stc", "1", "Đang thực hiện", percent=60)
    office.fill("stc", "2", "vướng mắc", note="chưa có kinh phí")
    office.fill("sxd", "2", "chưa làm", percent=0)
    changes = await office.changes()
    assert [(change.agency, change.code, change.before, change.after) for change in changes] == [
        (
            "Sở Tài chính",
            "BC.1",
            "chưa báo cáo",
            "đã hoàn thành; 12/BC-STC ngày 05/11/2026; kèm phụ lục",
        ),
        ("Sở Tài chính", "1", "chưa báo cáo", "đang thực hiện 60%"),
        ("Sở Tài chính", "2", "chưa báo cáo", "có vướng mắc; chưa có kinh phí"),
        ("Sở Xây dựng", "2", "chưa báo cáo", "chưa triển khai 0%"),
    ]
    assert not any(change.conflict for change in changes)
    assert await replies(talk) == []  # looking changed nothing
    await office.bring_back()
    said = [(row.said, row.percent, row.document, row.document_on) for row in await replies(talk)]
    assert said == [
        ("completed", None, "12/BC-STC", date(2026, 11, 5)),
        ("in_progress", 60, None, None),
        ("blocked", None, None, None),
        ("not_started", 0, None, None),
    ]
    for row in await replies(talk):
        assert (row.person_id, row.chat_id, row.event_id, row.said_at) == (None, None, None, NOW)
        assert row.note.endswith("(theo bảng xuất 08:00:00 09/11/2026, Nguyễn Văn A nhập)")
    done = await talk.obligation(NUMBER, "stc", "BC.1", "2026")
    # It waits to be confirmed, by the document's day, and nobody is reminded of it any more.
    assert (done.state, done.done_on, done.confirmed_at) == ("submitted", date(2026, 11, 5), None)
    assert before.remind_on is not None
    assert (done.rung, done.remind_on) == (None, None)
    doing = await talk.obligation(NUMBER, "stc", "1", "end")
    assert (doing.state, doing.progress, doing.percent) == ("open", "in_progress", 60)
    assert (await talk.obligation(NUMBER, "stc", "2", "end")).blocked_at == NOW
    assert await office.changes() == []
    assert len(await replies(talk)) == 4


async def test_a_row_without_anything_filled_in_says_nothing_even_where_it_was_damaged(
    office: Office,
) -> None:
    office.edit(lambda page: fill_in(page, 2, key="gì đó", agency="Sở Vũ trụ"))
    assert await office.changes() == []


async def test_rows_may_be_sorted_and_columns_moved(office: Office) -> None:
    office.fill("stc", "1", "đang làm", percent="45%")

    def turn_round(page: Worksheet) -> None:
        rows = [[cell.value for cell in row] for row in page.iter_rows()]
        for number, values in enumerate([rows[0], *reversed(rows[1:])], 1):
            for column, value in enumerate(reversed(values), 1):
                page.cell(number, column).value = value

    office.edit(turn_round)
    (change,) = await office.changes()
    assert (change.agency, change.code, change.percent) == ("Sở Tài chính", "1", 45)


async def test_a_number_shown_as_per_cent_is_read_as_it_is_shown(office: Office) -> None:
    row = office.fill("stc", "1", "đang làm", percent=0.45)

    def as_per_cent(page: Worksheet) -> None:
        page.cell(row, COLUMNS["percent"]).number_format = "0%"

    office.edit(as_per_cent)
    (change,) = await office.changes()
    assert change.percent == 45


async def test_a_day_that_excel_made_a_date_is_understood(office: Office) -> None:
    office.fill("stc", "1", "đã xong", document="7/BC", document_on=datetime(2026, 11, 5))
    (change,) = await office.changes()
    assert change.document_on == date(2026, 11, 5)


async def test_a_slip_in_the_same_sheet_is_mended_without_a_conflict(office: Office) -> None:
    office.fill("stc", "1", "đang làm", percent=60)
    await office.bring_back()
    office.talk.now += timedelta(hours=1)
    office.fill("stc", "1", "đang làm", percent=70)
    (change,) = await office.bring_back()
    assert (change.before, change.after, change.conflict) == (
        "đang thực hiện 60%",
        "đang thực hiện 70%",
        False,
    )
    assert (await office.talk.obligation(NUMBER, "stc", "1", "end")).percent == 70


async def test_a_note_alone_keeps_the_document_by_which_it_was_done(office: Office) -> None:
    office.fill("stc", "1", "đã xong", document="7/BC", document_on="5/11/2026")
    await office.bring_back()
    office.talk.now += timedelta(days=3)
    office.fill("stc", "1", "đã xong", document=None, document_on=None, note="đã gửi bản giấy")
    await office.bring_back()
    row = await office.talk.obligation(NUMBER, "stc", "1", "end")
    assert (row.state, row.done_on) == ("submitted", date(2026, 11, 5))
    last = (await replies(office.talk))[-1]
    assert (last.document, last.note.partition(" (")[0]) == ("7/BC", "đã gửi bản giấy")


async def test_what_was_reported_as_done_can_be_opened_again(office: Office) -> None:
    office.fill("stc", "1", "đã xong")
    await office.bring_back()
    office.fill("stc", "1", "đang làm", percent=90)
    (change,) = await office.bring_back()
    assert (change.before, change.after) == ("chờ xác nhận", "đang thực hiện 90%")
    row = await office.talk.obligation(NUMBER, "stc", "1", "end")
    assert (row.state, row.done_on) == ("open", None)
    assert row.remind_on is not None


# ------------------------------------------------------------------ what changed meanwhile


async def test_what_was_answered_in_chat_meanwhile_is_a_conflict(office: Office) -> None:
    office.fill("stc", "1", "đang làm", percent=30)
    office.fill("sxd", "2", "đang làm", percent=30)
    row = await office.talk.obligation(NUMBER, "stc", "1", "end")
    (shown,) = await office.talk.say("stc", "/viec")
    await office.talk.say("stc", f"{shown.answer.items.index(row.id) + 1} đang làm 80%")
    changes = [(change.before, change.after, change.conflict) for change in await office.changes()]
    assert changes == [
        ("đang thực hiện 80%", "đang thực hiện 30%", True),
        ("chưa báo cáo", "đang thực hiện 30%", False),
    ]


async def test_what_changes_no_state_is_no_conflict(office: Office) -> None:
    office.fill("stc", "1", "đang làm", percent=30)
    row = await office.talk.obligation(NUMBER, "stc", "1", "end")
    (shown,) = await office.talk.say("stc", "/viec")
    await office.talk.say("stc", f"{shown.answer.items.index(row.id) + 1} đã nhận")
    (change,) = await office.changes()
    assert [reply.said for reply in await replies(office.talk)] == ["acknowledge"]
    assert not change.conflict


async def test_a_return_since_the_import_is_a_conflict_for_the_same_sheet_too(
    office: Office,
) -> None:
    talk = office.talk
    office.fill("stc", "1", "đã xong")
    await office.bring_back()
    talk.now += timedelta(hours=1)
    owed = await talk.obligation(NUMBER, "stc", "1", "end")
    async with talk.database.write() as connection:
        rows = await connection.execute(
            select(
                Obligation.id,
                Obligation.code,
                Obligation.period,
                Agency.code.label("owner_code"),
            )
            .join(Agency, Agency.id == Obligation.agency_id)
            .where(Obligation.id == owed.id)
        )
        row = rows.one()
        subject = type("Row", (), {**row._mapping, "plan_code": PLAN})
        assert await submissions.return_submission(
            connection,
            subject,
            reason="thiếu số liệu",
            person_id=None,
            decided_by="Sở KH&CN",
            now=talk.now,
        )
    (change,) = await office.changes()
    assert (change.before.partition(";")[0], change.conflict) == ("chưa báo cáo (bị trả lại)", True)


# ------------------------------------------------------------------ faults


async def test_every_fault_is_named_by_row_and_column_and_nothing_is_half_done(
    office: Office,
) -> None:
    good = office.fill("sxd", "BC.1", "đang làm", percent=10)
    wrong = office.fill("stc", "BC.1", "gần xong", percent=120)
    days = office.fill("stc", "1", "đã xong", document="7/BC", document_on="5/11/2027")
    lone = office.fill("stc", "2", "vướng mắc", document_on="31/2/2026", percent="nửa")
    other = office.fill("sxd", "2", "chưa làm", note="x")
    office.edit(lambda page: fill_in(page, other, agency="Sở Vũ trụ"))
    faults = await office.faults()
    assert sorted(faults) == sorted(
        [
            (
                f"Dòng {wrong}, cột «Trạng thái mới»: «gần xong» không phải trạng thái."
                " Hãy chọn: chưa triển khai, đang thực hiện, đã hoàn thành, có vướng mắc."
            ),
            f"Dòng {wrong}, cột «% hoàn thành»: «120» không phải số nguyên từ 0 đến 100.",
            f"Dòng {days}, cột «Ngày văn bản»: 05/11/2027 còn ở phía trước.",
            f"Dòng {lone}, cột «% hoàn thành»: «nửa» không phải số nguyên từ 0 đến 100.",
            (
                f"Dòng {lone}, cột «Ngày văn bản»: «31/2/2026» không phải ngày."
                " Hãy viết dạng 15/11/2026 hoặc 2026-11-15."
            ),
            f"Dòng {lone}, cột «Số văn bản»: số và ngày văn bản phải ghi cùng nhau.",
            f"Dòng {lone}, cột «Ghi chú»: có vướng mắc thì phải ghi lý do.",
            f"Dòng {other}, cột «Cơ quan»: ghi «Sở Vũ trụ», trong cơ sở dữ liệu là «Sở Xây dựng».",
        ]
    )
    assert not [fault for fault in faults if fault.startswith(f"Dòng {good},")]
    numbers = [int(fault.split()[1].rstrip(",")) for fault in faults]
    assert numbers == sorted(numbers)
    assert await replies(office.talk) == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"percent": 50}, "Trạng thái mới»: chưa chọn trạng thái"),
        ({"said": "đã xong", "percent": 90}, "% hoàn thành»: đã hoàn thành thì"),
        ({"said": "chưa làm", "percent": 10}, "% hoàn thành»: chưa triển khai thì"),
        ({"said": "đang làm", "percent": 0.6}, "% hoàn thành»: «0.6»"),
        ({"said": "đang làm", "percent": -5}, "% hoàn thành»: «-5»"),
        ({"said": "đang làm", "percent": "٥"}, "% hoàn thành»: «٥»"),
        ({"said": "đã xong", "document": "7/BC"}, "Ngày văn bản»: số và ngày"),
        (
            {"said": "chưa làm", "document": "7/BC", "document_on": "5/11/2026"},
            "Số văn bản»: chỉ ghi khi",
        ),
        (
            {"said": "đã xong", "document": "7/BC", "document_on": "5/11/1026"},
            "Ngày văn bản»: 05/11/1026 quá xa",
        ),
        ({"said": "đã xong", "document": "7/BC", "document_on": 46331}, "«46331» không phải ngày"),
        (
            {"said": "đã xong", "document": "7" * 121, "document_on": "5/11/2026"},
            "Số văn bản»: dài quá 120",
        ),
        ({"said": "đang làm", "note": "x" * 501}, "Ghi chú»: dài quá 500"),
        ({"said": "đang làm", "note": "Độ mật: Tối mật"}, "Ghi chú»: có dấu độ mật"),
        ({"said": "#N/A"}, "Trạng thái mới»: công thức bị lỗi"),
        ({"said": "đang làm", "key": "12.aa"}, "Khoá (không sửa)»: dòng này không có"),
        ({"said": "đang làm", "key": None}, "Khoá (không sửa)»: dòng này không có"),
        ({"said": "đang làm", "code": "II.7"}, "Mã»: ghi «II.7», trong cơ sở dữ liệu là «1»"),
        ({"said": "đang làm", "agency_code": "sxd"}, "Mã cơ quan»: ghi «sxd»"),
    ],
)
async def test_what_is_not_sure_is_asked_back(
    values: dict[str, Any], told: str, office: Office
) -> None:
    row = office.row_of("stc", "1")
    office.edit(lambda page: fill_in(page, row, **values))
    faults = await office.faults()
    assert any(fault.startswith(f"Dòng {row}, cột «") and told in fault for fault in faults)


async def test_a_key_that_was_dragged_down_is_found_out(office: Office) -> None:
    first, second = office.row_of("stc", "1"), office.row_of("stc", "2")
    office.fill("stc", "1", "đang làm")
    office.fill("stc", "2", "đang làm")

    def drag(page: Worksheet) -> None:
        page.cell(second, COLUMNS["key"]).value = page.cell(first, COLUMNS["key"]).value

    office.edit(drag)
    rows = sorted((first, second))
    assert await office.faults() == [
        f"Dòng {rows[1]}, cột «Khoá (không sửa)»: lặp lại nhiệm vụ ở dòng {rows[0]}. Hãy bỏ một dòng."
    ]


async def test_a_key_of_another_obligation_or_database_is_found_out(office: Office) -> None:
    row = office.fill("stc", "1", "đang làm")
    key = load_workbook(office.path)[STATUS_PAGE_TITLE].cell(row, COLUMNS["key"]).value
    number, rest = str(key).split(".", 1)
    office.edit(lambda page: fill_in(page, row, key=f"{number}.{rest[:-1]}x"))
    assert "khoá của dòng này đã bị sửa" in (await office.faults())[0]
    office.edit(lambda page: fill_in(page, row, key=f"999999.{rest}"))
    assert "không có nhiệm vụ này" in (await office.faults())[0]


async def test_what_takes_no_answers_any_more_is_a_fault_unless_it_says_the_same(
    office: Office,
) -> None:
    row = await office.talk.obligation(NUMBER, "stc", "1", "end")
    async with office.talk.database.write() as connection:
        await connection.execute(
            update(Obligation).where(Obligation.id == row.id).values(state="confirmed")
        )
    office.fill("stc", "1", "đã xong")
    assert await office.changes() == []
    office.fill("stc", "1", "đang làm")
    assert "nhiệm vụ này hoàn thành, không nhận câu trả lời nữa" in (await office.faults())[0]


async def test_trouble_with_what_was_reported_as_done_is_asked_back(office: Office) -> None:
    office.fill("stc", "1", "đã xong")
    await office.bring_back()
    office.fill("stc", "1", "vướng mắc", note="thiếu")
    assert "đã báo cáo hoàn thành" in (await office.faults())[0]
    office.fill("stc", "1", "đã xong", note="thêm lời")
    assert "hãy ghi cả số và ngày văn bản" in (await office.faults())[0]


# ------------------------------------------------------------------ as offices write


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Hoàn thành", "đã hoàn thành"),
        ("ĐÃ HOÀN THÀNH.", "đã hoàn thành"),
        ("xong", "đã hoàn thành"),
        ("Xong.", "đã hoàn thành"),
        ("da xong", "đã hoàn thành"),
        ("Hoàn thành 100%", "đã hoàn thành"),
        ("Hoàn thành quá hạn", "đã hoàn thành"),
        ("Đang thực hiện trong hạn", "đang thực hiện"),
        ("Đang thực hiện", "đang thực hiện"),
        ("dang trien khai", "đang thực hiện"),
        ("Đang thực hiện 60%", "đang thực hiện 60%"),
        ("đang làm (45 %)", "đang thực hiện 45%"),
        ("Chưa triển khai", "chưa triển khai"),
        ("§· xong", "đã hoàn thành"),
        ("§ang thùc hiÖn", "đang thực hiện"),
    ],
)
async def test_states_are_taken_as_offices_write_them(
    words: str, told: str, office: Office
) -> None:
    office.fill("stc", "1", words)
    (change,) = await office.changes()
    assert change.after == told


@pytest.mark.parametrize(
    "words",
    [
        "chưa xong", "chưa hoàn thành", "gần xong", "cơ bản hoàn thành", "hoàn thành 60%",
        "sẽ hoàn thành", "xong?  chưa", "Hoàn thành?", "xong ？", "không", "x", "Baùo caùo xong",
    ],
)  # fmt: skip
async def test_nothing_unsure_becomes_a_completion(words: str, office: Office) -> None:
    row = office.fill("stc", "1", words)
    assert (await office.faults())[0].startswith(f"Dòng {row}, cột «Trạng thái mới»: ")


async def test_a_state_and_a_cell_that_name_different_shares_are_asked_about(
    office: Office,
) -> None:
    office.fill("stc", "1", "đang làm 60%", percent=40)
    assert "ghi 60%, cột này ghi 40%" in (await office.faults())[0]


@pytest.mark.parametrize(
    "words",
    [
        "5.11.2026",
        "05-11-2026",
        "5/11/2026",
        "2026/11/5",
        "ngày 5 tháng 11 năm 2026",
        "5 - 11 - 2026",
    ],
)
async def test_days_are_taken_as_offices_write_them(words: str, office: Office) -> None:
    office.fill("stc", "1", "xong", document="7/BC", document_on=words)
    (change,) = await office.changes()
    assert change.document_on == date(2026, 11, 5)


async def test_a_day_after_its_month_is_asked_about(office: Office) -> None:
    office.fill("stc", "1", "xong", document="7/BC", document_on="10/25/2026")
    (fault,) = await office.faults()
    assert "viết tháng trước ngày. Nếu là 25/10/2026" in fault
    office.fill("stc", "1", "xong", document="7/BC", document_on="5/11/26")
    assert "không phải ngày" in (await office.faults())[0]


async def test_a_letterhead_above_the_header_is_passed_over(office: Office) -> None:
    office.fill("stc", "1", "xong")

    def head(page: Worksheet) -> None:
        page.insert_rows(1, 6)
        page.cell(1, 1).value = "ỦY BAN NHÂN DÂN TỈNH"
        page.cell(2, 3).value = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
        page.cell(5, 1).value = "Trạng thái mới"  # words of a title, not the header
        for column in range(1, len(COLUMNS) + 1):
            cell = page.cell(7, column)
            cell.value = str(cell.value).upper()

    office.edit(head)
    (change,) = await office.changes()
    assert (change.code, change.after) == ("1", "đã hoàn thành")


async def test_columns_of_the_offices_own_are_passed_over_and_twins_refused(
    office: Office,
) -> None:
    office.fill("stc", "1", "xong")
    office.edit(lambda page: fill_in_header(page, 15, "Người theo dõi"))
    assert len(await office.changes()) == 1
    office.edit(lambda page: fill_in_header(page, 15, "GHI CHÚ"))
    assert await office.faults() == [
        "trang-thai.xlsx: có hơn một cột «Ghi chú». Hãy bỏ bớt, mỗi tên một cột."
    ]


def fill_in_header(page: Worksheet, column: int, words: str) -> None:
    page.cell(1, column).value = words


async def test_rows_that_an_office_deleted_are_told_and_keep_their_state(office: Office) -> None:
    before = load_workbook(office.path)[STATUS_PAGE_TITLE].max_row - 1
    row = office.fill("stc", "1", "xong")
    other = next(number for number in range(2, before + 2) if number != row)
    office.edit(lambda page: page.delete_rows(other))
    assert len(await office.changes()) == 1
    (notice,) = office.read().notices
    told = f"Bảng xuất có {before} nhiệm vụ, tệp này thiếu 1 (dòng {other} của bảng đã xuất):"
    assert notice == f"{told} các nhiệm vụ ấy giữ nguyên."


async def test_a_state_merged_over_several_rows_is_asked_about(office: Office) -> None:
    row = min(office.row_of("stc", "1"), office.row_of("stc", "2"))

    def merge(page: Worksheet) -> None:
        page.cell(row, COLUMNS["said"]).value = "đã xong"
        page.merge_cells(
            start_row=row, end_row=row + 1, start_column=COLUMNS["said"], end_column=COLUMNS["said"]
        )

    office.edit(merge)
    (fault,) = await office.faults()
    told = f"Dòng {row}, cột «Trạng thái mới»: ô gộp từ dòng {row} đến dòng {row + 1}."
    assert fault == f"{told} Hãy bỏ gộp và điền từng dòng."


async def test_cells_merged_elsewhere_or_over_columns_do_no_harm(office: Office) -> None:
    row = office.fill("stc", "1", "xong")

    def merge(page: Worksheet) -> None:
        last = COLUMNS["title"]
        page.merge_cells(start_row=row, end_row=row + 1, start_column=last, end_column=last)
        page.merge_cells(start_row=row, end_row=row, start_column=COLUMNS["note"], end_column=13)

    office.edit(merge)
    assert len(await office.changes()) == 1


async def test_two_copies_of_the_sheet_in_one_workbook_are_refused(office: Office) -> None:
    office.fill("stc", "1", "xong")
    book = load_workbook(office.path)
    book.copy_worksheet(book[STATUS_PAGE_TITLE]).title = "Trạng thái (2)"
    book.create_sheet("Ghi chép").append(["Mã", "Kỳ"])
    book.save(office.path)
    assert await office.faults() == [
        "trang-thai.xlsx: trang «Trạng thái (2)» cũng là bảng trạng thái. Hãy chỉ để lại một trang."
    ]


async def test_a_copy_without_its_hidden_keys_is_refused_too(office: Office) -> None:
    office.fill("stc", "1", "xong")
    book = load_workbook(office.path)
    copy = book.copy_worksheet(book[STATUS_PAGE_TITLE])
    copy.delete_cols(COLUMNS["key"])
    book.save(office.path)
    assert "cũng là bảng trạng thái" in (await office.faults())[0]


async def test_a_sheet_without_a_row_of_the_export_is_told(office: Office) -> None:
    office.edit(lambda page: page.delete_rows(2, page.max_row))
    told = "không còn dòng nào của bảng đã xuất. Hãy xuất bảng mới."
    assert await office.faults() == [f"trang-thai.xlsx: {told}"]


async def test_more_merged_cells_than_are_looked_at_are_told(office: Office) -> None:
    office.fill("stc", "1", "xong")

    def merge(page: Worksheet) -> None:
        for row in range(1000, 3000, 2):
            page.merge_cells(start_row=row, end_row=row + 1, start_column=1, end_column=1)

    office.edit(merge)
    assert "quá nhiều ô gộp" in (await office.faults())[0]


async def test_a_formula_that_was_never_computed_is_asked_about(office: Office) -> None:
    row = office.row_of("stc", "1")
    office.edit(lambda page: fill_in(page, row, said='="đã "&"xong"'))
    assert await office.faults() == [
        f"Dòng {row}, cột «Trạng thái mới»: công thức chưa có giá trị. Hãy ghi giá trị."
    ]


@pytest.mark.parametrize(
    ("document_on", "told"),
    [("31/12/2025", "31/12/2025 trước năm 2026"), ("1/1/2026", "")],
)
async def test_a_document_of_before_its_period_is_asked_about(
    document_on: str, told: str, office: Office
) -> None:
    office.fill("stc", "BC.1", "xong", document="7/BC", document_on=document_on)
    if told:
        assert told in (await office.faults())[0]
    else:
        assert len(await office.changes()) == 1


async def test_a_document_of_before_its_period_may_be_of_a_task(office: Office) -> None:
    office.fill("stc", "1", "xong", document="7/QĐ", document_on="31/12/2025")
    assert len(await office.changes()) == 1


async def test_notes_of_old_fonts_are_read_and_told_or_asked_back(office: Office) -> None:
    row = office.fill("stc", "1", "đang làm", note="ch\u00ada cã kinh phÝ")
    (change,) = await office.changes()
    assert change.note == "chưa có kinh phí"
    assert office.read().notices == [
        f"Dòng {row}, cột «Ghi chú»: gõ bằng phông TCVN3, đọc là «chưa có kinh phí»."
    ]
    office.fill("stc", "1", "đang làm", note="CH¦A Cã KINH PHÝ")
    assert office.read().filled[0].note == "CHƯA CÓ KINH PHÍ"
    office.fill("stc", "1", "đang làm", note="Baùo caùo ñaõ göûi")
    assert "gõ bằng phông VNI" in (await office.faults())[0]


@pytest.mark.parametrize(
    "words",
    [
        "khoá máy, hoá đơn, loà xoà", "50 µg; 5 m²; ½ số", "Office® và Café Müller", "«Sở Tài chính»",
        "§ 5, số 12/BC ©2026", "naïve", "TT Đà Nẵng", "đã gửi", "theo phụ lục¹",
    ],
)  # fmt: skip
async def test_ordinary_words_are_of_no_old_font(words: str, office: Office) -> None:
    office.fill("stc", "1", "đang làm", note=words)
    (change,) = await office.changes()
    assert change.note == words
    assert office.read().notices == []


# ------------------------------------------------------------------ files


def refused(path: Path, **limits: int) -> str:
    with pytest.raises(ImportRefused) as told:
        read_status_sheet(path, today=date(2026, 11, 9), limits=WorkbookLimits(**limits))
    (fault,) = told.value.faults
    return fault


@pytest.mark.parametrize("content", [b"", b"not a sheet", b"PK\x03\x04 neither"])
def test_what_is_no_workbook_is_told_in_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)
    assert refused(path) == "x.xlsx: không phải tệp Excel .xlsx. Hãy lưu lại dạng .xlsx."
    assert "không đọc được tệp" in refused(tmp_path / "none.xlsx")


def with_page(path: Path, xml: str) -> Path:
    """Return a workbook whose page is this text."""
    made = io.BytesIO()
    write_status_sheet(path, [], made_at=NOW)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            is_page = item.filename == "xl/worksheets/sheet1.xml"
            new.writestr(item.filename, xml if is_page else old.read(item))
    path.write_bytes(made.getvalue())
    return path


@pytest.mark.parametrize(
    ("xml", "told"),
    [
        ("<worksheet><sheetData><row", "không phải tệp Excel"),
        (
            '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
            + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
            + "]><worksheet><sheetData><row><c><v>&j;</v></c></row></sheetData></worksheet>",
            "nội dung quá lớn",
        ),
    ],
    ids=["broken", "entities that multiply"],
)
def test_a_page_that_cannot_be_read_is_told_in_one_sentence(
    xml: str, told: str, tmp_path: Path
) -> None:
    assert told in refused(with_page(tmp_path / "x.xlsx", xml))


async def test_files_too_large_packed_unpacked_or_in_rows_are_refused(office: Office) -> None:
    size = office.path.stat().st_size
    assert "tệp quá lớn" in refused(office.path, packed=size - 1)
    with zipfile.ZipFile(office.path) as archive:
        unpacked = sum(item.file_size for item in archive.infolist())
    assert "nội dung quá lớn" in refused(office.path, unpacked=unpacked - 1)
    assert "quá 2 dòng" in refused(office.path, rows=2)
    assert office.read() == StatusSheet([], [], [])


async def test_a_row_that_claims_to_be_the_billionth_makes_no_billion_rows(tmp_path: Path) -> None:
    xml = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="999999999"><c r="A999999999" t="inlineStr"><is><t>x</t></is></c></row>'
        "</sheetData></worksheet>"
    )
    assert "thiếu cột" in refused(with_page(tmp_path / "x.xlsx", xml), rows=1000)


async def test_a_machine_that_opens_no_file_now_says_so_and_not_that_the_file_is_large(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert "máy đang bận" in refused(office.path)


async def test_another_workbook_is_no_status_sheet(office: Office) -> None:
    office.edit(lambda page: fill_in(page, 1, key="Khác"))
    assert "thiếu cột «Khoá (không sửa)»" in refused(office.path)
    book = load_workbook(office.path)
    book[STATUS_PAGE_TITLE].title = "Trang khác"
    book.save(office.path)
    assert refused(office.path).startswith("trang-thai.xlsx: không có trang «Trạng thái».")


# ------------------------------------------------------------------ the command


class Sat(io.StringIO):
    """A terminal at which somebody sits and types one line, after doing something else."""

    def __init__(self, line: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        super().__init__(line)
        self._meanwhile = meanwhile

    def isatty(self) -> bool:
        return True

    def readline(self, *arguments: Any) -> str:
        self._meanwhile()
        return super().readline(*arguments)


@pytest.fixture
def sheet(loaded: Terminal, tmp_path: Path) -> Path:
    """The sheet of one agency, its first row filled in."""
    told = loaded.json("export", "--status", "131", "--agency", "Sở Tài chính", "--out", "s.xlsx")
    assert (told["plan"], told["rows"] > 1) == ("lang-son-131-2020", True)
    path = tmp_path / "s.xlsx"
    book = load_workbook(path)
    fill_in(book[STATUS_PAGE_TITLE], 2, said="đang làm", percent=60)
    book.save(path)
    return path


def recorded(terminal: Terminal) -> list[Any]:
    return terminal.sql("SELECT said, percent FROM status_reply ORDER BY id")


def test_the_command_shows_asks_and_records_once(
    loaded: Terminal, sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("import-status", "s.xlsx", "--by", BY)
    code, out, _ = loaded.type(*words, "--dry-run")
    assert code == 0
    assert "đang thực hiện 60%" in out
    code, _, err = loaded.type(*words)
    assert (code, "--yes" in err) == (1, True)  # nobody there to ask
    monkeypatch.setattr(sys, "stdin", Sat("\n"))
    code, _, err = loaded.type(*words)
    assert (code, "Ghi 1 thay đổi? [c/K]" in err, "chưa ghi gì" in err) == (1, True, True)
    assert recorded(loaded) == []
    monkeypatch.setattr(sys, "stdin", Sat("C\n"))
    code, out, _ = loaded.type(*words)
    assert (code, "Đã ghi 1 thay đổi" in out) == (0, True)
    assert recorded(loaded) == [("in_progress", 60)]
    code, out, _ = loaded.type(*words, "--yes")
    assert (code, out) == (0, "Không có gì thay đổi.\n")
    assert recorded(loaded) == [("in_progress", 60)]


def test_what_changed_while_somebody_looked_is_not_written_over(
    loaded: Terminal, sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile() -> None:
        loaded.sql("UPDATE obligation SET progress = 'in_progress', percent = 80")

    monkeypatch.setattr(sys, "stdin", Sat("c\n", meanwhile))
    assert "chạy lại" in loaded.type("import-status", "s.xlsx", "--by", BY)[2]
    assert recorded(loaded) == []


def test_conflicts_are_shown_and_left_out_until_they_are_asked_for(
    loaded: Terminal, sheet: Path
) -> None:
    loaded.sql("UPDATE obligation SET progress = 'in_progress', percent = 80")
    words = ("import-status", "s.xlsx", "--by", BY, "--yes")
    code, out, _ = loaded.type(*words)
    assert code == 0
    assert "đã đổi sau khi xuất bảng" in out
    assert "--force-conflicts" in out
    assert recorded(loaded) == []
    told = loaded.json(*words, "--force-conflicts")
    assert (told["recorded"], told["changes"][0]["conflict"]) == (1, True)
    assert recorded(loaded) == [("in_progress", 60)]


def test_json_needs_a_decision_ahead_and_a_name_is_needed_always(
    loaded: Terminal, sheet: Path
) -> None:
    assert "--dry-run" in loaded.refused("import-status", "s.xlsx", "--by", BY, "--json")
    told = loaded.json("import-status", "s.xlsx", "--by", BY, "--dry-run")
    assert told["recorded"] == 0
    assert json.dumps(told["changes"][0]["after"], ensure_ascii=False) == '"đang thực hiện 60%"'
    assert "--by" in loaded.refused("import-status", "s.xlsx")
    assert "--by" in loaded.refused("import-status", "s.xlsx", "--by", "  ")


def test_a_sheet_with_faults_records_nothing(loaded: Terminal, sheet: Path) -> None:
    book = load_workbook(sheet)
    fill_in(book[STATUS_PAGE_TITLE], 3, said="đã xong", percent=50)
    book.save(sheet)
    told = loaded.refused("import-status", "s.xlsx", "--by", BY, "--yes")
    assert told == "Dòng 3, cột «% hoàn thành»: đã hoàn thành thì để trống hoặc ghi 100.\n"
    assert recorded(loaded) == []
