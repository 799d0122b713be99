"""The evidence sheet of an agency's month: first deadlines, missed dates, extensions, causes; and who may see it."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from data.db.database import Database
from data.files import load_file
from data.models import ExtensionRequest
from data.progress import explanations
from data.progress.decisions import record_decision
from data.progress.extensions import decide_extension
from data.reports.evidence_facts import EvidenceFacts, EvidenceLine
from data.reports.evidence_sheet import load_evidence_facts
from data.reports.period import read_month
from jobs.rendering.items import load_obligation_rows
from jobs.reports.evidence_sheet import evidence_xlsx, progress_words
from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal
from tests.support.conversations import Talk, small_registry
from tests.support.loaded_province import load_world
from tests.support.recorded_answers import Said, on

pytestmark = pytest.mark.slow
__all__ = ["loaded", "loaded_file", "terminal"]  # fixtures

NOVEMBER, TODAY = date(2026, 11, 1), date(2026, 11, 30)


@pytest.fixture
async def said(database: Database) -> Said:
    registry = small_registry()
    await load_world(database, registry, now=on(3, 2))
    return Said(database, registry)


async def evidence(
    said: Said, agency: str = "stc", *, month: date = NOVEMBER, today: date = TODAY
) -> EvidenceFacts:
    async with said.database.read() as connection:
        return await load_evidence_facts(
            connection, said.registry, "dong", agency, month=month, today=today
        )


async def line_of(said: Said, code: str, **more: Any) -> EvidenceLine:
    facts = await evidence(said, **more)
    return next(line for line in facts.lines if line.code == code)


async def grant(said: Said, agency: str, code: str, period: str, until: date, *, at: Any) -> None:
    """Let a later date have been asked for and granted by a document."""
    owed = await said.owed(agency, code, period)
    await said.ask_time(owed.id, until, "Chờ hướng dẫn", at=at)
    async with said.database.write() as connection:
        request = await connection.scalar(
            select(ExtensionRequest.id).where(
                ExtensionRequest.obligation_id == owed.id, ExtensionRequest.state == "open"
            )
        )
        assert request is not None
        decision = await record_decision(
            connection,
            "extension_granted",
            plan_code=said.plan,
            subject=code,
            details={"obligation": owed.id, "document": "5/UBND-TH ngày 10/11/2026"},
            person_id=None,
            decided_by="Sở Khoa học và Công nghệ",
            now=at,
        )
        await decide_extension(
            connection, request, "granted", until=until, decision_id=decision, now=at
        )


async def test_the_first_deadline_stays_and_each_date_that_passed_is_named(said: Said) -> None:
    await grant(said, "stc", "BC.1", "2026", date(2026, 11, 20), at=on(11, 10))
    line = await line_of(said, "BC.1")
    assert (line.due_on, line.extended_to) == (date(2026, 11, 14), date(2026, 11, 20))
    assert line.extension_document == "5/UBND-TH ngày 10/11/2026"
    assert list(line.missed) == [date(2026, 11, 14), date(2026, 11, 20)]
    # Judged on Friday 20/11; 24/11 is off.
    assert (line.state, line.days_late, progress_words(line)) == (
        "open_late",
        5,
        "đang quá hạn 05 ngày làm việc",
    )


async def test_what_was_done_by_the_date_granted_is_on_time_though_the_first_date_passed(
    said: Said,
) -> None:
    await grant(said, "stc", "BC.1", "2026", date(2026, 11, 20), at=on(11, 10))
    owed = await said.owed("stc", "BC.1", "2026")
    await said.change(owed.id, judged_on=date(2026, 11, 20), base_on=date(2026, 11, 20))
    await said.say(
        "stc", "BC.1", "2026", "completed", at=on(11, 19), document="9/BC-STC",
        document_on=date(2026, 11, 18), note="Đã gửi đủ biểu",
    )  # fmt: skip
    await said.confirm(owed.id, at=on(11, 23))
    line = await line_of(said, "BC.1")
    assert (line.state, progress_words(line)) == ("done_on_time", "đúng hạn")
    assert list(line.missed) == [date(2026, 11, 14)]
    assert (line.told_done_on, line.document, line.confirmed_on) == (
        date(2026, 11, 19),
        "9/BC-STC",
        date(2026, 11, 23),
    )


async def test_returns_explanations_objections_and_decided_causes_are_told(said: Said) -> None:
    owed = await said.owed("stc", "BC.1", "2026")
    await said.say("stc", "BC.1", "2026", "completed", at=on(11, 16))
    await said.send_back(owed.id, at=on(11, 17))
    await said.explain(owed.id, "Thiếu biểu của xã", at=on(11, 20))
    await said.say("stc", "BC.1", "2026", "dispute", at=on(11, 21), note="Đã gửi bản giấy")
    line = await line_of(said, "BC.1")
    assert (line.returned, line.explained_on, line.explanation, line.cause) == (
        1,
        date(2026, 11, 20),
        "Thiếu biểu của xã",
        None,
    )
    assert list(line.objections) == ["21/11/2026: Đã gửi bản giấy"]
    async with said.database.write() as connection:
        row = (await load_obligation_rows(connection, [owed.id]))[owed.id]
        assert await explanations.accept_cause(
            connection, row, reason="7/UBND-NC", person_id=None, decided_by="UBND tỉnh",
            now=on(11, 25),
        )  # fmt: skip
    line = await line_of(said, "BC.1")
    assert (line.cause, line.cause_by) == ("accepted", "UBND tỉnh, 7/UBND-NC")
    notes = sheet_notes(evidence_xlsx(await evidence(said)))
    assert any(
        "không tính nội dung được chấp nhận có nguyên nhân khách quan: –" in n for n in notes
    )


def sheet_notes(content: bytes) -> list[str]:
    page = load_workbook(io.BytesIO(content)).worksheets[0]
    rows = list(page.iter_rows(values_only=True))[3:]
    return [str(row[2]) for row in rows if row[2] and not row[1]]


async def test_a_month_that_is_over_stays_and_what_changed_since_is_told_with_its_date(
    said: Said,
) -> None:
    await said.say("stc", "BC.1", "2026", "completed", at=on(12, 3))
    await said.confirm((await said.owed("stc", "BC.1", "2026")).id, at=on(12, 4))
    facts = await evidence(said, today=date(2026, 12, 10))
    line = next(line for line in facts.lines if line.code == "BC.1")
    assert (facts.as_of, line.state) == (date(2026, 11, 30), "open_late")
    assert line.corrections == ["03/12/2026: báo đã hoàn thành"]
    assert "• Báo cáo năm 2026: 03/12/2026: báo đã hoàn thành." in sheet_notes(evidence_xlsx(facts))
    december = await line_of(said, "BC.1", month=date(2026, 12, 1), today=date(2026, 12, 10))
    assert december.state == "done_late"


async def test_what_was_done_in_an_earlier_month_stands_there_alone(said: Said) -> None:
    await said.say("stc", "1", "end", "completed", at=on(10, 5))
    await said.confirm((await said.owed("stc", "1", "end")).id, at=on(10, 6))
    assert "1" not in {line.code for line in (await evidence(said)).lines}
    assert "1" in {line.code for line in (await evidence(said, month=date(2026, 10, 1))).lines}


async def test_a_report_that_was_due_before_tracking_is_no_lateness(database: Database) -> None:
    registry = small_registry()
    await load_world(database, registry, now=on(11, 20))  # after 14/11, the day of the report
    assert "BC.1" not in {line.code for line in (await evidence(Said(database, registry))).lines}


async def test_work_taken_over_counts_and_what_ended_before_tracking_does_not(said: Said) -> None:
    codes = {line.code for line in (await evidence(said)).lines}
    assert codes == {"1", "2", "BC.1"}  # not "8", which ended in 2024 and was taken over
    assert {line.code for line in (await evidence(said, "sxd")).lines} == {"2", "BC.1"}


async def test_work_taken_over_names_whose_it_was(database: Database) -> None:
    registry = small_registry()
    await load_world(database, registry, now=on(3, 2), tracked_from=date(2021, 2, 1))
    old = next(
        line for line in (await evidence(Said(database, registry))).lines if line.code == "8"
    )
    assert old.title == "Bố trí vốn đầu tư (tiếp nhận nhiệm vụ của Sở Kế hoạch và Đầu tư)"
    assert list(old.missed) == [date(2024, 12, 31)]


async def test_the_sheet_has_the_columns_of_such_lists_and_blank_ones_for_the_office(
    said: Said,
) -> None:
    facts = await evidence(said)
    page = load_workbook(io.BytesIO(evidence_xlsx(facts))).worksheets[0]
    rows = list(page.iter_rows(values_only=True))
    assert rows[0][2] == "BẢNG KÊ KẾT QUẢ THỰC HIỆN NHIỆM VỤ THEO CÁC KẾ HOẠCH CỦA UBND TỈNH"
    assert rows[1][2] == "Tháng 11 năm 2026 · Cơ quan: Sở Tài chính"
    assert len(rows[2]) == 21
    assert rows[2][18:] == ("Người thực hiện", "Hệ số quy đổi", "Ghi chú")
    assert all(row[18:] == (None, None, None) for row in rows[3 : 3 + len(facts.lines)])
    notes = sheet_notes(evidence_xlsx(facts))
    assert notes[-3].startswith("Được giao trong kỳ: 3; đến hạn hoặc đã hoàn thành: 1;")
    assert notes[-2].startswith("Tỷ lệ hoàn thành trên số đến hạn: 0,0% (0/1)")
    assert notes[-1] == (
        "Số liệu do Hệ thống Nhắc Việc ghi nhận đến ngày 30/11/2026; không thay cho đánh giá của cấp có"
        " thẩm quyền."
    )
    whole = " ".join(str(cell) for row in rows for cell in row).lower()
    for word in ("điểm", "xếp hạng", "xếp loại"):
        assert word not in whole


async def test_the_sheet_is_printed_on_two_pages_side_by_side_in_letters_of_seven_points(
    said: Said,
) -> None:
    page = load_workbook(io.BytesIO(evidence_xlsx(await evidence(said)))).worksheets[0]
    assert (page.page_setup.orientation, page.page_setup.paperSize) == ("landscape", 9)
    assert not page.sheet_properties.pageSetUpPr or not page.sheet_properties.pageSetUpPr.fitToPage
    assert page.page_setup.scale * 10 >= 700
    assert [each.id for each in page.col_breaks.brk] == [11]  # before column 12
    assert (page.print_title_cols, page.print_title_rows) == ("$A:$B", "$3:$3")


async def test_no_person_is_named(said: Said) -> None:
    lan = await said.person("Trần Thị Lan")
    await said.say("stc", "BC.1", "2026", "completed", at=on(11, 16), person_id=lan)
    content = evidence_xlsx(await evidence(said))
    page = load_workbook(io.BytesIO(content)).worksheets[0]
    assert "Lan" not in " ".join(str(c) for row in page.iter_rows(values_only=True) for c in row)


@pytest.mark.parametrize(
    ("words", "month"),
    [
        ("", date(2026, 11, 1)),
        ("tháng này", date(2026, 11, 1)),
        ("tháng 10", date(2026, 10, 1)),
        ("tháng 12", date(2025, 12, 1)),
        ("10/2026", date(2026, 10, 1)),
        ("tháng 3 năm 2026", date(2026, 3, 1)),
        ("2026-11", date(2026, 11, 1)),
        ("13/2026", None),
        ("hôm qua", None),
    ],
)
def test_a_month_is_read_as_people_call_it(words: str, month: date | None) -> None:
    assert read_month(words, today=TODAY) == month


# ------------------------------------------------------------------ in chat and on the command line


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), now=on(11, 30)).begin()


async def test_an_agency_gets_its_own_sheet_and_nobody_elses(talk: Talk) -> None:
    await talk.enrol("dau-moi", "dong", "stc", "focal")
    await talk.enrol("lanh-dao", "dong", "ubnd", "leader")
    (answer,) = await talk.say("dau-moi", "/minhchung tháng 11")
    assert answer.template == "minhchung"
    assert "tháng 11 năm 2026, Sở Tài chính" in answer.plain
    async with talk.database.read() as connection:
        file = await load_file(connection, answer.answer.context["attach"])  # type: ignore[arg-type]
    assert file is not None
    assert file.name == "minh-chung-stc-2026-11.xlsx"
    rows = list(load_workbook(io.BytesIO(file.content)).worksheets[0].iter_rows(values_only=True))
    assert "Cơ quan: Sở Tài chính" in str(rows[1][2])
    (other,) = await talk.say("dau-moi", "/minhchung Sở Xây dựng")
    assert other.template == "usage"
    (refused,) = await talk.say("lanh-dao", "/minhchung")
    assert refused.template == "not_allowed"


def test_the_sheet_is_written_from_the_command_line(loaded: Terminal) -> None:
    words = ("evidence-sheet", "Sở Tài chính", "--province", "lang-son")
    code, out, err = loaded.type(*words, "--out", "minh-chung.xlsx")
    assert (code, err) == (0, "")
    assert "Đã ghi minh-chung.xlsx: Sở Tài chính, tháng" in out
    assert load_workbook("minh-chung.xlsx").worksheets[0]["C1"].value is not None
    assert "Đã có minh-chung.xlsx" in loaded.refused(*words, "--out", "minh-chung.xlsx")
    assert loaded.json(*words)["agency"] == "Sở Tài chính"
    assert list(Path().glob(".*.part")) == []


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ((), "Hãy ghi --out"),
        (("--out", "b.docx"), "tên đuôi .xlsx"),
        (("--out", "b.xlsx", "--month", "Tết"), "Không hiểu tháng «Tết»"),
        (("--out", "b.xlsx", "--month", "2090-01"), "chưa bắt đầu"),
    ],
)
def test_what_cannot_be_written_is_told_in_a_sentence(
    loaded: Terminal, more: tuple[str, ...], why: str
) -> None:
    assert why in loaded.refused("evidence-sheet", "Sở Tài chính", "--province", "lang-son", *more)
