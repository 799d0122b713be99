"""Reports made for people: sheets that hold no formula, sums that differ, requests made once, who may ask."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update

from data.clock import SteppedClock
from data.db.database import Database
from data.figures.states import Figures
from data.files import load_file
from data.models import Chat, Message, ReportRequest
from data.registry.registry import Registry
from data.reports import requests as report_requests
from data.reports.facts import AgencyLine, ReportFacts, TaskFacts
from data.reports.late_agencies import load_urging_facts
from data.reports.requests import CLAIM_DURATION
from jobs.reports.docx import UnreconciledReport
from jobs.reports.make import ReportFile, ReportRefusal, make_report
from jobs.reports.notes import report_notes
from jobs.reports.requests import ReportWorker
from jobs.reports.xlsx import report_xlsx
from tests.support.conversations import RENDERER, WITH_BUTTONS, WITHOUT, Talk, small_registry
from tests.support.loaded_province import load_world
from tests.support.recorded_answers import PLAN, Said, on

pytestmark = pytest.mark.slow

DAY = date(2026, 11, 20)
NOW = on(11, 20)
FILES = replace(WITH_BUTTONS, max_caption=1024)


@pytest.fixture
async def said(database: Database) -> Said:
    registry = small_registry()
    await load_world(database, registry, now=on(3, 2))
    return Said(database, registry)


async def drawn(said: Said, facts: ReportFacts) -> Sequence[tuple[TaskFacts, list[AgencyLine]]]:
    lines = await said.lines(facts)
    return [(task, lines[task.code]) for task in facts.tasks]


def rows_of(content: bytes, sheet: str) -> list[dict[str, Any]]:
    page = load_workbook(io.BytesIO(content))[sheet]
    heading, *rows = page.iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in rows]


# ------------------------------------------------------------------ sheets


async def test_the_tasks_stand_one_a_row_in_the_columns_that_offices_paste(said: Said) -> None:
    await said.say("stc", "1", "end", "completed", at=on(10, 5), document="7/BC-STC",
                   document_on=date(2026, 10, 2), note="Đã rà soát 12 đơn vị.")  # fmt: skip
    await said.confirm((await said.owed("stc", "1", "end")).id, at=on(10, 6))
    await said.say("stc", "2", "end", "in_progress", at=on(10, 5), percent=40)
    await said.say("sxd", "2", "end", "blocked", at=on(10, 5), note="Đề nghị UBND tỉnh bố trí vốn")
    facts = await said.facts(DAY)
    content = report_xlsx([(facts, await drawn(said, facts))])
    page = load_workbook(io.BytesIO(content))["Nhiệm vụ"]
    assert [cell.value for cell in page[1]] == [
        "STT",
        "Nội dung nhiệm vụ",
        "Văn bản giao (số, ngày, điều/mục)",
        "Cơ quan chủ trì",
        "Cơ quan phối hợp",
        "Sản phẩm, kết quả yêu cầu",
        "Thời hạn theo văn bản",
        "Thời hạn điều chỉnh (văn bản)",
        "Kết quả thực hiện (số, ngày văn bản; tóm tắt)",
        "Tỷ lệ (%)",
        "Ngày hoàn thành",
        "Trạng thái",
        "Số ngày quá hạn",
        "Khó khăn, nguyên nhân",
        "Đề xuất, kiến nghị",
        "Ghi chú",
        "Mã",
    ]
    assert [cell.value for cell in page[2]] == [
        1,
        "Rà soát chi ngân sách",
        "Kế hoạch số 10/KH-UBND ngày 05/01/2026 của UBND tỉnh Đông, mục 1",
        "Sở Tài chính",
        None,
        None,
        datetime(2026, 12, 31),
        None,
        "Báo cáo số 7/BC-STC ngày 02/10/2026; đã rà soát 12 đơn vị",
        100,
        datetime(2026, 10, 2),
        "Hoàn thành đúng hạn",
        None,
        None,
        None,
        None,
        "1",
    ]
    second = rows_of(content, "Nhiệm vụ")[1]
    assert (second["Cơ quan chủ trì"], second["Đề xuất, kiến nghị"]) == (
        "các Sở: Tài chính, Xây dựng",
        "đề nghị UBND tỉnh bố trí vốn",
    )
    states = [row["Trạng thái"] for row in rows_of(content, "Nhiệm vụ")]
    assert states[2:] == [
        "Thường xuyên, không xác định thời hạn",
        "Chưa xác định cơ quan thực hiện",
    ]
    assert page["G2"].number_format == "dd/mm/yyyy"
    assert page.column_dimensions["Q"].hidden


async def test_states_are_chosen_from_a_list_that_holds_each_of_them(said: Said) -> None:
    facts = await said.facts(DAY)
    content = report_xlsx([(facts, await drawn(said, facts))])
    book = load_workbook(io.BytesIO(content))
    (rule,) = book["Nhiệm vụ"].data_validations.dataValidation
    assert (rule.type, str(rule.sqref), rule.formula1) == ("list", "L2:L5", "'Danh mục'!$A$1:$A$7")
    listed = {cell.value for (cell,) in book["Danh mục"].iter_rows()}
    assert {row["Trạng thái"] for row in rows_of(content, "Nhiệm vụ")} <= listed
    assert book["Danh mục"].sheet_state == "hidden"


async def test_each_agency_has_its_part_and_each_line_its_source(said: Said) -> None:
    lan = await said.person("Lan")
    await said.say(
        "stc", "2", "end", "in_progress", at=on(10, 5), percent=40, person_id=lan, note="Đang lập"
    )
    facts = await said.facts(DAY)
    content = report_xlsx([(facts, await drawn(said, facts))])
    rows = rows_of(content, "Theo cơ quan")
    assert [(row["Cơ quan"], row["Mã"], row["Tỷ lệ (%)"]) for row in rows] == [
        ("Sở Tài chính", "1", None),
        ("Sở Tài chính", "2", 40),
        ("Sở Xây dựng", "2", None),
        ("Sở Tài chính", "3", None),
    ]
    (source,) = rows_of(content, "Nguồn số liệu")
    assert (source["Người trả lời"], source["Lời trả lời"], source["Căn cứ"], source["Mã"]) == (
        "Lan",
        "Đang lập",
        "đang thực hiện",
        "2",
    )
    whole = rows_of(content, "Tổng hợp")[0]
    assert (whole["Tổng số"], whole["Thường xuyên, không xác định thời hạn"], whole["Số liệu"]) == (
        4,
        2,
        "ước",
    )


async def test_more_than_seven_agencies_are_counted_and_stand_on_the_second_sheet(
    said: Said,
) -> None:
    facts = await said.facts(DAY)
    lines = [list(each) for each in await drawn(said, facts)]
    many = [replace(lines[0][1][0], agency=f"UBND xã Số {i}") for i in range(30)]
    task = replace(lines[0][0], parts=Figures(open_on_time=30))
    section = replace(facts.sections[0], tasks=[task, *list(facts.sections[0].tasks)[1:]])
    facts = replace(facts, sections=[section], lines=facts.lines + 29)
    content = report_xlsx([(facts, [(task, many), *[(t, own) for t, own in lines[1:]]])])
    assert rows_of(content, "Nhiệm vụ")[0]["Cơ quan chủ trì"] == "30 UBND cấp xã"
    assert rows_of(content, "Theo cơ quan")[29]["Cơ quan"] == "UBND xã Số 29"


async def test_sheets_have_filters_frozen_headings_and_print_on_a4(said: Said) -> None:
    facts = await said.facts(DAY)
    book = load_workbook(io.BytesIO(report_xlsx([(facts, await drawn(said, facts))])))
    shown = [page for page in book.worksheets if page.sheet_state == "visible"]
    assert [page.title for page in shown][:4] == [
        "Nhiệm vụ",
        "Theo cơ quan",
        "Tổng hợp",
        "Nguồn số liệu",
    ]
    for page in shown:
        assert page.freeze_panes == "A2"
        assert page.auto_filter.ref is not None
        assert (page.page_setup.orientation, page.page_setup.paperSize) == ("landscape", 9)
        if page.title in ("Nhiệm vụ", "Theo cơ quan"):  # in two halves of eight points and more
            assert page.page_setup.scale >= 75
            assert page.print_title_cols == "$A:$B"
        else:
            assert page.page_setup.fitToHeight == 0
        assert page.print_title_rows == "$1:$1"
        assert not page.merged_cells.ranges
        assert page["A1"].font.name == "Times New Roman"
        assert page["A1"].fill.fill_type is None


async def test_a_long_text_is_seen_whole_in_its_row(said: Said) -> None:
    await said.say("stc", "1", "end", "blocked", at=on(10, 5), note="Thiếu cán bộ " * 20)
    facts = await said.facts(DAY)
    book = load_workbook(io.BytesIO(report_xlsx([(facts, await drawn(said, facts))])))
    page = book["Nhiệm vụ"]
    assert page.row_dimensions[2].height == 189  # 259 letters in 14 lines of 18


@pytest.mark.parametrize("words", ["=1+1", "+84 905", "- đang làm", "@SUM(A1)", '=HYPERLINK("x")'])
async def test_no_words_of_people_become_a_formula(said: Said, words: str) -> None:
    await said.say("stc", "1", "end", "blocked", at=on(10, 5), note=words)
    facts = await said.facts(DAY)
    book = load_workbook(io.BytesIO(report_xlsx([(facts, await drawn(said, facts))])))
    cells = [cell for page in book.worksheets for row in page.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    told = [cell.value for cell in cells if words in str(cell.value)]
    assert set(told) == {f"'{words}"}
    assert len(told) == 4  # of the task, the agency, the answer and the difficulty
    assert not any(cell.hyperlink for cell in cells)


async def test_several_plans_follow_each_other_under_their_numbers(said: Said) -> None:
    other = Said(said.database, said.registry, "tay-20-2026")
    plans = []
    for each in (said, other):
        facts = await each.facts(DAY)
        plans.append((facts, await drawn(each, facts)))
    rows = rows_of(report_xlsx(plans), "Nhiệm vụ")
    assert [row["Nội dung nhiệm vụ"] for row in rows if row["STT"] is None] == [
        "Kế hoạch số 10/KH-UBND",
        "Kế hoạch số 20/KH-UBND",
    ]
    assert [row["STT"] for row in rows if row["STT"]] == [1, 2, 3, 4, 1, 2, 3, 4]


async def test_sums_that_differ_refuse_the_sheet_with_the_reason(said: Said) -> None:
    facts = await said.facts(DAY)
    lines = await drawn(said, facts)
    with pytest.raises(UnreconciledReport, match="4 dòng cơ quan nhưng phụ lục có 5"):
        report_xlsx([(replace(facts, lines=5), lines)])
    with pytest.raises(UnreconciledReport, match="2: có 1 dòng, số liệu là 2 cơ quan"):
        report_xlsx([(facts, [(t, every[:1]) for t, every in lines])])
    with pytest.raises(UnreconciledReport, match="số liệu là 4"):
        report_xlsx([(facts, lines[:1])])


# ------------------------------------------------------------------ notes


async def test_the_notes_tell_who_said_each_line_when_and_under_which_code(said: Said) -> None:
    lan = await said.person("Lan")
    await said.say(
        "stc", "2", "end", "in_progress", at=on(10, 5), percent=40, person_id=lan, note="Đang lập"
    )
    await said.say("sxd", "2", "end", "blocked", at=on(10, 6), note="Thiếu vốn")
    facts = await said.facts(DAY)
    content = report_notes(facts, await drawn(said, facts), ["nhận xét tồn tại, hạn chế"])
    rows = rows_of(content, "Nguồn số liệu")
    assert [
        (row["Vị trí trong báo cáo"], row["Cơ quan trả lời"], row["Lời trả lời"], row["Mã"])
        for row in rows
    ] == [
        ("Phụ lục 1, TT 2", "Sở Tài chính", "Đang lập", "2"),
        ("Phụ lục 1, TT 2", "Sở Xây dựng", "Thiếu vốn", "2"),
        ("Mục III.3, IV", "Sở Xây dựng", "Thiếu vốn", "2"),
    ]
    assert (rows[0]["Người trả lời"], rows[0]["Lúc"]) == ("Lan", datetime(2026, 10, 5, 9, 0))
    (blank,) = rows_of(content, "Cần bổ sung")
    assert blank["Chỗ cần người viết hoặc kiểm tra"] == "nhận xét tồn tại, hạn chế"


async def test_the_notes_tell_what_does_not_reconcile(said: Said) -> None:
    await said.say("stc", "1", "end", "completed", at=on(10, 5), document="7/TTr-STC",
                   document_on=date(2026, 10, 20))  # fmt: skip
    await said.confirm((await said.owed("stc", "1", "end")).id, at=on(10, 6))
    await said.say("stc", "2", "end", "completed", at=on(10, 5))
    await said.say("sxd", "2", "end", "in_progress", at=on(10, 5), percent=100)
    facts = await said.facts(DAY)
    doubts = rows_of(report_notes(facts, await drawn(said, facts), []), "Cần kiểm tra")
    assert [(row["Cơ quan"], row["Điểm chưa khớp, cần kiểm tra"][:40]) for row in doubts] == [
        ("Sở Tài chính", "Văn bản 7/TTr-STC là tờ trình; trình chư"),
        ("Sở Tài chính", "Văn bản 7/TTr-STC có ngày sau ngày báo c"),
        ("Sở Tài chính", "Đã báo kết quả, chưa được xác nhận."),
        ("Sở Xây dựng", "Tỷ lệ 100% nhưng chưa báo hoàn thành."),
    ]


# ------------------------------------------------------------------ making


async def test_a_document_and_a_sheet_are_made_of_the_same_facts(said: Said) -> None:
    told: list[tuple[int, int]] = []
    made = [
        await make_report(
            said.database,
            said.registry,
            PLAN,
            period="2026",
            form=form,
            as_of=DAY,
            progress=lambda done, total: told.append((done, total)),
        )
        for form in ("docx", "xlsx")
    ]
    assert [each.name for each in made if isinstance(each, ReportFile)] == [
        "bao-cao-dong-10-2026-2026.docx",
        "bao-cao-dong-10-2026-2026.xlsx",
    ]
    facts = [each.facts for each in made if isinstance(each, ReportFile)]
    assert facts[0] == facts[1]
    assert told[-1] == (4, 4)


async def test_a_period_that_has_not_begun_has_no_report(said: Said) -> None:
    made = await make_report(
        said.database, said.registry, PLAN, period="2027", form="docx", as_of=DAY
    )
    assert made == ReportRefusal("Kỳ năm 2027 chưa bắt đầu nên chưa có gì để tổng hợp.")


@pytest.mark.parametrize("form", ["docx", "xlsx"])
async def test_a_period_that_was_over_before_the_plan_was_issued_has_no_report(
    said: Said, form: str
) -> None:
    made = await make_report(
        said.database, said.registry, PLAN, period="2025", form=form, as_of=DAY
    )
    assert isinstance(made, ReportRefusal)
    assert "ban hành ngày 05/01/2026, sau khi năm 2025 kết thúc" in made.reason


async def test_who_is_urged_in_writing_is_late_beyond_the_ladder_and_has_no_say_in_it(
    said: Said,
) -> None:
    async def urged(day: date, **more: int) -> list[tuple[str, list[str]]]:
        async with said.database.read() as connection:
            facts = await load_urging_facts(connection, said.registry, PLAN, as_of=day, **more)
        return [(each.agency, [item.code for item in each.items]) for each in facts.agencies]

    # Due 14/11, judged 16/11: the fifteenth working day late is 8/12 (24/11 is off).
    assert await urged(date(2026, 12, 7)) == []
    assert await urged(date(2026, 12, 8)) == []  # nobody was told of it
    for agency in ("stc", "sxd"):
        await said.remind(agency, "BC.1", "2026", day=date(2026, 11, 5))
    assert await urged(date(2026, 12, 8)) == [
        ("Sở Tài chính", ["BC.1"]),
        ("Sở Xây dựng", ["BC.1"]),
    ]
    assert len(await urged(date(2026, 11, 30), late_days=9)) == 2
    assert await urged(date(2026, 11, 30), late_days=10) == []
    await said.say("sxd", "BC.1", "2026", "dispute", at=on(11, 20), note="không phải")
    assert await urged(date(2026, 12, 8)) == [("Sở Tài chính", ["BC.1"])]
    owed = await said.owed("stc", "BC.1", "2026")
    await said.change(owed.id, remind_on=None, rung=None)
    assert await urged(date(2026, 11, 20)) == [("Sở Tài chính", ["BC.1"])]


async def test_nobody_to_be_urged_makes_no_letter(said: Said) -> None:
    made = await make_report(
        said.database, said.registry, PLAN, period="2026", form="urging", as_of=DAY
    )
    assert isinstance(made, ReportRefusal)
    assert "quá hạn từ 15 ngày làm việc" in made.reason
    await said.remind("stc", "BC.1", "2026", day=date(2026, 11, 5))
    made = await make_report(
        said.database, said.registry, PLAN, period="2026", form="urging", as_of=DAY
    )
    assert isinstance(made, ReportRefusal)
    assert "Có 01 nội dung quá hạn ít ngày hơn" in made.reason


async def test_what_was_due_before_the_plan_was_tracked_is_not_urged(said: Said) -> None:
    old = Said(said.database, said.registry, "dong-9-2021")
    await old.remind("skhdt", "8", "end", day=date(2026, 3, 3))
    async with said.database.read() as connection:
        facts = await load_urging_facts(connection, said.registry, old.plan, as_of=DAY)
    assert (list(facts.agencies), facts.below) == ([], 0)


# ------------------------------------------------------------------ asked for in chats


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), now=NOW).begin()


async def enrolled(talk: Talk) -> Talk:
    await talk.enrol("theo-doi", "dong", "skhcn", "coordinator")
    await talk.enrol("lanh-dao", "dong", "ubnd", "leader")
    await talk.enrol("dau-moi", "dong", "stc", "focal")
    await talk.enrol("tinh-khac", "tay", "skhcn", "coordinator")
    return talk


async def requests(database: Database) -> list[Any]:
    async with database.read() as connection:
        rows = await connection.execute(select(ReportRequest).order_by(ReportRequest.id))
        return list(rows)


async def answers(database: Database) -> list[Any]:
    async with database.read() as connection:
        rows = await connection.execute(
            select(Message)
            .where(Message.template.in_(("report_ready", "report_refused", "report_notes")))
            .order_by(Message.id)
        )
        return list(rows)


def jobs_of(database: Database, registry: Registry, clock: SteppedClock) -> ReportWorker:
    return ReportWorker(database, lambda: registry, clock)


async def test_who_follows_a_plan_is_answered_at_once_and_gets_the_file(talk: Talk) -> None:
    await enrolled(talk)
    (answer,) = await talk.say("theo-doi", "/baocao 10")
    assert answer.template == "report_started"
    assert "Đang soạn báo cáo năm 2026, Kế hoạch 10/KH-UBND" in answer.plain
    clock = SteppedClock(NOW)
    assert await jobs_of(talk.database, talk.registry, clock).step() == 1
    message, notes = await answers(talk.database)
    assert (message.template, message.priority) == ("report_ready", 0)
    assert (notes.template, notes.context["blanks"]) == ("report_notes", message.context["blanks"])
    assert message.context["blanks"] > 5
    async with talk.database.read() as connection:
        noted = await load_file(connection, notes.context["attach"])
    assert noted is not None
    assert noted.name == "bao-cao-dong-10-2026-2026-doi-soat.xlsx"
    async with talk.database.read() as connection:
        address = await connection.scalar(select(Chat.address).where(Chat.id == message.chat_id))
        file = await load_file(connection, message.context["attach"])
    assert address == "theo-doi"
    assert file is not None
    assert (file.name, file.content[:2]) == ("bao-cao-dong-10-2026-2026.docx", b"PK")
    (request,) = await requests(talk.database)
    assert (request.state, request.attempts, request.why) == ("done", 1, None)


async def test_the_file_goes_with_the_message_or_its_address_or_whom_to_ask(talk: Talk) -> None:
    await enrolled(talk)
    await talk.say("theo-doi", "/baocao 10 excel")
    await jobs_of(talk.database, talk.registry, SteppedClock(NOW)).step()
    (message,) = await answers(talk.database)
    async with talk.database.read() as connection:
        content = await RENDERER.content(
            connection, message, today=DAY, workdays=talk.registry.workdays
        )
    assert content is not None
    with_file, without = (
        RENDERER.render(content, capabilities, repeated=False, plain=False, address="x")
        for capabilities in (FILES, WITHOUT)
    )
    assert with_file.document is not None
    assert with_file.document.name == "bao-cao-dong-10-2026-2026.xlsx"
    assert "nhacviec report" not in with_file.text
    assert without.document is None
    assert "nhacviec report dong-10-2026 --period 2026 --out bao-cao.xlsx" in without.text


@pytest.mark.parametrize(
    ("words", "period", "form"),
    [
        ("10 quý 4", "2026-Q4", "docx"),
        ("kế hoạch số 10 6 tháng đầu năm 2026 excel", "2026-H1", "xlsx"),
        ("10/KH-UBND năm 2026 Word", "2026", "docx"),
        ("10 đôn đốc", "15", "urging"),
        ("10 đôn đốc 5 ngày", "5", "urging"),
        ("đôn đốc 10 từ 20 ngày làm việc", "20", "urging"),
        ("10 excel quý III/2026", "2026-Q3", "xlsx"),
        ("công văn đôn đốc 10", "15", "urging"),
        ("excel 10 năm nay", "2026", "xlsx"),
    ],
)
async def test_plan_period_and_form_are_typed_as_people_say_them(
    talk: Talk, words: str, period: str, form: str
) -> None:
    await enrolled(talk)
    (answer,) = await talk.say("lanh-dao", f"/tonghop {words}")
    assert answer.template == "report_started"
    (request,) = await requests(talk.database)
    assert (request.period, request.form) == (period, form)


async def test_without_words_the_callers_plans_are_offered_as_buttons(talk: Talk) -> None:
    await enrolled(talk)
    (answer,) = await talk.say("theo-doi", "/baocao")
    assert answer.labels() == ["Kế hoạch 10/KH-UBND", "Kế hoạch 9/KH-UBND"]
    assert answer.action("Kế hoạch 10/KH-UBND") == "go:baocao:10"
    (started,) = await talk.press(answer, "Kế hoạch 10/KH-UBND")
    assert started.template == "report_started"


async def test_a_period_or_file_without_a_plan_is_kept_for_the_plan_that_is_chosen(
    talk: Talk,
) -> None:
    await enrolled(talk)
    (answer,) = await talk.say("theo-doi", "/baocao 6 tháng excel")
    assert "/baocao 10 6 tháng excel" in answer.plain
    assert "6 tháng đầu năm 2026" in answer.plain
    await talk.press(answer, "Kế hoạch 10/KH-UBND")
    (request,) = await requests(talk.database)
    assert (request.period, request.form) == ("2026-H1", "xlsx")


@pytest.mark.parametrize("unread", ["execl", "quý 5", "9 tháng", "tháng 11", "<b>2026"])
async def test_what_is_not_understood_after_a_plan_is_told_and_makes_no_report(
    talk: Talk, unread: str
) -> None:
    await enrolled(talk)
    (answer,) = await talk.say("theo-doi", f"/baocao 10 {unread}")
    assert f"Hệ thống chưa hiểu “{unread}”" in answer.plain
    assert answer.labels() == ["Kế hoạch 10/KH-UBND"]
    assert "<b>2026" not in answer.html
    assert await requests(talk.database) == []


async def test_nobody_gets_the_report_of_a_plan_that_is_not_theirs(talk: Talk) -> None:
    await enrolled(talk)
    for chat, words, template in (
        ("dau-moi", "/baocao 10", "not_allowed"),
        ("tinh-khac", "/baocao 10", "nothing_found"),
        ("theo-doi", "/baocao 20", "nothing_found"),
        ("theo-doi", "/baocao 20 execl", "nothing_found"),
        ("lanh-dao", "/baocao tay-20-2026", "nothing_found"),
    ):
        (answer,) = await talk.say(chat, words)
        assert answer.template == template, (chat, words)
    assert await requests(talk.database) == []


async def test_who_may_not_ask_for_reports_and_says_the_word_is_not_refused(talk: Talk) -> None:
    await enrolled(talk)
    (answer,) = await talk.say("dau-moi", "báo cáo")
    assert answer.template != "not_allowed"


async def test_a_period_that_has_not_begun_is_refused_at_once(talk: Talk) -> None:
    await enrolled(talk)
    (answer,) = await talk.say("theo-doi", "/baocao 10 2027")
    assert answer.template == "report_refused"
    assert await requests(talk.database) == []


async def test_asking_twice_while_it_is_made_is_one_request(talk: Talk) -> None:
    await enrolled(talk)
    await talk.say("theo-doi", "/baocao 10")
    (again,) = await talk.say("theo-doi", "/baocao 10")
    assert "Vẫn đang soạn" in again.plain
    assert len(await requests(talk.database)) == 1
    await talk.say("lanh-dao", "/baocao 10")
    assert len(await requests(talk.database)) == 2


async def test_three_overlapping_steps_make_each_report_once(talk: Talk) -> None:
    await enrolled(talk)
    for chat, words in (("theo-doi", "10"), ("lanh-dao", "10"), ("theo-doi", "10 excel")):
        await talk.say(chat, f"/baocao {words}")
    every = [jobs_of(talk.database, talk.registry, SteppedClock(NOW)) for _ in range(3)]
    assert sum(await asyncio.gather(*(each.step() for each in every))) == 3
    assert len(await answers(talk.database)) == 5  # two documents with their notes, and a sheet
    assert {(r.state, r.attempts) for r in await requests(talk.database)} == {("done", 1)}


async def test_a_request_whose_process_died_is_taken_again_three_times_at_most(talk: Talk) -> None:
    await enrolled(talk)
    await talk.say("theo-doi", "/baocao 10")
    clock = SteppedClock(NOW)
    for attempt in (1, 2, 3):
        async with talk.database.write() as connection:
            taken = await report_requests.claim_report_request(connection, now=await clock.now())
        assert taken is not None
        assert taken.attempt == attempt
        assert await jobs_of(talk.database, talk.registry, clock).step() == 0
        clock.move_to(await clock.now() + CLAIM_DURATION)
    assert await jobs_of(talk.database, talk.registry, clock).step() == 1
    (message,) = await answers(talk.database)
    assert message.template == "report_refused"
    assert "ba lần" in message.context["reason"]


async def test_a_late_process_does_not_answer_what_another_took_over(talk: Talk) -> None:
    await enrolled(talk)
    await talk.say("theo-doi", "/baocao 10")
    async with talk.database.write() as connection:
        slow = await report_requests.claim_report_request(connection, now=NOW)
        assert slow is not None
        await report_requests.claim_report_request(connection, now=NOW + CLAIM_DURATION)
        assert not await report_requests.finish_report_request(connection, slow, "done", now=NOW)


async def test_a_report_that_is_refused_says_why_where_it_was_asked(talk: Talk) -> None:
    await enrolled(talk)
    await talk.say("theo-doi", "/baocao 10 đôn đốc")
    await jobs_of(talk.database, talk.registry, SteppedClock(NOW)).step()
    (message,) = await answers(talk.database)
    (request,) = await requests(talk.database)
    assert message.template == "report_refused"
    assert request.why == message.context["reason"]
    async with talk.database.read() as connection:
        content = await RENDERER.content(
            connection, message, today=DAY, workdays=talk.registry.workdays
        )
    assert content is not None
    text = RENDERER.render(content, WITHOUT, repeated=False, plain=False, address="x").text
    assert request.why in text


async def test_what_fails_is_tried_three_times_and_told(talk: Talk) -> None:
    await enrolled(talk)
    await talk.say("theo-doi", "/baocao 10")
    async with talk.database.write() as connection:
        await connection.execute(update(ReportRequest).values(period="bad"))
    assert await jobs_of(talk.database, talk.registry, SteppedClock(NOW)).step() == 1
    (request,) = await requests(talk.database)
    assert (request.state, request.attempts) == ("refused", 3)


async def test_a_woken_job_makes_the_report_without_waiting_for_the_minute(talk: Talk) -> None:
    await enrolled(talk)
    await talk.say("theo-doi", "/baocao 10")
    answered = asyncio.Event()
    reports = ReportWorker(
        talk.database, lambda: talk.registry, SteppedClock(NOW), answered=answered.set
    )
    running = asyncio.create_task(reports.run())
    reports.wake()
    async with asyncio.timeout(20):
        await answered.wait()
    running.cancel()
    assert (await requests(talk.database))[0].state == "done"


async def test_a_person_waits_for_five_reports_at_most(talk: Talk) -> None:
    await enrolled(talk)
    for year in range(2022, 2027):
        (answer,) = await talk.say("theo-doi", f"/baocao 10 {year}")
        assert answer.template == "report_started"
    (again,) = await talk.say("theo-doi", "/baocao 10 2026")
    assert again.answer.context["again"] is True
    (refused,) = await talk.say("theo-doi", "/baocao 10 2026 excel")
    assert refused.template == "report_refused"
    assert "Đang chờ 5 báo cáo khác" in refused.html
