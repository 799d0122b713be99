"""The consolidated report and the urging letter as Word documents, read back."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Any

import pytest
from docx import Document
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn

from data.clock import ZONE
from data.figures.states import Figures
from data.reports.facts import (
    AgencyLine,
    AnswerSource,
    DirectingFacts,
    GrantedExtension,
    PeriodFigures,
    Quote,
    ReportDutyFacts,
    ReportFacts,
    SectionFacts,
    TaskFacts,
)
from data.reports.late_agencies import LateAgency, LateItem, UrgingFacts
from data.reports.tally import count_tasks
from data.rules.states import OfficialState
from data.targets.facts import TargetFacts
from jobs.reports.docx import UnreconciledReport, report_docx, urging_docx
from jobs.reports.letterhead import (
    abbreviation,
    build_letterhead,
    official_long_date,
    split_bodies,
)
from jobs.reports.prose import percent_text

pytestmark = pytest.mark.slow

AT = datetime(2026, 11, 5, 9, 12, tzinfo=ZONE)
FONTS = ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs")


def line(agency: str, state: OfficialState, *, position: int = 0, **more: Any) -> AgencyLine:
    given: dict[str, Any] = {
        "waiting": False,
        "percent": None,
        "due_on": date(2026, 12, 31),
        "done_on": None,
        "document": None,
        "document_on": None,
        "source": None,
    }
    return AgencyLine(agency=agency, position=position, state=state, **(given | more))


def source(said: str, agency: str, **more: Any) -> AnswerSource:
    return AnswerSource(
        **({"said": said, "agency": agency, "person": None, "at": AT, "note": None} | more)
    )


def facts_of(
    tasks: Sequence[tuple[str, str, OfficialState, Sequence[AgencyLine]]], **changes: Any
) -> tuple[ReportFacts, list[tuple[TaskFacts, Sequence[AgencyLine]]]]:
    """Return facts whose sums reconcile, of (code, text, state, lines) in one group each."""
    held: list[tuple[TaskFacts, Sequence[AgencyLine]]] = []
    for number, (code, text, state, parts) in enumerate(tasks, 1):
        task = TaskFacts(
            task_id=number,
            code=code,
            section=f"Nhóm {number}",
            text=text,
            period="Năm 2026",
            state=state,
            parts=counted([part.state for part in parts]),
            silent=sum(part.is_silent for part in parts),
            unassigned=not parts,
            ends_on=date(2026, 12, 31),
        )
        held.append((task, parts))
    whole = counted([task.state for task, _ in held])
    facts = ReportFacts(
        province="Gia Lai",
        plan_code="gia-lai-1901-2020",
        number="1901/KH-UBND",
        title="Triển khai thực hiện Nghị quyết số 50/NQ-CP",
        issued_on=date(2020, 9, 14),
        period="2026",
        coordinator="Sở Khoa học và Công nghệ",
        receiver="UBND tỉnh",
        due_on=date(2026, 11, 25),
        as_of=date(2026, 11, 10),
        is_estimate=True,
        sections=[SectionFacts(task.section, [task], counted([task.state])) for task, _ in held],
        figures=whole,
        lines=sum(len(parts) for _, parts in held),
        silent=["Sở Y tế"],
        duties=[
            ReportDutyFacts("BC.1", "Báo cáo năm 2026", date(2026, 11, 14), 3, 2, 1, ["Sở Y tế"])
        ],
        difficulties=[],
        proposals=[],
        targets=[],
        made_on=date(2026, 11, 10),
        tracked_from=date(2026, 1, 5),
        directing=DirectingFacts(reminders=12, answering=2, owners=3),
    )
    return replace(facts, **changes), held


def counted(states: Sequence[str]) -> Figures:
    return Figures(**{state: states.count(state) for state in set(states)})


def usual(**changes: Any) -> tuple[ReportFacts, list[tuple[TaskFacts, Sequence[AgencyLine]]]]:
    done = line(
        "Sở GD&ĐT",
        "done_on_time",
        percent=100,
        done_on=date(2026, 2, 3),
        document="312/QĐ-SGDĐT",
        document_on=date(2026, 2, 3),
        source=source("completed", "Sở GD&ĐT", person="Trần Văn Bình", note="đã gửi bản giấy"),
    )
    late = line(
        "Sở Tài chính",
        "open_late",
        source=source("in_progress", "Sở Tài chính"),
        percent=60,
        due_on=date(2026, 9, 30),
        days_late=29,
    )
    silent = line("Sở Y tế", "open_on_time", position=1, is_silent=True)
    return facts_of(
        [
            ("III.1a", "Xây dựng Chương trình giáo dục kỹ năng số", "done_on_time", [done]),
            ("III.1b", "Bố trí kinh phí thực hiện", "open_late", [late, silent]),
            ("III.1c", "Triển khai Đề án đô thị thông minh", "open_on_time", []),
        ],
        **changes,
    )


def words_of(drawn: bytes) -> str:
    """Return all words of the body in order, those of tables where they stand."""
    body = Document(io.BytesIO(drawn)).element.body
    return "\n".join(
        "".join(text.text or "" for text in paragraph.iter(qn("w:t")))
        for paragraph in body.iter(qn("w:p"))
    )


def report(**changes: Any) -> bytes:
    """Return the usual report with some facts changed; the unchanged one is drawn once."""
    if not changes:
        return unchanged()
    facts, lines = usual(**changes)
    return report_docx(facts, lines).content


@cache
def unchanged() -> bytes:
    facts, lines = usual()
    return report_docx(facts, lines).content


# ------------------------------------------------------------------ layout


@pytest.mark.parametrize("letter", [False, True])
def test_pages_are_a4_with_the_decree_s_margins(letter: bool) -> None:
    drawn = urging_docx(urging()).content if letter else report()
    sections = Document(io.BytesIO(drawn)).sections
    assert len(sections) == (1 if letter else 2)
    for section in sections:
        sides = sorted((round(section.page_width.mm), round(section.page_height.mm)))
        assert sides == [210, 297]
        assert 20 <= round(section.top_margin.mm) <= 25
        assert 20 <= round(section.bottom_margin.mm) <= 25
        assert 30 <= round(section.left_margin.mm) <= 35
        assert 15 <= round(section.right_margin.mm) <= 20
    assert sections[0].orientation == WD_ORIENT.PORTRAIT


@pytest.mark.parametrize("letter", [False, True])
def test_every_style_names_times_new_roman_for_all_scripts_and_runs_name_no_font(
    letter: bool,
) -> None:
    document = Document(io.BytesIO(urging_docx(urging()).content if letter else report()))
    named = list(document.styles.element.iter(qn("w:rFonts")))
    assert len(named) > 20
    assert {fonts.get(qn(key)) for fonts in named for key in FONTS} == {"Times New Roman"}
    assert not list(document.element.body.iter(qn("w:rFonts")))


@pytest.mark.parametrize("letter", [False, True])
def test_the_page_number_stands_at_the_top_of_every_page_but_the_first(letter: bool) -> None:
    for section in Document(
        io.BytesIO(urging_docx(urging()).content if letter else report())
    ).sections:
        assert section.different_first_page_header_footer
        assert "PAGE" in "".join(
            part.text or "" for part in section.header._element.iter(qn("w:instrText"))
        )
        assert section.header.paragraphs[0].style.name == "Số trang"
        assert not list(section.first_page_header._element.iter(qn("w:instrText")))


def test_the_body_is_justified_fourteen_points_with_an_indented_first_line() -> None:
    body = Document(io.BytesIO(report())).styles["Thân văn bản"]
    assert body.font.size.pt == 14
    assert body.paragraph_format.alignment == 3
    assert 10 <= body.paragraph_format.first_line_indent.mm <= 12.8
    assert body.paragraph_format.space_after.pt >= 6
    assert 1 <= body.paragraph_format.line_spacing <= 1.5


def test_the_line_under_the_issuing_body_is_a_third_to_a_half_of_its_words() -> None:
    for coordinator, words in (("Sở Khoa học và Công nghệ", 64.8), ("Văn phòng UBND tỉnh", 25.7)):
        document = Document(io.BytesIO(report(coordinator=coordinator)))
        rule = next(
            paragraph
            for paragraph in document.tables[0].rows[0].cells[0].paragraphs
            if paragraph.style.name == "Kẻ dưới cơ quan"
        )
        length = 70 - rule.paragraph_format.left_indent.mm - rule.paragraph_format.right_indent.mm
        assert words / 3 <= length <= words / 2


def test_table_heads_repeat_and_no_row_of_the_body_is_split_across_pages() -> None:
    document = Document(io.BytesIO(report(targets=[target()])))
    framed = [table for table in document.tables if len(table.columns) > 2]
    assert len(framed) == 5
    for number, table in enumerate(framed):
        rows = table._tbl.findall(qn("w:tr"))
        assert rows[0].find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
        # A task of an annex may be half a page long; it is split rather than leaving a page empty.
        whole = rows if number < 2 else rows[:1]
        assert all(row.find(f"{qn('w:trPr')}/{qn('w:cantSplit')}") is not None for row in whole)


def test_table_one_stands_on_one_page() -> None:
    rows = Document(io.BytesIO(report())).tables[1]._tbl.findall(qn("w:tr"))
    kept = [row.find(f".//{qn('w:keepNext')}") is not None for row in rows[1:]]
    assert kept == [True] * (len(kept) - 1) + [False]


# ------------------------------------------------------------------ what it says


def test_head_parts_and_foot_stand_in_the_order_of_such_reports() -> None:
    words = words_of(report())
    in_order = [
        "UBND TỈNH GIA LAI",
        "SỞ KHOA HỌC VÀ CÔNG NGHỆ",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "/BC-SKHCN",
        "tháng 11 năm 2026",
        "BÁO CÁO",
        "Kết quả thực hiện năm 2026 Kế hoạch số 1901/KH-UBND ngày 14/9/2020",
        "Kính gửi: UBND tỉnh.",
        "I. CÔNG TÁC CHỈ ĐẠO, ĐIỀU HÀNH",
        "1. Ban hành văn bản triển khai",
        "2. Theo dõi, đôn đốc",
        "3. Thực hiện chế độ báo cáo",
        "II. KẾT QUẢ THỰC HIỆN",
        "1. Kết quả chung",
        "2. Nhóm 1",
        "4. Nhóm 3",
        "III. ĐÁNH GIÁ CHUNG",
        "1. Kết quả đạt được",
        "2. Tồn tại, hạn chế",
        "3. Nguyên nhân",
        "IV. KHÓ KHĂN, VƯỚNG MẮC",
        "V. PHƯƠNG HƯỚNG, NHIỆM VỤ THỜI GIAN TỚI",
        "VI. ĐỀ XUẤT, KIẾN NGHỊ",
        "./.",
        "Nơi nhận:",
        "- Như trên;",
        "- Lưu: VT, [Bổ sung: đơn vị soạn thảo].",
        "GIÁM ĐỐC",
        "Phụ lục 1\n",
        "(Kèm theo Báo cáo số",
        "Phụ lục 2\n",
        "Phụ lục 3\n",
    ]
    places = []
    for part in in_order:
        places.append(words.index(part, places[-1] if places else 0))
    assert places == sorted(places)
    assert words.count("./.") == 1


def test_the_number_and_the_day_are_left_for_a_person_to_fill_in() -> None:
    words = words_of(report())
    assert re.search(r"^Số:\s{6,}/BC-SKHCN$", words, re.MULTILINE)
    assert re.search(r"^Gia Lai, ngày\s{6,}tháng 11 năm 2026$", words, re.MULTILINE)


def test_what_a_person_must_write_stands_in_yellow_and_is_counted() -> None:
    facts, lines = usual()
    drawn = report_docx(facts, lines)
    document = Document(io.BytesIO(drawn.content))
    marked = [
        "".join(text.text or "" for text in run.iter(qn("w:t")))
        for run in document.element.body.iter(qn("w:r"))
        if run.find(f"{qn('w:rPr')}/{qn('w:highlight')}") is not None
    ]
    assert marked == [f"[Bổ sung: {words}]" for words in drawn.blanks]
    assert words_of(drawn.content).count("[Bổ sung:") == len(marked)
    assert "nhận xét tồn tại, hạn chế" in drawn.blanks
    assert 8 <= len(marked) <= 14


def test_the_signed_text_has_no_codes_and_names_nobody_who_answered() -> None:
    words = words_of(report())
    for code in ("III.1a", "III.1b", "BC.1", "Trần Văn Bình", "09:12", "chưa báo cáo nội dung"):
        assert code not in words


def test_a_result_tells_who_issued_which_document_and_what_it_brought() -> None:
    facts, lines = usual()
    told = replace(lines[0][1][0], result="Đã tập huấn cho 120 người.")
    words = words_of(report_docx(facts, [(lines[0][0], [told]), *lines[1:]]).content)
    assert (
        "(1) Xây dựng Chương trình giáo dục kỹ năng số: Sở GD&ĐT đã ban hành Quyết định số"
        " 312/QĐ-SGDĐT ngày 03/02/2026; đã tập huấn cho 120 người."
    ) in words


def test_what_is_late_tells_days_and_reason_or_that_there_is_none() -> None:
    assert (
        "(1) Bố trí kinh phí thực hiện: có 01/02 cơ quan, đơn vị quá hạn, lâu nhất 29 ngày làm việc (hạn"
        " 30/9/2026); chưa có báo cáo về nguyên nhân."
    ) in words_of(report())
    assert "Có 01 nhiệm vụ quá hạn chưa có báo cáo về nguyên nhân." in words_of(report())


def test_the_columns_of_the_first_table_name_their_periods() -> None:
    words = words_of(report())
    assert "Năm 2026" in words
    assert "Năm 2025" in words


def test_the_annex_of_a_letter_begins_a_page_without_a_paragraph_that_may_fill_one() -> None:
    document = Document(io.BytesIO(urging_docx(urging()).content))
    (heading,) = [each for each in document.paragraphs if each.text == "Phụ lục"]
    assert heading.style is not None
    assert heading.style.paragraph_format.page_break_before is True
    assert not any("w:br " in each._p.xml and not each.text.strip() for each in document.paragraphs)


def test_a_late_task_whose_result_waits_lacks_no_cause() -> None:
    facts, lines = usual()
    waiting = [
        (task, [replace(line, waiting=line.is_overdue) for line in of_task])
        for task, of_task in lines
    ]
    words = words_of(report_docx(facts, waiting).content)
    assert "quá hạn chưa có báo cáo về nguyên nhân." not in words


def test_what_is_in_progress_tells_its_result_beside_its_share() -> None:
    answer = source("in_progress", "Sở Y tế", note="đang làm 60%, kết quả: đã tập huấn 3 lớp")
    doing = line("Sở Y tế", "open_on_time", percent=60, source=answer)
    other = line("Sở Xây dựng", "open_on_time", position=1)
    for parts, told in (
        ([doing], "đang thực hiện, đạt 60% (theo báo cáo của Sở Y tế ngày 05/11/2026)"),
        (
            [doing, other],
            "02 cơ quan, đơn vị đang thực hiện, trong đó Sở Y tế đạt 60% (theo báo cáo ngày 05/11/2026)",
        ),
    ):
        facts, lines = facts_of([("I.1", "Tập huấn kỹ năng số", "open_on_time", parts)])
        words = words_of(report_docx(facts, lines).content)
        assert f"(1) Tập huấn kỹ năng số: {told}; đã tập huấn 3 lớp." in words
        assert "đang làm" not in words
    assert "Sở Y tế: đang thực hiện, đạt 60%; đã tập huấn 3 lớp" in words


def test_what_came_late_and_waits_is_told_as_a_result_and_one_of_several_by_its_name() -> None:
    answer = source("completed", "Sở Y tế")
    late = line(
        "Sở Y tế", "open_late", waiting=True, days_late=9, document="5/KH-SYT", source=answer
    )
    facts, lines = facts_of([("I.1", "Lập kế hoạch", "open_late", [late])])
    words = words_of(report_docx(facts, lines).content)
    assert "(1) Lập kế hoạch: Sở Y tế đã ban hành Kế hoạch số 5/KH-SYT; đang chờ" in words
    other = line("Sở Xây dựng", "open_late", position=1, days_late=9)
    facts, lines = facts_of([("I.1", "Lập kế hoạch", "open_late", [late, other])])
    words = words_of(report_docx(facts, lines).content)
    assert "Sở Y tế: Kế hoạch số 5/KH-SYT; chờ xác nhận" in words


def test_halves_of_a_tenth_are_rounded_up() -> None:
    assert (percent_text(2, 32), percent_text(1, 3), percent_text(0, 0)) == ("6,3", "33,3", "–")


def test_the_groups_named_as_results_are_those_with_the_greatest_shares_done() -> None:
    done = line("Sở Y tế", "done_on_time", document="5/KH-SYT")
    open_part = line("Sở Y tế", "open_on_time")
    states: list[list[OfficialState]] = [
        ["done_on_time", "open_on_time", "open_on_time"],
        ["done_on_time", "open_on_time"],
        ["done_on_time"],
        ["done_on_time"],
    ]
    flat = [state for group in states for state in group]
    facts, lines = facts_of(
        [
            (f"I.{i}", f"Nhiệm vụ {i}", state, [done if state == "done_on_time" else open_part])
            for i, state in enumerate(flat)
        ]
    )
    tasks = [task for task, _ in lines]
    groups = []
    for number, group in enumerate(states, 1):
        own, tasks = tasks[: len(group)], tasks[len(group) :]
        groups.append(SectionFacts(f"Nhóm {number}", own, counted(list(group))))
    words = words_of(report_docx(replace(facts, sections=groups), lines).content)
    assert (
        "Đến ngày 10/11/2026, nhóm nhiệm vụ “Nhóm 2” đã hoàn thành 01/02 nhiệm vụ; nhóm nhiệm vụ “Nhóm 3”"
        " đã hoàn thành 01/01 nhiệm vụ; nhóm nhiệm vụ “Nhóm 4” đã hoàn thành 01/01 nhiệm vụ."
    ) in words


def test_reports_that_were_due_and_did_not_come_stand_among_what_is_lacking() -> None:
    duty = ReportDutyFacts("BC.1", "Báo cáo năm 2026", date(2026, 11, 9), 3, 2, 0, ["Sở Y tế"])
    told = "Còn 01/03 cơ quan, đơn vị chưa gửi Báo cáo năm 2026, thời hạn 09/11/2026 (Phụ lục 3)."
    words = words_of(report(duties=[duty]))
    assert words.index("2. Tồn tại, hạn chế") < words.index(told) < words.index("3. Nguyên nhân")
    assert told not in words_of(report(duties=[replace(duty, is_due=False)]))


@pytest.mark.parametrize("letter", [False, True])
def test_the_signature_never_stands_alone_on_a_page(letter: bool) -> None:
    document = Document(io.BytesIO(urging_docx(urging()).content if letter else report()))
    closing = next(each for each in document.paragraphs if each.text.endswith("./."))
    assert closing.paragraph_format.keep_with_next


def test_both_rates_name_their_base() -> None:
    words = words_of(report())
    assert "đạt 33,3% tổng số nhiệm vụ (1/3)" in words
    assert "đạt 50,0% số nhiệm vụ đến hạn hoặc đã hoàn thành (1/2)" in words


def test_table_one_has_this_and_the_previous_period() -> None:
    before = PeriodFigures("2025", counted(["done_on_time", "open_on_time", "open_on_time"]), 1)
    table = Document(io.BytesIO(report(previous=before))).tables[1]
    rows = [[cell.text for cell in row.cells][1:] for row in table.rows[1:]]
    assert rows == [
        ["Hoàn thành đúng hạn", "1", "33,3", "1"],
        ["Hoàn thành quá hạn", "0", "0,0", "0"],
        ["Đang thực hiện trong hạn", "1", "33,3", "1"],
        ["Đang thực hiện quá hạn", "1", "33,3", "0"],
        ["Thường xuyên, không xác định thời hạn, đang thực hiện", "0", "0,0", "1"],
        ["Tổng số", "3", "100", "3"],
        ["Tỷ lệ hoàn thành trên tổng số (%)", "33,3", "", "33,3"],
        ["Tỷ lệ hoàn thành trên số đến hạn (%)", "50,0", "", "100,0"],
    ]
    untracked = Document(io.BytesIO(report())).tables[1]
    assert {row.cells[4].text for row in untracked.rows[1:]} == {"–"}


def test_tasks_that_never_fall_due_or_ended_before_tracking_are_told_apart() -> None:
    facts, lines = usual()
    ended_before = {"ended_before": True, "state": "open_on_time"}
    parts = Figures(open_on_time=len(lines[1][1]))
    changed = ({}, {**ended_before, "parts": parts}, {"is_undated": True})
    tasks = [
        replace(section.tasks[0], **changes)
        for section, changes in zip(facts.sections, changed, strict=True)
    ]
    sections = [
        replace(section, tasks=[task], figures=count_tasks([task]))
        for section, task in zip(facts.sections, tasks, strict=True)
    ]
    facts = replace(facts, sections=sections, figures=count_tasks(tasks))
    ended = [replace(line, **ended_before) for line in lines[1][1]]
    given = [
        (section.tasks[0], own)
        for section, own in zip(sections, (lines[0][1], ended, lines[2][1]), strict=True)
    ]
    words = words_of(report_docx(facts, given).content)
    assert (
        "đã hoàn thành 01 nhiệm vụ (đúng hạn); có 01 nhiệm vụ thường xuyên, không xác định thời hạn đang"
        " thực hiện; có 01 nhiệm vụ đã hết thời gian thực hiện trước khi đưa vào theo dõi, chưa xác nhận"
        " kết quả; đạt 33,3%"
    ) in words
    assert "Phụ lục 2" not in words
    assert "đạt 100,0% số nhiệm vụ đến hạn" in words


def test_a_task_without_agencies_is_said_once_in_the_body() -> None:
    body = words_of(report()).split("Phụ lục 1\n")[0]
    assert body.count("Có 01 nhiệm vụ chưa xác định cơ quan thực hiện") == 1
    assert body.count("chưa xác định cơ quan") == 1


def test_a_plan_whose_tasks_nobody_holds_says_so_once() -> None:
    facts, lines = facts_of([(f"I.{i}", f"Việc {i}", "open_on_time", []) for i in range(5)])
    words = words_of(report_docx(facts, lines).content)
    assert words.count("Kế hoạch chưa giao 05 nhiệm vụ cho cơ quan, đơn vị cụ thể") == 1
    assert words.lower().count("chưa xác định cơ quan") == 0
    assert "2. Kết quả thực hiện các nhóm nhiệm vụ" in words


def test_few_agencies_are_named_by_kind_and_many_are_counted_and_stand_in_the_annex() -> None:
    few = ["Sở Y tế", "Sở Nội vụ", "UBND xã Gào"]
    assert "chưa có báo cáo về nội dung đã đến hạn, gồm: các Sở: Y tế, Nội vụ; UBND xã Gào." in (
        words_of(report(silent=few))
    )
    many = [f"UBND xã Số {i}" for i in range(30)]
    body, annex = words_of(report(silent=many)).split("Phụ lục 3\n")
    assert "Còn 30 cơ quan, đơn vị chưa có báo cáo về nội dung đã đến hạn (Phụ lục 3)." in body
    assert "Số 17" not in body
    assert "Chưa có báo cáo về nội dung đã đến hạn: 30 cơ quan, đơn vị" in annex
    assert "UBND các xã\n30\nSố 0; Số 1; " in annex


def test_the_periodic_report_tells_received_late_and_missing_once_it_is_due() -> None:
    assert (
        "- Báo cáo năm 2026 (thời hạn 14/11/2026): đã nhận 02/03 báo cáo, trong đó 01 báo cáo gửi sau thời"
        " hạn; còn 01 cơ quan, đơn vị chưa báo cáo, gồm: Sở Y tế."
    ) in words_of(report())
    duty = ReportDutyFacts(
        "BC.1", "Báo cáo năm 2026", date(2026, 12, 14), 3, 2, 0, ["Sở Y tế"], is_due=False
    )
    words = words_of(report(duties=[duty]))
    assert "đã nhận 02/03 báo cáo; chưa đến thời hạn." in words
    assert "Chưa gửi Báo cáo năm 2026" not in words


def test_what_was_urged_and_granted_is_told_from_the_record() -> None:
    granted = GrantedExtension("Sở Y tế", "Lập đề án", date(2027, 3, 31), "Công văn số 5/UBND-TH")
    directing = DirectingFacts(
        reminders=1234, answering=2, owners=3, explanations_asked=4, explanations_given=1,
        reassigned=2, extensions=[granted],
    )  # fmt: skip
    words = words_of(report(directing=directing))
    assert "đã nhắc 1.234 lượt nhiệm vụ" in words
    assert "có 02/03 cơ quan, đơn vị có phản hồi" in words
    assert "Đã đề nghị giải trình 04 nội dung quá hạn; đã nhận 01 giải trình." in words
    assert "gồm: Sở Y tế – Lập đề án, đến ngày 31/3/2027 (tại Công văn số 5/UBND-TH)." in words
    assert "Đã điều chỉnh cơ quan thực hiện đối với 02 nội dung" in words


def test_figures_before_the_year_s_data_close_are_marked_as_estimates_with_their_day() -> None:
    words = words_of(report(targets=[target()]))
    assert "(số liệu đến ngày 10/11/2026, là số ước do kỳ báo cáo chưa chốt số liệu)" in words
    assert "Bảng 1. Tình hình thực hiện nhiệm vụ (ước)" in words
    after = words_of(report(is_estimate=False, as_of=date(2026, 12, 16), targets=[target()]))
    assert not re.search(r"\bước\b", after)
    assert "(số liệu đến ngày 16/12/2026)" in after


def test_causes_and_difficulties_are_told_once_with_everybody_who_said_them() -> None:
    said = [
        Quote("blocked", "Sở Y tế", "III.1a", "Thiếu kinh phí.", None, AT),
        Quote("explanation", "Sở Nội vụ", "III.1b", "Chưa có hướng dẫn", None, AT),
        Quote("blocked", "Sở Tài chính", "III.1b", "thiếu  kinh phí", "Lê Thị Hoa", AT),
        Quote("blocked", "Sở Nội vụ", "III.1b", " . ", None, AT),
    ]
    words = words_of(report(difficulties=said))
    cause = words.index("- Chưa có hướng dẫn (Sở Nội vụ).")
    assert words.index("3. Nguyên nhân") < cause < words.index("IV. KHÓ KHĂN")
    assert words.index("IV. KHÓ KHĂN") < words.index("- Thiếu kinh phí (các Sở: Y tế, Tài chính).")


def test_the_body_stays_short_whatever_the_plan_s_size() -> None:
    done = line(
        "Sở Y tế", "done_on_time", document="5/KH-SYT", source=source("completed", "Sở Y tế")
    )
    tasks = [
        (f"I.{i}", f"Nhiệm vụ số {i} " + "dài " * 60, "done_on_time", [done]) for i in range(200)
    ]
    facts, lines = facts_of(tasks)  # type: ignore[arg-type]
    one = [
        SectionFacts("Nhóm", [task for task, _ in lines], facts.figures),
    ]
    words = words_of(report_docx(replace(facts, sections=one), lines).content)
    body = words.split("Phụ lục 1\n")[0]
    assert len(re.findall(r"^\(\d+\) ", body, re.MULTILINE)) == 8
    assert "Còn lại 192 nhiệm vụ (chi tiết tại Phụ lục 1)." in body
    assert len(body) < 14_000
    assert words.count("dài " * 59) == 208  # whole, in the body and in the annex


def test_many_groups_and_targets_leave_less_room_for_single_tasks() -> None:
    done = line("Sở Y tế", "done_on_time", document="5/KH-SYT")
    texts = [f"Nhiệm vụ số {i} " + "dài " * (25 + 200 * (i % 2)) for i in range(24)]
    facts, lines = facts_of(
        [(f"I.{i}", text, "done_on_time", [done]) for i, text in enumerate(texts)]
    )
    tasks = [task for task, _ in lines]
    groups = [
        SectionFacts(f"Nhóm {i}", tasks[3 * i : 3 * i + 3], counted(["done_on_time"] * 3))
        for i in range(8)
    ]
    few, many = (
        words_of(
            report_docx(replace(facts, sections=groups, targets=[target()] * count), lines).content
        ).split("Phụ lục 1\n")[0]
        for count in (0, 9)
    )
    told = [len(re.findall(r"^\(\d+\) ", body, re.MULTILINE)) for body in (few, many)]
    assert told[0] > told[1] >= 8  # at least one of each group: the shortest
    assert "dài " * 100 not in many


def target(**changes: Any) -> TargetFacts:
    given: dict[str, Any] = {
        "code": "CT.3",
        "text": "hợp đồng điện tử",
        "year": 2025,
        "comparator": ">=",
        "goal": "80.0",
        "unit": "%",
        "value": "82.5",
        "value_year": 2026,
        "source": "Sở Công Thương",
        "met": True,
    }
    return TargetFacts(**(given | changes))


def test_targets_stand_in_a_table_and_those_nobody_told_of_say_so() -> None:
    untold = target(code="CT.4", goal=None, value=None, value_year=None, source="", met=None)
    table = Document(io.BytesIO(report(targets=[target(), untold]))).tables[2]
    assert [cell.text for cell in table.rows[1].cells] == [
        "1",
        "Hợp đồng điện tử",
        "≥ 80% (2025)",
        "82,5% (2026)",
        "103,1",
        "Sở Công Thương",
        "Đạt",
    ]
    assert [cell.text for cell in table.rows[2].cells][2:] == [
        "",
        "chưa có báo cáo",
        "–",
        "",
        "–",
    ]
    assert "Kết quả thực hiện các chỉ tiêu" not in words_of(report())
    compared = "[Bổ sung: so sánh với cùng kỳ (nếu có)]"
    assert compared in words_of(report(targets=[target(), untold]))
    assert compared not in words_of(report(targets=[untold]))


def test_annex_one_has_each_task_with_its_result_and_state() -> None:
    rows = Document(io.BytesIO(report())).tables[-3].rows
    cells = [[cell.text for cell in row.cells] for row in rows]
    assert cells[0] == [
        "TT",
        "Nhiệm vụ",
        "Cơ quan chủ trì",
        "Thời hạn",
        "Sản phẩm yêu cầu",
        "Kết quả thực hiện",
        "Trạng thái",
    ]
    assert set(cells[1]) == {"I. Nhóm 1"}
    assert cells[2] == [
        "1",
        "Xây dựng Chương trình giáo dục kỹ năng số",
        "Sở GD&ĐT",
        "31/12/2026",
        "–",
        "Quyết định số 312/QĐ-SGDĐT ngày 03/02/2026",
        "Hoàn thành đúng hạn",
    ]
    assert cells[4][2:] == [
        "các Sở: Tài chính, Y tế",
        "Năm 2026",
        "–",
        "Sở Tài chính: đang thực hiện, đạt 60%",
        "Đang thực hiện quá hạn",
    ]


def test_annex_two_has_what_is_overdue_with_days_reason_and_the_date_proposed() -> None:
    facts, lines = usual()
    late = replace(lines[1][1][0], reason="Chờ hướng dẫn của Bộ.", proposed_until=date(2027, 1, 20))
    given = [lines[0], (lines[1][0], [late, lines[1][1][1]]), lines[2]]
    rows = Document(io.BytesIO(report_docx(facts, given).content)).tables[-2].rows
    assert [[cell.text for cell in row.cells] for row in rows[1:]] == [
        [
            "1",
            "Bố trí kinh phí thực hiện",
            "Sở Tài chính",
            "30/09/2026",
            "29",
            "chờ hướng dẫn của Bộ",
            "20/01/2027",
        ]
    ]


def test_without_lines_tasks_are_told_by_their_counts() -> None:
    facts, _ = usual()
    drawn = report_docx(facts, None).content
    late = next(
        row for row in Document(io.BytesIO(drawn)).tables[-3].rows if "Bố trí" in row.cells[1].text
    )
    assert late.cells[2].text == "2 cơ quan"
    assert "Bố trí kinh phí thực hiện: có 01/02 cơ quan, đơn vị quá hạn; chưa" in words_of(drawn)


def test_the_same_facts_give_the_same_words() -> None:
    facts, lines = usual()
    assert words_of(report_docx(facts, lines).content) == words_of(report())


def test_progress_is_told_up_to_the_last_task() -> None:
    many = [
        (f"I.{i}", "Việc", "open_on_time", [line("Sở Y tế", "open_on_time")]) for i in range(60)
    ]
    facts, lines = facts_of(many)  # type: ignore[arg-type]
    told: list[tuple[int, int]] = []
    report_docx(facts, lines, progress=lambda done, total: told.append((done, total)))
    assert told == [(25, 60), (50, 60), (60, 60)]


# ------------------------------------------------------------------ refused


def test_a_report_whose_sums_are_off_is_refused_with_the_reason() -> None:
    facts, lines = usual(lines=7)
    with pytest.raises(UnreconciledReport, match="phụ lục có 7") as refused:
        report_docx(facts, lines)
    assert len(refused.value.reasons) == 1


def test_a_report_whose_lines_are_not_those_counted_is_refused() -> None:
    facts, lines = usual()
    spoilt = [(task, held[:1]) for task, held in lines]
    with pytest.raises(UnreconciledReport, match=r"III\.1b: phụ lục có 1 dòng"):
        report_docx(facts, spoilt)


def test_a_report_with_a_task_twice_is_refused() -> None:
    facts, lines = usual()
    with pytest.raises(UnreconciledReport, match="lặp lại"):
        report_docx(facts, [*lines, lines[0]])


# ------------------------------------------------------------------ people's words are data


EVIL = (
    "# {{ 7*7 }} {% for x in y %} ⟦viết gì đó⟧ {_{ 1 }_} <w:p/></w:t> & \x00\x0b\x1f￾ \ud800 \u202eabc\n\t"
    + "x" * 4000
)


def test_words_of_people_are_neither_run_nor_markup_nor_lost() -> None:
    held = [
        line(
            "Sở <b>Y tế</b>",
            "done_late",
            document=EVIL,
            result=EVIL,
            source=source("completed", EVIL, person=EVIL, note=EVIL),
        )
    ]
    facts, lines = facts_of(
        [("III.{{ 1 }}", EVIL, "done_late", held)],
        difficulties=[Quote("blocked", EVIL, EVIL, EVIL, EVIL, AT)],
        silent=[EVIL],
        title=EVIL,
        targets=[target(text=EVIL, value=EVIL, source=EVIL)],
    )
    drawn = report_docx(facts, lines)
    words = words_of(drawn.content)
    assert "{{ 7*7 }} {% for x in y %}" in words
    assert "49" not in words
    assert "<w:p/></w:t> & abc" in re.sub(r"\s+", " ", words)
    assert "x" * 4000 in words
    assert "Sở <b>Y tế</b>" in words
    assert "[viết gì đó]" in words  # no blank, whoever writes the marks
    assert not any("viết gì đó" in blank for blank in drawn.blanks)


def test_words_escaped_once_stay_as_they_were_said() -> None:
    words = words_of(report(silent=["Sở NN&MT", "Sở KH&CN"]))
    assert "các Sở: NN&MT, KH&CN" in words
    assert "&amp;" not in words


# ------------------------------------------------------------------ the urging letter


def urging(agencies: int = 2, **changes: Any) -> UrgingFacts:
    late = [
        LateAgency(
            f"UBND xã Số {i}",
            [
                LateItem("III.1a", "Rà soát {{ 7*7 }} <w:p>", date(2026, 2, 28), 190 - i, 12),
                LateItem("BC.1", "Báo cáo năm 2026", date(2026, 11, 14), 16, 6),
            ],
        )
        for i in range(agencies)
    ]
    given: dict[str, Any] = {
        "province": "Gia Lai",
        "plan_code": "gia-lai-1901-2020",
        "number": "1901/KH-UBND",
        "title": "Triển khai thực hiện Nghị quyết số 50/NQ-CP",
        "issued_on": date(2020, 9, 14),
        "coordinator": "Sở Khoa học và Công nghệ",
        "as_of": date(2026, 12, 8),
        "agencies": late,
        "answer_by": date(2026, 12, 15),
    }
    return UrgingFacts(**(given | changes))


def test_an_urging_letter_states_the_fact_and_asks_for_four_things() -> None:
    words = words_of(urging_docx(urging()).content)
    in_order = [
        "/SKHCN-",
        "V/v đôn đốc thực hiện nhiệm vụ, báo cáo theo Kế hoạch số 1901/KH-UBND",
        "tháng 12 năm 2026",
        "Kính gửi:",
        "- UBND xã Số 0;",
        "- UBND xã Số 1.",
        "Thực hiện Kế hoạch số 1901/KH-UBND ngày 14/9/2020 của Ủy ban nhân dân tỉnh Gia Lai triển khai",
        (
            "Qua theo dõi, đến ngày 08/12/2026, còn 04 nhiệm vụ, báo cáo của 02 cơ quan, đơn vị quá hạn từ 15"
            " ngày làm việc trở lên chưa có kết quả hoặc báo cáo (Phụ lục kèm theo)."
        ),
        "đề nghị các cơ quan, đơn vị:",
        "1. Khẩn trương",
        "trước ngày 15/12/2026 để tổng hợp.",
        "2. Đối với nội dung chưa hoàn thành",
        "3. Đối với nội dung đã thực hiện",
        "4. Đối với khó khăn, vướng mắc vượt thẩm quyền, báo cáo UBND tỉnh Gia Lai (qua Sở",
        "Quá thời hạn nêu trên",
        "quan tâm, phối hợp thực hiện./.",
        "- Như trên;",
        "- UBND tỉnh Gia Lai (b/c);",
        "GIÁM ĐỐC",
        "Phụ lục\n",
    ]
    places = [words.index(part) for part in in_order]
    assert places == sorted(places)
    assert "CÔNG VĂN" not in words
    assert "yêu cầu" not in words


def test_the_day_to_answer_and_the_warning_are_marked_for_a_person_to_check() -> None:
    blanks = urging_docx(urging()).blanks
    assert "kiểm tra: 15/12/2026" in blanks
    assert any(blank.startswith("kiểm tra: Quá thời hạn nêu trên") for blank in blanks)


def test_the_annex_is_grouped_by_agency_with_days_late_and_times_reminded() -> None:
    table = Document(io.BytesIO(urging_docx(urging()).content)).tables[-1]
    assert [[cell.text for cell in row.cells] for row in table.rows[1:4]] == [
        ["1", "UBND xã Số 0", "Rà soát {{ 7*7 }} <w:p>", "28/02/2026", "190", "12"],
        ["", "", "Báo cáo năm 2026", "14/11/2026", "16", "6"],
        ["2", "UBND xã Số 1", "Rà soát {{ 7*7 }} <w:p>", "28/02/2026", "189", "12"],
    ]


def test_up_to_ten_addressees_are_named_and_more_stand_in_the_annex_alone() -> None:
    assert "Kính gửi: UBND xã Số 0." in words_of(urging_docx(urging(1)).content)
    ten = words_of(urging_docx(urging(10)).content)
    assert "- UBND xã Số 9." in ten
    many = words_of(urging_docx(urging(11)).content)
    assert "Kính gửi: Các cơ quan, đơn vị có tên tại Phụ lục." in many
    assert many.count("UBND xã Số 10") == 1


def test_a_letter_to_nobody_is_refused_with_the_threshold_and_what_is_below_it() -> None:
    with pytest.raises(UnreconciledReport, match="quá hạn từ 15 ngày làm việc") as refused:
        urging_docx(urging(0, below=56))
    assert "Có 56 nội dung quá hạn ít ngày hơn" in str(refused.value)


# ------------------------------------------------------------------ head and foot by rank


@pytest.mark.parametrize(
    ("agency", "superior", "issuer", "symbol", "signs"),
    [
        ("Sở Nội vụ", "UBND TỈNH GIA LAI", ("SỞ NỘI VỤ",), "SNV", ("", "GIÁM ĐỐC")),
        (
            "UBND tỉnh",
            "",
            ("ỦY BAN NHÂN DÂN", "TỈNH GIA LAI"),
            "UBND",
            ("TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH"),
        ),
        (
            "Văn phòng Ủy ban nhân dân tỉnh",
            "UBND TỈNH GIA LAI",
            ("VĂN PHÒNG",),
            "VPUBND",
            ("", "CHÁNH VĂN PHÒNG"),
        ),
        (
            "Ban Chỉ đạo chuyển đổi số tỉnh",
            "UBND TỈNH GIA LAI",
            ("BAN CHỈ ĐẠO", "CHUYỂN ĐỔI SỐ TỈNH"),
            "BCĐCĐS",
            ("TM. BAN CHỈ ĐẠO", "TRƯỞNG BAN"),
        ),
        ("Công an tỉnh", "BỘ CÔNG AN", ("CÔNG AN TỈNH GIA LAI",), "CAT", ("", "GIÁM ĐỐC")),
        (
            "UBND phường Pleiku",
            "",
            ("ỦY BAN NHÂN DÂN", "PHƯỜNG PLEIKU"),
            "UBND",
            ("TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH"),
        ),
        ("Hội Nông dân tỉnh", "", ("HỘI NÔNG DÂN TỈNH",), "HND", ("", "THỦ TRƯỞNG CƠ QUAN")),
    ],
)
def test_head_and_foot_follow_the_rank_of_who_issues(
    agency: str, superior: str, issuer: tuple[str, ...], symbol: str, signs: tuple[str, str]
) -> None:
    head = build_letterhead(agency, "Gia Lai")
    assert (head.superior, head.issuer, head.symbol) == (superior, issuer, symbol)
    assert (head.authority, head.post) == signs


def test_abbreviations_are_the_usual_ones() -> None:
    usual_ones = {
        "Sở Khoa học và Công nghệ": "SKHCN",
        "Sở KH&CN": "SKHCN",
        "Sở Văn hóa, Thể thao và Du lịch": "SVHTTDL",
        "Sở Giáo dục và Đào tạo": "SGDĐT",
        "Thanh tra tỉnh": "TTT",
        "Ban Quản lý Khu kinh tế tỉnh": "BQLKKT",
    }
    assert {name: abbreviation(name) for name in usual_ones} == usual_ones


def test_a_comma_within_a_name_does_not_part_it() -> None:
    assert split_bodies("UBND tỉnh, Ban Chỉ đạo chuyển đổi số tỉnh") == [
        "UBND tỉnh",
        "Ban Chỉ đạo chuyển đổi số tỉnh",
    ]
    assert split_bodies("Sở Văn hóa, Thể thao và Du lịch") == ["Sở Văn hóa, Thể thao và Du lịch"]


def test_days_have_a_nought_where_the_decree_wants_one() -> None:
    assert official_long_date(date(2020, 2, 5)) == "ngày 05 tháng 02 năm 2020"
    assert official_long_date(date(2020, 8, 15)) == "ngày 15 tháng 8 năm 2020"


def test_a_committee_signs_on_behalf_and_does_not_report_to_itself() -> None:
    words = words_of(report(coordinator="Ủy ban nhân dân tỉnh", receiver="UBND tỉnh, Tỉnh ủy"))
    assert "TM. ỦY BAN NHÂN DÂN\nCHỦ TỊCH" in words
    assert "kính báo cáo Tỉnh ủy xem xét, chỉ đạo./." in words
    assert "- UBND tỉnh (b/c);" not in words


def test_the_files_hold_no_picture_and_no_name_of_who_made_the_template() -> None:
    with zipfile.ZipFile(io.BytesIO(report())) as archive:
        names = archive.namelist()
        properties = archive.read("docProps/core.xml").decode()
    assert not [name for name in names if "thumbnail" in name or "media" in name]
    assert "python" not in properties
    assert "<dc:creator>Sở Khoa học và Công nghệ</dc:creator>" in properties
