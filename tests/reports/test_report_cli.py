"""nhacviec report and nhacviec urge: files written once, refused in words, and the real plans whole."""

from __future__ import annotations

import asyncio
import io
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from openpyxl import load_workbook
from sqlalchemy import func, insert, select, update

from data.clock import civil_date
from data.db.database import Database
from data.models import Obligation, Plan, Reminder, ReportRequest
from data.registry.registry import Registry
from data.reports.gather import gather_report_facts
from data.reports.lines import stream_agency_lines
from data.reports.sums import find_sum_errors
from jobs.reports.make import ReportFile, make_report
from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal
from tests.support.loaded_province import load_world
from tests.support.recorded_answers import Said, on

pytestmark = pytest.mark.sqlite  # about words, whatever keeps the rows

GIA_LAI, LANG_SON = "gia-lai-1901-2020", "lang-son-131-2020"
DAY = date(2026, 11, 20)
__all__ = ["loaded", "loaded_file", "terminal"]  # fixtures


def test_a_report_is_written_and_tells_what_it_holds(loaded: Terminal) -> None:
    code, out, err = loaded.type("report", "131", "--out", "bao-cao.docx")
    assert (code, err) == (0, "")
    assert "Đã ghi bao-cao.docx: 32 nhiệm vụ" in out
    assert "chỗ cần người viết" in out
    words = "\n".join(each.text for each in Document("bao-cao.docx").paragraphs)
    assert "131/KH-UBND" in words
    assert list(Path().glob(".*.part")) == []


def test_a_file_that_exists_is_left_alone_without_force(loaded: Terminal) -> None:
    Path("bao-cao.docx").write_bytes(b"cua toi")
    assert "Đã có bao-cao.docx" in loaded.refused("report", "131", "--out", "bao-cao.docx")
    assert Path("bao-cao.docx").read_bytes() == b"cua toi"
    code, _, _ = loaded.type("report", "131", "--out", "bao-cao.docx", "--force")
    assert code == 0
    assert Path("bao-cao.docx").read_bytes()[:2] == b"PK"


def test_the_notes_are_written_beside_the_report(loaded: Terminal) -> None:
    code, out, _ = loaded.type("report", "131", "--out", "bao-cao.docx")
    assert code == 0
    assert "Nguồn từng số liệu: bao-cao-doi-soat.xlsx." in out
    assert load_workbook("bao-cao-doi-soat.xlsx").sheetnames == [
        "Nguồn số liệu",
        "Cần kiểm tra",
        "Cần bổ sung",
    ]
    Path("bao-cao.docx").unlink()
    assert "Đã có bao-cao-doi-soat.xlsx" in loaded.refused("report", "131", "--out", "bao-cao.docx")
    assert not Path("bao-cao.docx").exists()


def test_several_plans_stand_in_one_sheet_under_their_numbers(loaded: Terminal) -> None:
    code, out, _ = loaded.type("report", "1901", "1331", "--out", "b.xlsx")
    assert code == 0
    assert "Đã ghi b.xlsx: 2 kế hoạch" in out
    column = [row[1] for row in load_workbook("b.xlsx")["Nhiệm vụ"].iter_rows(values_only=True)]
    assert [words for words in column if str(words).startswith("Kế hoạch số")] == [
        "Kế hoạch số 1901/KH-UBND",
        "Kế hoạch số 1331/KH-UBND",
    ]


def test_a_plan_that_is_named_twice_stands_once(loaded: Terminal) -> None:
    code, out, _ = loaded.type("report", "131", "131/KH-UBND", "--out", "b.xlsx")
    assert code == 0
    assert "32 nhiệm vụ" in out


def test_the_facts_are_printed_as_json(loaded: Terminal) -> None:
    facts = loaded.json("report", "131")
    assert (facts["plan_code"], facts["coordinator"]) == (LANG_SON, "Sở Khoa học và Công nghệ")
    assert facts["figures"]["done_on_time"] == 0
    assert facts["lines"] == sum(
        sum(task["parts"][state] for state in ("open_on_time", "open_late"))
        for section in facts["sections"]
        for task in section["tasks"]
    )


def test_a_body_that_is_no_more_does_not_stand_as_one_that_fails_to_answer(
    loaded: Terminal,
) -> None:
    code, _, _ = loaded.type("report", "131", "--out", "bao-cao.docx")
    assert code == 0
    agencies = [
        row.cells[2].text
        for table in Document("bao-cao.docx").tables[2:]
        for row in table.rows
        if len(row.cells) == 7
    ]
    ended = "Sở Thông tin và Truyền thông"
    assert f"{ended} (đã kết thúc hoạt động, chưa xác định cơ quan tiếp nhận)" in agencies
    assert ended not in agencies


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("report", "131"), "Hãy ghi --out"),
        (("report", "131", "--out", "b.pdf"), "Không rõ loại tệp b.pdf"),
        (("report", "131", "--out", "khong/co/b.docx"), "Không có thư mục khong/co"),
        (("report", "131", "1901", "--out", "b.docx"), "--out TỆP.xlsx"),
        (("report", "131", "1901", "--out", "b.xlsx", "--json"), "không có --json"),
        (("report", "131", "--out", "b.docx", "--period", "Tết"), "Không hiểu kỳ «Tết»"),
        (("report", "131", "--out", "b.docx", "--period", "2090"), "chưa bắt đầu"),
        (("report", "131", "--json", "--period", "2090"), "chưa bắt đầu"),
        (("report", "131", "--json", "--period", "2019"), "ban hành ngày 05/08/2020"),
        (("report", "131", "--out", "b.docx", "--as-of", "2090-01-01"), "chưa đến"),
        (("report", "9999", "--out", "b.docx"), "Không có kế hoạch «9999»"),
        (("urge", "131", "--out", "b.xlsx"), "là tệp Word"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    loaded: Terminal, words: tuple[str, ...], why: str
) -> None:
    assert why in loaded.refused(*words)
    assert list(Path().glob("b.*")) == []


@pytest.mark.sqlite
def test_without_a_database_a_report_says_what_to_do(loaded: Terminal) -> None:
    Path("var/nhacviec.db").unlink()
    assert "nhacviec plan load" in loaded.refused("report", "131", "--out", "b.docx")


def test_a_letter_that_urges_is_a_file_and_nothing_else(loaded: Terminal) -> None:
    async def due(day: date, *only: Any) -> None:
        database = Database(loaded.database_url)
        async with database.write() as connection:
            moved = Obligation.__table__.update().where(*only)
            await connection.execute(moved.values(judged_on=day, due_on=day))
        await database.dispose()

    asyncio.run(due(date(2100, 1, 5)))  # whatever the day of this run is
    words = loaded.refused("urge", "131", "--out", "don-doc.docx")
    assert "Chưa có nội dung nào quá hạn từ 15 ngày làm việc" in words

    async def first() -> int:
        database = Database(loaded.database_url)
        async with database.read() as connection:
            found = await connection.scalar(
                select(func.min(Obligation.id))
                .join(Plan, Plan.id == Obligation.plan_id)
                .where(Plan.code == LANG_SON, Obligation.code == "BC.2")
            )
        await database.dispose()
        assert found is not None
        return int(found)

    async def told(obligation_id: int) -> None:
        database = Database(loaded.database_url)
        async with database.write() as connection:
            await connection.execute(update(Plan).values(tracked_from=date(2020, 9, 1)))
            await connection.execute(
                insert(Reminder).values(
                    obligation_id=obligation_id,
                    due_on=date(2021, 1, 5),
                    rung=5,
                    reminded_on=date(2021, 1, 12),
                )
            )
        await database.dispose()

    late = asyncio.run(first())
    asyncio.run(due(date(2021, 1, 5), Obligation.id == late))
    asyncio.run(told(late))
    code, out, _ = loaded.type("urge", "131", "--out", "don-doc.docx")
    assert code == 0
    assert "1 nội dung quá hạn từ 15 ngày làm việc của 1 cơ quan" in out
    assert Path("don-doc.docx").read_bytes()[:2] == b"PK"

    async def asked() -> int:
        database = Database(loaded.database_url)
        async with database.read() as connection:
            found = list(await connection.execute(select(ReportRequest.id)))
        await database.dispose()
        return len(found)

    assert asyncio.run(asked()) == 0


@pytest.mark.slow
@pytest.mark.parametrize("plan", [GIA_LAI, LANG_SON])
async def test_the_real_plans_are_reported_whole_after_a_year_of_answers(
    database: Database, registry: Registry, plan: str
) -> None:
    await load_world(database, registry, now=on(1, 5))
    chance = random.Random(plan)
    said = Said(database, registry, plan)
    async with database.read() as connection:
        rows = await connection.execute(
            select(Obligation.id)
            .join(Plan, Plan.id == Obligation.plan_id)
            .where(Plan.code == plan, Obligation.state == "open")
            .order_by(Obligation.id)
        )
        ids = list(rows.scalars())
    for obligation_id in chance.sample(ids, len(ids) * 2 // 3):
        at = on(1, 6) + timedelta(days=chance.randrange(300))
        words = chance.choice(["in_progress", "completed", "blocked"])
        note = "Đề nghị hướng dẫn" if words == "blocked" else None
        reply = await said.say_of(obligation_id, words, at=at, note=note)
        if chance.random() < 0.2:
            await said.undo(reply, at=at + timedelta(hours=1))
        elif words == "completed" and chance.random() < 0.5:
            await said.confirm(obligation_id, at=at + timedelta(hours=2))
    async with database.read() as connection:
        facts = await gather_report_facts(connection, registry, plan, period="2026", as_of=DAY)
        lines = [each async for each in stream_agency_lines(connection, registry, facts)]
    assert find_sum_errors(facts) == []
    assert [task for task, _ in lines] == list(facts.tasks)
    assert facts.difficulties
    assert facts.proposals
    for form in ("docx", "xlsx"):
        made = await make_report(
            database, registry, plan, period="2026", form=form, as_of=civil_date(on(11, 20))
        )
        assert isinstance(made, ReportFile)
        if form == "xlsx":
            page = load_workbook(io.BytesIO(made.content))["Theo cơ quan"]
            assert page.max_row == 1 + facts.lines
