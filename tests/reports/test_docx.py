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
    LateAgency,
    LateItem,
    Quote,
    ReportDutyFacts,
    ReportFacts,
    SectionFacts,
    TaskFacts,
    UrgingFacts,
)
from data.rules.states import OfficialState
from data.targets.facts import TargetFacts
from jobs.reports.docx import UnreconciledReport, report_docx, urging_docx
from jobs.reports.letterhead import (
    abbreviation,
    build_letterhead,
    official_long_date,
    official_short_date,
    split_bodies,
)

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
            silent=sum(part.source is None for part in parts),
            unassigned=not parts,
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
        "Sở Tài chính", "open_late", source=source("in_progress", "Sở Tài chính"), percent=60
    )
    silent = line("Sở Y tế", "open_on_time", position=1)
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
    return report_docx(facts, lines)


@cache
def unchanged() -> bytes:
    facts, lines = usual()
    return report_docx(facts, lines)


# ------------------------------------------------------------------ layout


@pytest.mark.parametrize("letter", [False, True])
def test_pages_are_a4_with_the_decree_s_margins(letter: bool) -> None:
    drawn = urging_docx(urging()) if letter else report()
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
    document = Document(io.BytesIO(urging_docx(urging()) if letter else report()))
    named = list(document.styles.element.iter(qn("w:rFonts")))
    assert len(named) > 20
    assert {fonts.get(qn(key)) for fonts in named for key in FONTS} == {"Times New Roman"}
    assert not list(document.element.body.iter(qn("w:rFonts")))


@pytest.mark.parametrize("letter", [False, True])
def test_the_page_number_stands_at_the_top_of_every_page_but_the_first(letter: bool) -> None:
    for section in Document(io.BytesIO(urging_docx(urging()) if letter else report())).sections:
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


def test_table_heads_repeat_and_no_row_is_split_across_pages() -> None:
    document = Document(io.BytesIO(report(targets=[target()])))
    framed = [table for table in document.tables if len(table.columns) > 2]
    assert len(framed) == 3
    for table in framed:
        rows = table._tbl.findall(qn("w:tr"))
        assert rows[0].find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
        assert all(row.find(f"{qn('w:trPr')}/{qn('w:cantSplit')}") is not None for row in rows)


# ------------------------------------------------------------------ what it says


def test_head_parts_and_foot_stand_in_the_decree_s_order() -> None:
    words = words_of(report())
    in_order = [
        "UBND TỈNH GIA LAI",
        "SỞ KHOA HỌC VÀ CÔNG NGHỆ",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "/BC-SKHCN",
        "Gia Lai, ngày … tháng … năm 2026",
        "BÁO CÁO",
        "Kết quả thực hiện năm 2026 Kế hoạch số 1901/KH-UBND ngày 14/9/2020",
        "I. TÌNH HÌNH CHUNG",
        "II. KẾT QUẢ THỰC HIỆN THEO NHÓM NHIỆM VỤ",
        "III. KHÓ KHĂN, VƯỚNG MẮC",
        "IV. KIẾN NGHỊ, ĐỀ XUẤT",
        "./.",
        "Nơi nhận:",
        "- UBND tỉnh;",
        "- Lưu: VT.",
        "GIÁM ĐỐC",
        "Phụ lục\n",
        "(Kèm theo Báo cáo số",
    ]
    places = [words.index(part) for part in in_order]
    assert places == sorted(places)
    assert words.count("./.") == 1


def test_the_number_and_the_day_are_left_for_a_person_to_fill_in() -> None:
    assert re.search(r"^Số:\s{6,}/BC-SKHCN$", words_of(report()), re.MULTILINE)


def test_what_nobody_said_reads_not_reported_and_nothing_is_filled_in() -> None:
    rows = Document(io.BytesIO(report())).tables[-1].rows
    cells = [[cell.text for cell in row.cells] for row in rows]
    assert ["III.1b", "Sở Y tế", "31/12/2026", "Đang thực hiện trong hạn"] + [
        "chưa báo cáo"
    ] * 3 in cells
    late = next(row for row in cells if row[1] == "Sở Tài chính")
    assert late[3:] == ["Đang thực hiện quá hạn", "60", "–", "“Đang làm”, 09:12 ngày 05/11/2026"]
    assert "Có 1 cơ quan, đơn vị chưa báo cáo nội dung nào: Sở Y tế." in words_of(report())


def test_each_line_names_the_answer_it_rests_on_whose_and_when() -> None:
    rows = Document(io.BytesIO(report())).tables[-1].rows
    done = next(row for row in rows if row.cells[1].text == "Sở GD&ĐT")
    assert [cell.text for cell in done.cells[3:]] == [
        "Hoàn thành đúng hạn (03/02/2026)",
        "100",
        "312/QĐ-SGDĐT ngày 03/02/2026",
        "“Đã xong”, 09:12 ngày 05/11/2026, Trần Văn Bình: đã gửi bản giấy",
    ]


def test_an_answer_given_by_another_agency_is_told_as_its() -> None:
    held = [line("Sở Tài chính", "open_on_time", source=source("in_progress", "Sở KH&ĐT"))]
    facts, lines = facts_of([("III.1a", "Rà soát", "open_on_time", held)])
    assert "“Đang làm”, 09:12 ngày 05/11/2026, Sở KH&ĐT" in words_of(report_docx(facts, lines))


def test_silent_agencies_that_stand_alike_share_a_row_and_are_all_named() -> None:
    held = [line(f"UBND xã {name}", "open_late", position=i) for i, name in enumerate("BACDE")]
    facts, lines = facts_of([("III.1a", "Rà soát", "open_late", held)])
    words = words_of(report_docx(facts, lines))
    assert (
        "Chưa báo cáo (5 cơ quan, đơn vị; đang thực hiện quá hạn, hạn 31/12/2026): "
        "UBND xã B; UBND xã A; UBND xã C; UBND xã D; UBND xã E."
    ) in words


def test_a_task_without_agencies_says_so() -> None:
    words = words_of(report())
    assert "Chưa có cơ quan được giao thực hiện." in words
    assert "Có 1 nhiệm vụ chưa có cơ quan được giao thực hiện" in words


def test_figures_before_the_year_s_data_close_are_marked_as_estimates_with_their_day() -> None:
    words = words_of(report(targets=[target()]))
    assert "Số liệu tính đến ngày 10 tháng 11 năm 2026" in words
    assert "Bảng 1. Tình hình thực hiện nhiệm vụ (ước)" in words
    assert "Có 1 nhiệm vụ (ước):" in words
    assert "Kết quả (ước) (năm)" in words
    assert "Nghị định số 09/2019/NĐ-CP" in words
    after = words_of(report(is_estimate=False, as_of=date(2026, 12, 16), targets=[target()]))
    assert "ước" not in after
    assert "Số liệu tính đến ngày 16 tháng 12 năm 2026" in after


def test_shares_come_from_the_counts_and_are_written_with_a_comma() -> None:
    words = words_of(report())
    assert "1/3 nhiệm vụ, đạt 33,3% (ước)" in words
    assert "Do làm tròn số" in words  # 33,3 three times


def test_groups_name_what_is_done_with_its_document_and_who_is_late() -> None:
    words = words_of(report())
    assert (
        "- III.1a. Xây dựng Chương trình giáo dục kỹ năng số;"
        " văn bản: 312/QĐ-SGDĐT ngày 03/02/2026 (Sở GD&ĐT)."
    ) in words
    assert "- III.1b. Bố trí kinh phí thực hiện; cơ quan quá hạn: Sở Tài chính." in words


def test_the_periodic_report_tells_received_late_and_missing() -> None:
    assert (
        "Báo cáo năm 2026 (hạn 14/11/2026): 2/3 cơ quan, đơn vị đã gửi, trong đó 1 gửi muộn;"
        " 1 chưa báo cáo: Sở Y tế."
    ) in words_of(report())


def test_the_same_difficulty_is_told_once_with_everybody_who_said_it() -> None:
    said = [
        Quote("Sở Y tế", "III.1a", "Thiếu kinh phí.", None, AT),
        Quote("Sở Nội vụ", "III.1b", "Chưa có hướng dẫn", None, AT),
        Quote(
            "Sở Tài chính",
            "III.1b",
            "thiếu  kinh phí",
            "Lê Thị Hoa",
            datetime(2026, 11, 7, 8, tzinfo=ZONE),
        ),
        Quote("Sở Nội vụ", "III.1b", " . ", None, AT),
    ]
    words = words_of(report(difficulties=said))
    shared = "- Thiếu kinh phí (Sở Y tế; Sở Tài chính – III.1a, III.1b; từ ngày 05/11/2026 đến ngày 07/11/2026)."
    assert words.index(shared) < words.index(
        "- Chưa có hướng dẫn (Sở Nội vụ – III.1b; ngày 05/11/2026)."
    )
    assert "chưa có cơ quan, đơn vị nào nêu kiến nghị, đề xuất" in words


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


def test_targets_stand_in_a_table_and_those_nobody_told_of_read_not_reported() -> None:
    untold = target(code="CT.4", goal=None, value=None, value_year=None, source="", met=None)
    table = Document(io.BytesIO(report(targets=[target(), untold]))).tables[2]
    assert [cell.text for cell in table.rows[1].cells] == [
        "CT.3",
        "Hợp đồng điện tử",
        "≥ 80% (2025)",
        "82,5% (2026)",
        "Sở Công Thương",
        "Đạt",
    ]
    assert [cell.text for cell in table.rows[2].cells][2:] == [
        "không nêu số (2025)",
        "chưa báo cáo",
        "",
        "–",
    ]
    assert "Kết quả thực hiện các chỉ tiêu" not in words_of(report())


def test_without_lines_each_task_has_one_row_and_the_rest_is_in_the_sheet() -> None:
    facts, _ = usual()
    drawn = report_docx(facts, None)
    rows = Document(io.BytesIO(drawn)).tables[-1].rows
    late = next(row for row in rows if row.cells[0].text == "III.1b")
    assert [cell.text for cell in late.cells[4:]] == ["2", "0", "0", "1", "1", "1"]
    assert ".xlsx" in words_of(drawn)
    assert "1/2 cơ quan quá hạn" in words_of(drawn)


def test_without_lines_who_is_late_or_silent_is_named_in_the_task_s_row() -> None:
    facts, _ = usual()
    section = facts.sections[0]
    task = replace(section.tasks[0], behind=["Sở Y tế", "Sở Nội vụ"], behind_count=5)
    facts = replace(facts, sections=[replace(section, tasks=[task]), *facts.sections[1:]])
    words = words_of(report_docx(facts, None))
    assert "Quá hạn hoặc chưa báo cáo: Sở Y tế; Sở Nội vụ và 3 cơ quan khác." in words
    assert words.count("Quá hạn hoặc chưa báo cáo") == 1


def test_the_same_facts_give_the_same_words() -> None:
    facts, lines = usual()
    assert words_of(report_docx(facts, lines)) == words_of(report())


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
    "{{ 7*7 }} {% for x in y %} {_{ 1 }_} <w:p/></w:t> & \x00\x0b\x1f￾ \ud800 \u202eabc\n\t"
    + "x" * 4000
)


def test_words_of_people_are_neither_run_nor_markup_nor_lost() -> None:
    held = [
        line(
            "Sở <b>Y tế</b>",
            "done_late",
            document=EVIL,
            source=source("blocked", EVIL, person=EVIL, note=EVIL),
        )
    ]
    facts, lines = facts_of(
        [("III.{{ 1 }}", EVIL, "done_late", held)],
        difficulties=[Quote(EVIL, EVIL, EVIL, EVIL, AT)],
        silent=[EVIL],
        title=EVIL,
        targets=[target(text=EVIL, value=EVIL, source=EVIL)],
    )
    drawn = report_docx(facts, lines)
    words = words_of(drawn)
    assert "{{ 7*7 }} {% for x in y %}" in words
    assert "49" not in words
    assert "<w:p/></w:t> & abc" in re.sub(r"\s+", " ", words)
    assert "x" * 4000 in words
    assert "Sở <b>Y tế</b>" in words
    assert len(Document(io.BytesIO(drawn)).tables) == 5


def test_words_escaped_once_stay_as_they_were_said() -> None:
    words = words_of(report(silent=["Sở NN&MT", "Sở KH&CN"]))
    assert "Sở NN&MT; Sở KH&CN" in words
    assert "&amp;" not in words


# ------------------------------------------------------------------ the urging letter


def urging(agencies: int = 2, **changes: Any) -> UrgingFacts:
    late = [
        LateAgency(
            f"Ủy ban nhân dân xã Số {i}",
            [LateItem("III.1a", "Rà soát {{ 7*7 }} <w:p>", date(2026, 2, 28), 190 - i)],
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
    }
    return UrgingFacts(**(given | changes))


def test_an_urging_letter_has_its_subject_under_the_number_and_no_title() -> None:
    words = words_of(urging_docx(urging()))
    in_order = [
        "/SKHCN-…",
        "V/v đôn đốc thực hiện nhiệm vụ, báo cáo theo Kế hoạch số 1901/KH-UBND",
        "Kính gửi:",
        "- Ủy ban nhân dân xã Số 0;",
        "- Ủy ban nhân dân xã Số 1.",
        "Thực hiện Kế hoạch số 1901/KH-UBND ngày 14 tháng 9 năm 2020 của Ủy ban nhân dân tỉnh Gia Lai triển khai",
        "có 2 nội dung của 2 cơ quan",
        "III.1a. Rà soát {{ 7*7 }} <w:p>",
        "28/02/2026",
        "chậm nhất ngày … tháng … năm 2026",
        "./.",
        "- Như trên;",
        "- Lưu: VT, …",
        "GIÁM ĐỐC",
    ]
    places = [words.index(part) for part in in_order]
    assert places == sorted(places)
    assert "CÔNG VĂN" not in words


def test_one_addressee_stands_beside_and_many_stand_in_the_table_alone() -> None:
    assert "Kính gửi: Ủy ban nhân dân xã Số 0." in words_of(urging_docx(urging(1)))
    many = words_of(urging_docx(urging(20)))
    assert "Kính gửi: Các cơ quan, đơn vị có tên trong bảng dưới đây." in many
    assert many.count("Ủy ban nhân dân xã Số 19") == 1


def test_a_letter_to_nobody_is_refused() -> None:
    with pytest.raises(UnreconciledReport, match="Chưa có cơ quan nào"):
        urging_docx(urging(agencies=0))


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
    assert official_short_date(date(2020, 8, 5)) == "05/8/2020"


def test_a_committee_signs_on_behalf_and_does_not_report_to_itself() -> None:
    words = words_of(report(coordinator="Ủy ban nhân dân tỉnh", receiver="UBND tỉnh, Tỉnh ủy"))
    assert "TM. ỦY BAN NHÂN DÂN\nCHỦ TỊCH" in words
    assert "kính báo cáo Tỉnh ủy./." in words
    assert "- UBND tỉnh;" not in words


def test_the_files_hold_no_picture_and_no_name_of_who_made_the_template() -> None:
    with zipfile.ZipFile(io.BytesIO(report())) as archive:
        names = archive.namelist()
        properties = archive.read("docProps/core.xml").decode()
    assert not [name for name in names if "thumbnail" in name or "media" in name]
    assert "python" not in properties
    assert "<dc:creator>Sở Khoa học và Công nghệ</dc:creator>" in properties
