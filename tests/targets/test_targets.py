"""Targets (chỉ tiêu): what is read as a value and what is not, who may say it, where it then stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from bot.conversation.reader.target_matching import find_meant_indicators, is_doubtful_value
from bot.conversation.reader.targets import read_target
from bot.conversation.targets.summary import progress_bar
from data.db.database import Database
from data.models import Agency, Evidence, Plan, StatusReply, TargetValue
from data.privacy import personal_data
from data.registry.registry import Registry
from data.registry.schema import TargetEntry
from data.targets import values as target_values
from data.targets.facts import TargetFacts
from data.targets.indicators import (
    group_by_indicator,
    has_figure,
    is_met,
    short_target_name,
    target_completion,
    target_for_year,
    target_search_words,
)
from data.targets.statuses import load_target_facts
from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal
from tests.support.conversations import CALENDAR, PLAN, PROVINCE, Reply, Seat, Talk
from tests.support.loaded_province import load_world

__all__ = ["loaded", "loaded_file", "terminal"]  # fixtures of the command line

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
TODAY = date(2026, 11, 9)
TARGETS = """
targets:
  - {code: CT.1, text: "Tỷ lệ doanh nghiệp sử dụng hợp đồng điện tử đạt trên 80%",
     year: 2025, comparator: ">", value: 80, unit: "%"}
  - {code: CT.2, text: "Tỷ lệ doanh nghiệp sử dụng nền tảng hợp đồng điện tử đạt 100%",
     year: 2030, comparator: "=", value: 100, unit: "%"}
  - {code: CT.3, text: "Xây dựng ít nhất 07 làng thông minh",
     year: 2030, comparator: ">=", value: 7, unit: "làng"}
  - {code: CT.4, text: "Đẩy mạnh phát triển kinh tế số", year: 2030}
  - {code: CT.5, text: "Tỷ trọng kinh tế số đạt tối thiểu 20%",
     year: 2025, comparator: ">=", value: 20, unit: "%"}
  - {code: CT.6, text: "Tỷ trọng kinh tế số trong từng ngành đạt tối thiểu 10%",
     year: 2025, comparator: ">=", value: 10, unit: "%"}
"""
PLAN_10, PLAN_20 = "10/KH-UBND", "20/KH-UBND"


def texts(targets_of_10: str = TARGETS) -> dict[str, str]:
    def plan(slug: str, number: str) -> str:
        return PLAN.format(slug=slug, number=f"{number}/KH-UBND", issued_on="2026-01-05")

    return {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
        "agencies/tay.yaml": PROVINCE.format(slug="tay", name="Tây"),
        "plans/dong-10.yaml": plan("dong", "10") + targets_of_10,
        "plans/tay-20.yaml": plan("tay", "20") + TARGETS,
        "calendar/2026.yaml": CALENDAR,
    }


@cache
def measured() -> Registry:
    """Return two provinces whose plans, 10 in Đông and 20 in Tây, have targets."""
    return Registry.from_texts(texts())


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, measured(), NOW).begin(
        Seat("stc", "dong", "stc"),
        Seat("sxd", "dong", "sxd"),
        Seat("steers", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader"),
        Seat("tay", "tay", "stc"),
        Seat("-group", "dong", "stc"),
    )


async def only(talk: Talk, chat: str, text: str, **more: Any) -> Reply:
    (answer,) = await talk.say(chat, text, **more)
    return answer


async def rows(talk: Talk) -> list[Any]:
    async with talk.database.read() as connection:
        return list(await connection.execute(select(TargetValue).order_by(TargetValue.id)))


async def stands(talk: Talk, plan: str = PLAN_10) -> dict[str, TargetFacts]:
    async with talk.database.read() as connection:
        row = (await connection.execute(select(Plan).where(Plan.number == plan))).one()
        found = await load_target_facts(
            connection, talk.registry.plans[row.code], row.id, row.coordinator_id
        )
    return {facts.code: facts for facts in found}


async def everything_said(talk: Talk, plan: str) -> None:
    """Let two agencies differ on every target of a plan."""
    async with talk.database.write() as connection:
        row = (await connection.execute(select(Plan).where(Plan.number == plan))).one()
        agencies = await connection.execute(
            select(Agency.id).where(
                Agency.province == row.province, Agency.code.in_(("so-y-te", "so-cong-thuong"))
            )
        )
        for agency_id in agencies.scalars().all():
            for target in talk.registry.plans[row.code].targets:
                await target_values.record_target_value(
                    connection,
                    plan_id=row.id,
                    code=target.code,
                    year=2025,
                    value=Decimal(f"{agency_id % 50}.125"),
                    agency_id=agency_id,
                    person_id=None,
                    chat_id=None,
                    event_id=None,
                    words="x",
                    now=NOW,
                )


async def answers_of_tasks(talk: Talk) -> int:
    async with talk.database.read() as connection:
        count = select(func.count()).select_from(StatusReply).where(StatusReply.said != "question")
        return int(await connection.scalar(count) or 0)


# ------------------------------------------------------------------ what is read

READ: list[tuple[str, str, str, int | None]] = [
    ("chỉ tiêu hợp đồng điện tử 82%", "CT.4", "82", None),
    ("chi tieu CT.4 82,5", "CT.4", "82.5", None),
    ("CT.4: 82%", "CT.4", "82", None),
    ("chỉ tiêu CT.4 năm 2025 đạt 82 %", "CT.4", "82", 2025),
    ("chỉ tiêu hợp đồng điện tử đạt 82% theo báo cáo số 12/BC-SCT", "CT.4", "82", None),
    ("chi tieu hop dong dien tu 82%", "CT.4", "82", None),
    ("CHỈ TIÊU HỢP ĐỒNG ĐIỆN TỬ: 82%", "CT.4", "82", None),
    ("ct4 82%", "CT.4", "82", None),
    ("ct 4: 82", "CT.4", "82", None),
    ("CT.4 - 82%", "CT.4", "82", None),
    ("CT.4-82%", "CT.4", "82", None),
    ("CT.4 = 82.5", "CT.4", "82.5", None),
    ("Chỉ tiêu số 4: 82%", "CT.4", "82", None),
    ("chỉ tiêu 4 đạt 82%", "CT.4", "82", None),
    ("dạ chỉ tiêu hợp đồng điện tử hiện đạt 82% ạ", "CT.4", "82", None),
    ("Dạ em báo cáo chỉ tiêu HĐĐT 82% ạ", "CT.4", "82", None),
    ("chỉ tiêu tmđt đạt 12,5%", "CT.3", "12.5", None),
    ("chỉ tiêu tỷ lệ doanh nghiệp sử dụng hợp đồng điện tử là 82 phần trăm", "CT.4", "82", None),
    ("chỉ tiêu điện thoại thông minh năm ngoái 79%", "CT.13", "79", 2025),
    ("chỉ tiêu điện thoại thông minh năm nay đạt 81,25%", "CT.13", "81.25", 2026),
    ("chỉ tiêu chữ ký số 52% (báo cáo số 12/BC-SCT ngày 10/11/2026)", "CT.15", "52", None),
    ("chỉ tiêu kĩ năng số cơ bản 71%", "CT.16", "71", None),
    ("chỉ tiêu khám chữa bệnh từ xa 35%", "CT.20", "35", None),
    ("chi tieu kham chua benh tu xa 35%", "CT.20", "35", None),
    ("CT.4 kế hoạch 1331: 82%", "CT.4", "82", None),
    ("chỉ tiêu 1331 CT.4 82%", "CT.4", "82", None),
    ("chỉ tiêu dân số từ 15 tuổi trở lên có tài khoản giao dịch 83%", "CT.14", "83", None),
    ("chỉ tiêu hợp đồng điện tử đến hết quý III/2026 đạt 82%", "CT.4", "82", 2026),
    ("chỉ tiêu hợp đồng điện tử tính đến ngày 30/9/2026 đạt 82%", "CT.4", "82", 2026),
    ("chỉ tiêu CT.4 đến hết năm 2025: 82%", "CT.4", "82", 2025),
    ("chỉ tiêu kinh tế số trong từng ngành 12%", "CT.2", "12", None),
    ("chỉ tiêu hợp đồng điện tử 82% theo số liệu Sở Công Thương", "CT.4", "82", None),
    ("CT.4 hợp đồng điện tử 82%", "CT.4", "82", None),
    ("số liệu chỉ tiêu CT.4: 82%", "CT.4", "82", None),
    ("chị ơi, chỉ tiêu CT.4 82%", "CT.4", "82", None),
    ("chỉ tiêu CT.4 0%", "CT.4", "0", None),
]
# What denies, supposes, plans, bounds, asks, commands, or says of something else.
NOT_READ = [
    "chưa có số liệu chỉ tiêu",
    "chỉ tiêu hợp đồng điện tử chưa đạt 82%",
    "chi tieu hop dong dien tu chua dat 82%",
    "chỉ tiêu tư vấn sức khỏe trực tuyến chưa đạt 35%",
    "chi tieu tu van suc khoe truc tuyen chua dat 35%",
    "chỉ tiêu hợp đồng điện tử dự kiến 82%",
    "chỉ tiêu năm sau là 82%",
    "chỉ tiêu CT.4 năm sau là 82%",
    "chỉ tiêu CT.4 nếu đạt 82% thì tốt",
    "chỉ tiêu hợp đồng điện tử 82% đúng không",
    "chỉ tiêu CT.4 82%?",
    "chỉ tiêu hợp đồng điện tử khoảng 82%",
    "chỉ tiêu CT.4 trên 82%",
    "chỉ tiêu hợp đồng điện tử đạt trên 80%",
    "chỉ tiêu CT.4 80-85%",
    "chỉ tiêu CT.4 từ 80 đến 85%",
    "chỉ tiêu CT.4 được giao 82%",
    "chỉ tiêu tài khoản thanh toán được giao 80%",
    "chỉ tiêu CT.4 đặt ra 82%",
    "chỉ tiêu CT.4 phấn đấu 82%",
    "chỉ tiêu CT.4 tăng 5%",
    "chỉ tiêu CT.4 còn thiếu 5%",
    "chỉ tiêu CT.4 41/50",
    "chỉ tiêu CT.4 1.234%",
    "chỉ tiêu CT.4 82% theo kế hoạch",
    "chỉ tiêu CT.4 82%, CT.5 60%",
    "chỉ tiêu giao là 100%, hiện đạt 82%",
    "chỉ tiêu hợp đồng điện tử đã hoàn thành",
    "CT 4 tháng đạt 82%",
    "chỉ tiêu CT.4 không phải 82%",
    "chỉ tiêu CT.4 82% là sai",
    "chỉ tiêu CT.4 đến 82%",
    "chỉ tiêu CT.4 so với năm 2024 tăng 3%",
    "chỉ tiêu CT.4 của Sở Công Thương là 82%",
    "ghi chỉ tiêu CT.4 82%",
    "bỏ chỉ tiêu CT.4 82%",
    "CT.4 xong",
    "CT.4 đang làm 60%",
    'chỉ tiêu "hợp đồng điện tử" 82%',
    "chỉ tiêu CT.4 năm 2025 là 82% còn 2026 là 85%",
    "chỉ tiêu dân số từ 15",
]
# What speaks of no target at all, and may be of the task that is shown.
OF_TASKS = [
    "1 82%",
    "III.1a 60%",
    "2 xong",
    "dự kiến 82%",
    "nếu đạt 82% thì báo sau",
    "đã đạt 82% chỉ tiêu",
    "chi tiêu ngân sách đạt 82%",
    "",
    "chỉ tiêu " * 600 + "CT.4 82%",
]


def understood(registry: Registry, text: str, plan: str = "gia-lai-1331-2022") -> list[str]:
    """Return the codes of the indicators that a text is surely a value of, or may be."""
    reading = read_target(text, today=TODAY)
    among = [
        each for each in group_by_indicator(registry.plans[plan].targets) if has_figure(each[0])
    ]
    if reading is None or reading.value is None:
        return []
    return [among[place][0].code for place in find_meant_indicators(reading, among)]


@pytest.mark.parametrize(("text", "code", "value", "year"), READ)
def test_a_value_is_read_with_its_target_and_year(
    registry: Registry, text: str, code: str, value: str, year: int | None
) -> None:
    reading = read_target(text, today=TODAY)
    assert reading is not None
    assert (reading.value, reading.year) == (Decimal(value), year)
    assert understood(registry, text) == [code]


@pytest.mark.parametrize("text", [*NOT_READ, *OF_TASKS], ids=lambda text: text[:60])
def test_what_is_no_value_of_a_target_is_not_read_as_one(registry: Registry, text: str) -> None:
    assert understood(registry, text) == []


def test_words_that_fit_several_targets_choose_none_of_them(registry: Registry) -> None:
    assert understood(registry, "chỉ tiêu kinh tế số 22%") == ["CT.1", "CT.2", "CT.6"]
    assert len(understood(registry, "chỉ tiêu dân số trưởng thành 22%")) > 1


def test_a_number_of_the_targets_own_name_is_no_value(registry: Registry) -> None:
    name = "chỉ tiêu dịch vụ công trực tuyến mức độ 4"
    assert understood(registry, name, "dong-thap-93-2020") == []
    assert understood(registry, f"{name} đạt 82%", "dong-thap-93-2020") == ["CT.1"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("CT.8 1.250 làng", "1250"),
        ("CT.8 5 làng", "5"),
        ("CT.8 0,125 làng", "0.125"),
        ("CT.8: -5 làng", "-5"),
        ("CT.8 âm 5 làng", "-5"),
    ],
)
def test_numbers_are_read_as_vietnamese_write_them(
    registry: Registry, text: str, value: str
) -> None:
    reading = read_target(text, today=TODAY)
    assert reading is not None
    assert reading.value == Decimal(value)
    assert understood(registry, text, "dong-thap-93-2020") == ["CT.8"]


@pytest.mark.parametrize("digits", ["1,234", "1.234.56", "1234567890123", "82.5.1", "12.345,6,7"])
def test_a_number_that_can_be_read_in_two_ways_is_none(digits: str) -> None:
    reading = read_target(f"CT.8: {digits}", today=TODAY)
    assert reading is not None
    assert (reading.value, reading.fault) == (None, "number")


def test_words_that_cast_doubt_are_known_from_words_that_are_merely_unknown() -> None:
    doubtful, unknown = (
        read_target(text, today=TODAY)
        for text in ("chỉ tiêu CT.4 chưa đạt 82%", "chỉ tiêu abc xyz 82%")
    )
    assert doubtful is not None
    assert unknown is not None
    assert is_doubtful_value(doubtful)
    assert not is_doubtful_value(unknown)


# ------------------------------------------------------------------ what a target is


def target(comparator: str, value: Any, unit: str = "%") -> TargetEntry:
    return TargetEntry.model_validate(
        {"code": "CT.1", "text": "x", "comparator": comparator, "value": value, "unit": unit}
    )


@pytest.mark.parametrize(
    ("entry", "reached", "not_reached"),
    [
        (target(">", 80), "80.1", "80"),
        (target(">=", 1.5, "% GRDP"), "1.5", "1.49"),
        (target("=", 80), "81", "79.99"),
        (target("=", 7, "làng"), "7", "8"),
        (target("<", 5), "4.9", "5"),
        (target("<=", 5), "5", "5.1"),
        (target("range", [15, 20]), "21", "14.9"),
    ],
)
def test_whether_a_target_is_met_is_told_by_its_comparator(
    entry: TargetEntry, reached: str, not_reached: str
) -> None:
    assert is_met(entry, Decimal(reached)) is True
    assert is_met(entry, Decimal(not_reached)) is False
    assert progress_bar(target_completion(entry, Decimal(reached))) == "▓" * 10
    assert "░" in progress_bar(target_completion(entry, Decimal(not_reached)))


def test_a_target_without_a_figure_can_neither_be_met_nor_missed() -> None:
    bare = TargetEntry(code="CT.1", text="Đẩy mạnh phát triển kinh tế số", year=2030)
    assert is_met(bare, Decimal(5)) is None


def test_every_goal_of_the_real_plan_for_2025_has_its_own_for_2030(registry: Registry) -> None:
    groups = group_by_indicator(registry.plans["gia-lai-1331-2022"].targets)
    assert [[each.year for each in group] for group in groups] == [[2025, 2030]] * 17
    assert [each.code for each in groups[3]] == ["CT.4", "CT.10"]
    assert short_target_name(groups[3][0]) == "Tỷ lệ doanh nghiệp sử dụng hợp đồng điện tử"
    assert target_for_year(groups[3], 2025).code == "CT.4"
    assert target_for_year(groups[3], 2026).code == "CT.10"
    assert target_for_year(groups[3], 2031).code == "CT.10"


def test_targets_that_differ_in_more_than_their_figure_stay_apart(registry: Registry) -> None:
    for code, plan in registry.plans.items():
        for group in group_by_indicator(plan.targets):
            assert len({each.unit for each in group}) == 1, code
            assert len({each.year for each in group}) == len(group), code
    broad = group_by_indicator(registry.plans["dong-thap-93-2020"].targets)
    assert ["CT.5"] in [[each.code for each in group] for group in broad]  # not CT.11: "có nhu cầu"
    assert "80" not in target_search_words(registry.plans["gia-lai-1331-2022"].targets[3])


# ------------------------------------------------------------------ saying


async def test_a_value_is_recorded_and_said_back_with_target_plan_year_goals_and_agency(
    talk: Talk,
) -> None:
    answer = await only(talk, "stc", "chỉ tiêu hợp đồng điện tử đạt 82,5% theo báo cáo số 1/BC-STC")
    assert answer.template == "target_said"
    for text in (answer.html, answer.plain):
        for words in (
            "hợp đồng điện tử",
            "10/KH-UBND",
            "Năm 2026",
            "82,5%",
            "Sở Tài chính",
            "2025 trên 80%",
            "2030 100%",
            "▓▓▓▓▓▓▓▓░░",
            "chưa đạt",
            "huỷ",
        ):
            assert words in text
    (row,) = await rows(talk)
    assert (row.code, row.year, row.value) == ("CT.2", 2026, "82.5")
    assert row.words == "chỉ tiêu hợp đồng điện tử đạt 82,5% theo báo cáo số 1/BC-STC"
    assert await answers_of_tasks(talk) == 0


async def test_the_same_said_again_is_recorded_once(talk: Talk) -> None:
    await talk.say("stc", "CT.1: 82%")
    again = await only(talk, "stc", "chỉ tiêu hợp đồng điện tử đạt 82,0 %")
    assert again.answer.context["repeated"] is True
    assert again.labels() == []
    assert len(await rows(talk)) == 1


@pytest.mark.slow
async def test_what_is_not_read_records_neither_a_value_nor_a_tasks_progress(talk: Talk) -> None:
    await talk.say("sxd", "/viec")
    for text in NOT_READ:
        await talk.say("sxd", "BC.1")  # one item: bare words would be of it
        await talk.say("sxd", text.replace("CT.4", "CT.1").replace("CT 4", "CT 1"))
        assert (await rows(talk), await answers_of_tasks(talk)) == ([], 0), text


async def test_a_tasks_answer_is_never_taken_for_a_targets(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    await talk.say("stc", "3 đang làm 82%")
    await talk.say("stc", "BC.1 60%")
    assert await rows(talk) == []
    assert await answers_of_tasks(talk) == 2


async def test_a_question_about_a_target_is_passed_on_and_not_recorded(talk: Talk) -> None:
    await talk.say("sxd", "/viec")
    first, *_ = await talk.say("sxd", "chỉ tiêu hợp đồng điện tử 82% tính thế nào ạ?")
    assert first.template == "question_passed"
    assert await rows(talk) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("CT.1 182%", "over"),
        ("CT.1: -5%", "negative"),
        ("CT.3 82%", "unit"),
        ("CT.1 năm 2030 đạt 100%", "future"),
        ("chỉ tiêu CT.4 82%", "no_figure"),
        ("CT.1 41/50", "number"),
        ("CT.1 chưa đạt 82%", "unsure"),
        ("CT.1 82%, CT.5 60%", "several"),
    ],
)
async def test_what_makes_no_sense_is_asked_about_again(talk: Talk, text: str, why: str) -> None:
    answer = await only(talk, "stc", text)
    assert (answer.template, answer.answer.context["why"]) == ("target_odd", why)
    assert "chưa ghi nhận" in answer.plain or why == "no_figure"
    assert await rows(talk) == []


async def test_the_number_asked_for_again_is_of_the_target_in_question(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    await talk.say("stc", "BC.1")  # the list's one item does not get the 82 %
    await talk.say("stc", "CT.1 năm 2025: 820%")
    assert (await only(talk, "stc", "82%")).template == "target_said"
    (row,) = await rows(talk)
    assert (row.code, row.year, row.value) == ("CT.1", 2025, "82")
    assert await answers_of_tasks(talk) == 0


async def test_an_open_question_goes_first_and_evidence_is_not_a_targets_document(
    talk: Talk,
) -> None:
    await talk.say("stc", "/viec")
    done = await talk.say("stc", "BC.1 xong")
    assert done[0].answer.context["asks_evidence"] is True
    said = await only(talk, "stc", "chỉ tiêu hợp đồng điện tử đạt 82% theo báo cáo số 12/BC-STC")
    assert said.template == "target_said"
    held = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    assert held.state == "submitted"
    async with talk.database.read() as connection:
        documents = await connection.execute(select(StatusReply.document))
        assert list(documents.scalars()) == [None]


async def test_an_explanation_that_speaks_of_a_target_is_the_explanation(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    talk.now = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
    asked = await talk.agree("steers", "/giaitrinh 10 BC.1 vì sao chậm")
    assert any(answer.chat == "stc" for answer in asked)
    answers = await talk.say(
        "stc", "Chỉ tiêu hợp đồng điện tử mới ước đạt 82% do phần mềm thay đổi nên báo cáo chậm"
    )
    assert answers[0].template == "explained"
    assert await rows(talk) == []


async def test_a_file_beneath_which_a_value_stands_is_not_kept_for_a_task(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    await talk.say("stc", "BC.1")
    picture = bytes.fromhex("89504e470d0a1a0a") + bytes(40)
    said = await talk.send_file("stc", picture, "a.png", text="CT.1: 82%")
    assert [answer.template for answer in said] == ["target_said", "evidence_which"]
    async with talk.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(Evidence)) == 0


# ------------------------------------------------------------------ which one


@pytest.mark.slow
async def test_a_choice_made_by_button_or_number_or_code_records_the_first_words(
    database: Database, registry: Registry
) -> None:
    talk = await Talk(database, registry, NOW).begin(Seat("sct", "gia-lai", "so-cong-thuong"))
    for choose, value in (("press", "21"), ("2", "22"), ("ct.8", "23")):
        asked = await only(talk, "sct", f"chỉ tiêu kinh tế số {value}%")
        assert (asked.template, len(asked.labels())) == ("target_which", 3)
        assert "1. CT.1, CT.7 · Tỷ trọng kinh tế số" in asked.plain
        assert "chưa ghi nhận" in asked.plain
        if choose == "press":
            (answer,) = await talk.press(asked, asked.labels()[1])
            assert answer.answer.edits == asked.remote_id
        else:
            answer = await only(talk, "sct", choose)
        assert answer.template == "target_said"
        row = (await rows(talk))[-1]
        assert (row.code, row.value, row.words) == ("CT.8", value, f"chỉ tiêu kinh tế số {value}%")
    # pressed again, or under a question that was asked before
    stale = await only(talk, "sct", "chỉ tiêu kinh tế số 24%")
    await only(talk, "sct", "chỉ tiêu dân số trưởng thành 60%")
    (answer,) = await talk.press(stale, stale.labels()[0])
    assert (answer.template, len(await rows(talk))) == ("target_odd", 3)


async def test_a_number_means_an_item_again_once_a_list_was_shown(
    database: Database, registry: Registry
) -> None:
    talk = await Talk(database, registry, NOW).begin(Seat("sct", "gia-lai", "so-cong-thuong"))
    await talk.say("sct", "chỉ tiêu kinh tế số 21%")
    await talk.say("sct", "/viec")
    assert (await only(talk, "sct", "1")).template == "item"
    assert await rows(talk) == []


async def test_a_number_that_was_asked_for_again_means_an_item_once_a_list_was_shown(
    database: Database, registry: Registry
) -> None:
    talk = await Talk(database, registry, NOW).begin(Seat("sct", "gia-lai", "so-cong-thuong"))
    await talk.say("sct", "/viec")
    assert (await only(talk, "sct", "chỉ tiêu CT.1 150%")).template == "target_odd"
    assert (await only(talk, "sct", "báo cáo năm đã xong")).answer.items  # which one? A list
    assert (await only(talk, "sct", "2")).template == "item"
    await talk.say("sct", "60%")  # of the item that is open
    assert await rows(talk) == []


async def test_in_doubt_nothing_is_offered_to_be_recorded(talk: Talk) -> None:
    answer = await only(talk, "stc", "chỉ tiêu hợp đồng điện tử chưa đạt 82%")
    assert (answer.template, answer.labels()) == ("target_odd", [])
    unknown = await only(talk, "stc", "chỉ tiêu hợp đồng điện tử abc 82%")
    assert (unknown.template, len(unknown.labels())) == ("target_which", 1)
    none = await only(talk, "stc", "chỉ tiêu nhà ở xã hội 82%")
    assert "Không tìm thấy chỉ tiêu" in none.plain
    assert await rows(talk) == []


# ------------------------------------------------------------------ who may


async def test_only_who_may_answer_may_say(talk: Talk) -> None:
    assert (await only(talk, "leader", "CT.1 82%")).template == "not_allowed"
    assert (await only(talk, "nobody", "chỉ tiêu CT.1 82%")).template == "stranger"
    assert await rows(talk) == []


async def test_an_agency_without_any_part_in_the_plan_may_not_say(
    database: Database, registry: Registry
) -> None:
    talk = await Talk(database, registry, NOW).begin(Seat("dtg", "dak-lak", "so-khcn"))
    answer = await only(talk, "dtg", "chỉ tiêu kế hoạch 1331 CT.4 82%")
    assert answer.template == "target_which"
    assert "1331" not in answer.html.replace("kế hoạch 1331", "")
    assert await rows(talk) == []


async def test_provinces_neither_see_nor_say_each_others_values(talk: Talk) -> None:
    await talk.say("stc", "CT.1 82%")
    await talk.say("tay", "CT.1 55%")
    assert (await stands(talk))["CT.2"].value == "82"
    assert (await stands(talk, PLAN_20))["CT.2"].value == "55"
    assert "82%" not in (await only(talk, "tay", "/chitieu 20")).html.split("Báo số")[0]
    assert (await only(talk, "tay", "/chitieu 10")).template == "nothing_found"
    (row, _) = await rows(talk)
    assert (await talk.tap("tay", f"untarget:{row.id}"))[0].template == "unknown_item"
    assert len(await rows(talk)) == 2


async def test_in_a_group_only_a_reply_of_somebody_enrolled_says(talk: Talk) -> None:
    assert await talk.say("-group", "chỉ tiêu hợp đồng điện tử 82%", sender="stc") == []
    assert "Báo số" not in (await only(talk, "-group", "/chitieu 10", sender="x")).html
    shown = await only(talk, "-group", "/chitieu 10", sender="stc")
    assert "trả lời vào tin của Hệ thống" in shown.html
    refused = await only(talk, "-group", "CT.1 82%", sender="x", reply_to=shown.remote_id)
    assert (refused.template, refused.answer.context["why"]) == ("not_allowed", "not_enrolled")
    assert await rows(talk) == []
    said = await only(talk, "-group", "CT.1 82%", sender="stc", reply_to=shown.remote_id)
    assert said.template == "target_said"


# ------------------------------------------------------------------ several agencies


async def test_values_of_several_agencies_are_never_averaged(talk: Talk) -> None:
    await talk.say("stc", "CT.1 82%")
    one = (await stands(talk))["CT.2"]
    assert (one.value, one.source, one.met) == ("82", "Sở Tài chính", False)
    await talk.say("sxd", "CT.1 79%")
    differ = (await stands(talk))["CT.2"]
    assert (differ.value, differ.met) == (None, None)
    assert differ.source == "Sở Tài chính 82; Sở Xây dựng 79"
    await talk.say("sxd", "CT.1 82,0%")
    agreed = (await stands(talk))["CT.2"]
    assert (agreed.value, agreed.source) == ("82", "Sở Tài chính, Sở Xây dựng")
    await talk.say("sxd", "CT.1 79%")
    await talk.say("steers", "CT.1 81%")
    decided = (await stands(talk))["CT.2"]
    assert (decided.value, decided.source) == ("81", "Sở KH&CN")


async def test_a_focal_point_is_not_told_which_other_agency_said_what(talk: Talk) -> None:
    await talk.say("stc", "CT.1 82%")
    said = await only(talk, "sxd", "CT.1 79%")
    assert "báo khác nhau" in said.plain
    for shown in (said, await only(talk, "sxd", "/chitieu 10")):
        assert "Sở Tài chính" not in shown.plain
        assert "82%" not in shown.plain.split("Báo số")[0]
        assert "Sở Xây dựng" in shown.plain
    for who in ("steers", "leader"):
        seen = await only(talk, who, "/chitieu 10")
        assert "→ Sở Tài chính (Chị <Lan>): 82% năm 2026, báo ngày 09/11/2026" in seen.plain
        assert "Chị &lt;Lan&gt;" in seen.html
        assert "→ Sở Xây dựng" in seen.plain
    await talk.say("steers", "CT.1 81%")
    after = await only(talk, "sxd", "CT.1 80%")
    assert "Số chung của năm 2026 hiện theo Sở KH&CN" in after.plain


async def test_a_goal_is_judged_by_the_latest_value_up_to_its_year(talk: Talk) -> None:
    await talk.say("stc", "CT.1 90%")
    before = await stands(talk)
    assert (before["CT.1"].value_year, before["CT.1"].met) == (2026, True)
    await talk.say("stc", "CT.1 năm 2025 đạt 79%")
    await talk.say("stc", "CT.1 năm 2024 đạt 70%")
    after = await stands(talk)
    assert (after["CT.1"].value, after["CT.1"].value_year, after["CT.1"].met) == ("79", 2025, False)
    assert (after["CT.2"].value, after["CT.2"].value_year, after["CT.2"].met) == ("90", 2026, False)
    assert (after["CT.3"].value, after["CT.3"].source, after["CT.3"].met) == (None, "", None)
    assert (after["CT.4"].goal, after["CT.4"].met) == (None, None)


async def test_a_target_dropped_from_the_file_keeps_its_values_and_is_not_shown(talk: Talk) -> None:
    await talk.say("stc", "CT.3 5 làng")
    lines = TARGETS.strip("\n").split("\n  - ")
    smaller = "\n" + "\n  - ".join(part for part in lines if "CT.3" not in part) + "\n"
    talk.registry = Registry.from_texts(texts(smaller))
    await load_world(talk.database, talk.registry, now=NOW)
    assert "làng thông minh" not in (await only(talk, "steers", "/chitieu 10")).plain
    assert "CT.3" not in await stands(talk)
    assert (await only(talk, "stc", "CT.3 6 làng")).template == "target_which"
    assert (await only(talk, "stc", "huỷ")).answer.context["why"] == "taken_back"
    talk.registry = measured()
    await load_world(talk.database, talk.registry, now=NOW)
    assert [row.value for row in await rows(talk)] == ["5", None]


# ------------------------------------------------------------------ taking back


async def test_huy_takes_back_whichever_was_last_a_tasks_answer_or_a_value(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    await talk.say("stc", "BC.1 60%")
    await talk.say("stc", "CT.1 82%")
    taken = await only(talk, "stc", "huỷ")
    assert (taken.template, taken.answer.context["taken_back"]) == ("target_said", True)
    assert (await stands(talk))["CT.2"].value is None
    held = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    assert held.percent == 60
    assert (await only(talk, "stc", "huỷ")).template == "cannot_undo"  # one at a time
    await talk.say("stc", "CT.1 83%")
    await talk.say("stc", "BC.1 70%")
    assert (await only(talk, "stc", "huỷ")).template == "undone"
    assert (await stands(talk))["CT.2"].value == "83"


async def test_what_was_said_before_stands_again(talk: Talk) -> None:
    first = await only(talk, "stc", "CT.1 82%")
    second = await only(talk, "stc", "CT.1 83%")
    (refused,) = await talk.press(first, "Huỷ")
    assert (refused.template, refused.answer.context["why"]) == ("cannot_undo", "said_since")
    (taken,) = await talk.press(second, "Huỷ")
    assert "82%" in taken.plain
    assert (await stands(talk))["CT.2"].value == "82"
    assert (await talk.press(second, "Huỷ"))[0].answer.context["why"] == "nothing"
    await talk.press(first, "Huỷ")
    assert (await stands(talk))["CT.2"].value is None


async def test_a_value_can_be_taken_back_for_24_hours_and_by_its_own_people_alone(
    talk: Talk,
) -> None:
    said = await only(talk, "stc", "CT.1 82%")
    for stranger in ("sxd", "steers", "leader"):
        (answer,) = await talk.tap(stranger, said.action("Huỷ"))
        assert answer.template in ("unknown_item", "not_allowed")
    talk.now += timedelta(hours=24, seconds=1)
    assert (await talk.press(said, "Huỷ"))[0].answer.context["why"] == "too_late"
    assert (await only(talk, "stc", "huỷ")).template == "cannot_undo"
    assert (await stands(talk))["CT.2"].value == "82"


@pytest.mark.parametrize("text", ["xong", "đã xong", "1 xong", "ok", "huỷ"])
async def test_words_in_reply_to_a_targets_message_are_answered_and_complete_no_task(
    talk: Talk, text: str
) -> None:
    said = await only(talk, "stc", "CT.1 82%")
    (taken,) = await talk.press(said, "Huỷ")
    for reply in (said, taken):
        assert await talk.say("stc", text, reply_to=reply.remote_id)
    report = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    assert report.state == "open"


async def test_values_can_neither_be_changed_nor_deleted(talk: Talk) -> None:
    await talk.say("stc", "CT.1 82%")
    for act in (
        TargetValue.__table__.update().values(value="99"),  # type: ignore[attr-defined]
        TargetValue.__table__.delete(),  # type: ignore[attr-defined]
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            async with talk.database.write() as connection:
                await connection.execute(act)


async def test_what_is_kept_of_a_person_counts_values_and_an_erased_one_has_no_name(
    talk: Talk,
) -> None:
    await talk.say("stc", "CT.1 82%")
    (row,) = await rows(talk)
    async with talk.database.write() as connection:
        kept = await personal_data.collect_personal_data(connection, row.person_id)
        await personal_data.erase_person(connection, row.person_id, now=NOW)
    assert kept is not None
    assert kept["target_values"] == 1
    seen = await only(talk, "steers", "/chitieu 10")
    assert "→ Sở Tài chính: 82%" in seen.plain


# ------------------------------------------------------------------ /chitieu


async def test_chitieu_shows_value_against_goal_with_a_bar_and_those_without_a_figure_after(
    talk: Talk,
) -> None:
    await talk.say("steers", "CT.1 năm 2025 đạt 84%")
    await talk.say("steers", "CT.3 5 làng")
    shown = await only(talk, "steers", "/chitieu 10")
    for text in (shown.plain, shown.html):
        assert "2025 trên 80%\n▓▓▓▓▓▓▓▓▓▓ 84%: đạt" in text
        assert "2030 100%\n▓▓▓▓▓▓▓▓░░ 84% (năm 2025): chưa đạt" in text
        assert "2030 7 làng trở lên\n▓▓▓▓▓▓▓░░░ 5 làng (năm 2026): chưa đạt" in text
        assert "2025 20% trở lên: chưa có số liệu" in text
        assert text.index("Tỷ trọng kinh tế số trong từng ngành") < text.index("Không có con số")
        assert text.index("Không có con số") < text.index("Đẩy mạnh phát triển kinh tế số")


async def test_chitieu_without_words_offers_the_plans_that_have_targets(
    database: Database, registry: Registry
) -> None:
    talk = await Talk(database, registry, NOW).begin(
        Seat("boss", "gia-lai", "ubnd-tinh", "leader"),
        Seat("lang", "lang-son", "so-khcn", "coordinator"),
    )
    asked = await only(talk, "boss", "/chitieu")
    assert asked.labels() == ["Kế hoạch 1331/KH-UBND", "Kế hoạch 1901/KH-UBND"]
    (shown,) = await talk.press(asked, "Kế hoạch 1331/KH-UBND")
    assert "CT.4, CT.10" in shown.html
    assert (await only(talk, "boss", "chỉ tiêu")).html == asked.html  # the command's name alone
    assert "không có chỉ tiêu" in (await only(talk, "lang", "/chitieu 131")).plain
    assert "Chưa có kế hoạch nào có chỉ tiêu" in (await only(talk, "lang", "/targets")).plain


@pytest.mark.parametrize("longest", [4096, 2000])
async def test_chitieu_comes_in_pages_that_fit_and_miss_nothing(
    database: Database, registry: Registry, longest: int
) -> None:
    talk = await Talk(database, registry, NOW, longest=longest).begin(
        Seat("khcn", "gia-lai", "so-khcn", "coordinator")
    )
    await everything_said(talk, "1331/KH-UBND")
    page = await only(talk, "khcn", "/chitieu 1331")
    pages = [page]
    while "Trang sau ▶" in pages[-1].labels():
        pages += await talk.press(pages[-1], "Trang sau ▶")
    assert len(pages) == page.answer.context["pages"]
    named = [
        code for each in pages for one in each.answer.context["lines"] for code in one["codes"]
    ]  # type: ignore[attr-defined]
    assert sorted(named) == sorted(
        each.code for each in registry.plans["gia-lai-1331-2022"].targets
    )
    for each in pages:
        text = each.html if longest > 4000 else each.plain
        assert len(text.encode("utf-16-le")) // 2 <= longest
        assert not text.endswith("…")
    again = await only(talk, "khcn", "/chitieu 1331 trang 2")
    assert again.plain == pages[1].plain
    if longest < 4000:
        assert "Xem tiếp: /chitieu 1331 trang 2" in page.plain


# ------------------------------------------------------------------ the command line


async def test_facts_are_the_documents_targets_in_order_as_plain_decimals(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=NOW)
    async with database.read() as connection:
        for code, plan in registry.plans.items():
            row = (await connection.execute(select(Plan).where(Plan.code == code))).one()
            facts = await load_target_facts(connection, plan, row.id, row.coordinator_id)
            assert [each.code for each in facts] == [each.code for each in plan.targets]
            assert {each.value for each in facts} <= {None}
            goals = {each.code: each.goal for each in facts}
            if code == "dong-thap-93-2020":
                assert (goals["CT.10"], goals["CT.13"], goals["CT.3"]) == ("15 - 20", "7.5", None)


def test_targets_command_prints_the_table_and_json(loaded: Terminal) -> None:
    loaded.sql(
        "INSERT INTO target_value (plan_id, code, year, value, agency_id, words, said_at)"
        " SELECT plan.id, 'CT.4', 2025, '82.5', agency.id, 'CT.4 82,5', '2026-01-05 00:00:00'"
        " FROM plan JOIN agency ON agency.province = plan.province"
        " WHERE plan.number = '1331/KH-UBND' AND agency.code = 'so-cong-thuong'"
    )
    found = {each["code"]: each for each in loaded.json("targets", "1331")}
    assert len(found) == 34
    assert found["CT.4"] == {
        "code": "CT.4",
        "text": "Tỷ lệ doanh nghiệp sử dụng hợp đồng điện tử đạt trên 80%",
        "year": 2025,
        "comparator": ">",
        "goal": "80",
        "unit": "%",
        "value": "82.5",
        "value_year": 2025,
        "source": "Sở Công Thương",
        "met": True,
    }
    assert found["CT.10"]["met"] is False
    code, out, err = loaded.type("targets", "1331")
    assert (code, err) == (0, "")
    (line,) = [line for line in out.splitlines() if line.startswith("CT.4 ")]
    assert line.split("  ")[0] == "CT.4"
    for words in ("trên 80%", "82,5%", "2025", "đạt", "Sở Công Thương"):
        assert words in line
    assert "không có chỉ tiêu" in loaded.type("targets", "131")[1]
    assert "Không có kế hoạch «9999»" in loaded.refused("targets", "9999")


def test_targets_command_without_a_database_says_what_to_do(terminal: Terminal) -> None:
    assert "nhacviec plan load" in terminal.refused("targets", "1331")
