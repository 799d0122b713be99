"""Queries in chat: /status with words, /quahan, /sapden, /nhiemvu, /tim, /lichsu."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.conversation.commands import COMMANDS
from bot.conversation.context.access import Subject, load_caller, may
from bot.conversation.context.buttons import page_buttons
from bot.conversation.context.pages import split_into_pages
from bot.conversation.context.scope import load_scope
from bot.conversation.context.turn import Turn
from data.db.database import Database
from data.models import Agency, Assignment, Chat, Obligation, Plan, Task
from data.obligations.search import search_words
from data.registry.province import Province
from data.registry.registry import Registry
from jobs.channel import Incoming
from tests.support.conversations import PROVINCE, TEMPLATES, Reply, Seat, Talk, small_registry
from tests.support.loaded_province import load_world

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # a Monday; reports are due Saturday 14/11


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("stc", "dong", "stc"),
        Seat("sxd", "dong", "sxd"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader"),
    )


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    assert isinstance(answer, Reply)
    return answer


async def ask(talk: Talk, chat: str, text: str) -> Reply:
    return await only(talk.say(chat, text))


# ------------------------------------------------------------------ which agency is meant


@pytest.mark.parametrize(
    "words",
    [
        "sở kh&cn",
        "so khcn",
        "SKHCN",
        "skhcn",
        "Sở Khoa học và Công nghệ",
        "so khoa hoc",
        "KHOA HỌC",
    ],
)
def test_agency_is_found_in_any_spelling(words: str) -> None:
    home = small_registry().provinces["dong"]
    assert [entry.code for entry in home.find(words, on=date(2026, 11, 9))] == ["skhcn"]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("sgddt", "Sở Giáo dục và Đào tạo"),
        ("sở gd&đt", "Sở Giáo dục và Đào tạo"),
        ("SVHTTDL", "Sở Văn hóa, Thể thao và Du lịch"),
        ("so nnmt", "Sở Nông nghiệp và Môi trường"),
        ("xã ia dom", "UBND xã Ia Dom"),
    ],
)
def test_initials_name_an_agency_of_the_real_registry(
    registry: Registry, words: str, name: str
) -> None:
    found = registry.provinces["gia-lai"].find(words, on=date(2026, 11, 9))
    assert [entry.name for entry in found] == [name]


def test_initials_of_two_agencies_name_neither_alone() -> None:
    more = PROVINCE.replace(
        "groups:", '  - {{code: stc2, name: "Sở Thanh Chương", kind: department}}\ngroups:'
    )
    home: Province = Registry.from_texts(
        {"agencies/dong.yaml": more.format(slug="dong", name="Đông")}
    ).provinces["dong"]
    # the code is exact; the initials are shared
    assert [entry.code for entry in home.find("so tc")] == ["stc", "stc2"]


# ------------------------------------------------------------------ /status with words


@pytest.mark.parametrize("command", ["/status", "/tinhhinh"])
@pytest.mark.parametrize(
    ("words", "template", "told"),
    [
        ("10", "status_plans", "Kế hoạch 10/KH-UBND"),
        ("kế hoạch 10", "status_plans", "Kế hoạch 10/KH-UBND"),
        ("10/KH-UBND", "status_plans", "Kế hoạch 10/KH-UBND"),
        ("SKHCN", "standing_agency", "Sở Khoa học và Công nghệ"),
        ("so tai chinh", "standing_agency", "Sở Tài chính"),
        ("10 2", "standing_part", "Lập cơ sở dữ liệu dùng chung"),
        ("2 10", "standing_part", "Lập cơ sở dữ liệu dùng chung"),
        ("BC.1", "standing_part", "đã nhận"),
        ("bc1", "standing_part", "đã nhận"),
        ("co so du lieu", "found", "Lập cơ sở dữ liệu dùng chung"),
    ],
)
async def test_status_understands_what_is_named(
    talk: Talk, command: str, words: str, template: str, told: str
) -> None:
    answer = await ask(talk, "coordinator", f"{command} {words}")
    assert answer.template == template
    assert told in answer.html
    assert told in answer.plain


async def test_task_is_counted_once_and_done_when_all_its_agencies_are_confirmed(
    talk: Talk,
) -> None:
    before = await ask(talk, "coordinator", "/status 10 2")
    assert "0/2 cơ quan hoàn thành" in before.html
    await confirm(talk, "stc", "2")
    half = await ask(talk, "coordinator", "/status 10 2")
    assert "1/2 cơ quan hoàn thành" in half.html
    assert "Đang thực hiện, trong hạn" in half.html
    assert [part["agency"] for part in half.answer.context["parts"]] == ["Sở Xây dựng"]  # type: ignore[attr-defined]
    await confirm(talk, "sxd", "2")
    done = await ask(talk, "coordinator", "/status 10 2")
    assert "Hoàn thành đúng hạn · 2/2 cơ quan hoàn thành" in done.html


async def confirm(talk: Talk, agency: str, code: str) -> None:
    row = await talk.obligation("10/KH-UBND", agency, code, "end")
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation)
            .where(Obligation.id == row.id)
            .values(state="confirmed", done_on=date(2026, 11, 9))
        )


async def test_late_task_tells_how_many_working_days(talk: Talk) -> None:
    talk.now = datetime(
        2027, 1, 6, 1, 0, tzinfo=UTC
    )  # three working days after 31/12/2026 but for 1/1
    answer = await ask(talk, "coordinator", "/status 10 1")
    task: Any = answer.answer.context["task"]
    assert task["state"] == "open_late"
    assert task["late"] == answer.answer.context["parts"][0]["late"]  # type: ignore[index]
    assert f"quá hạn {task['late']:02} ngày làm việc" in answer.html


async def test_code_shared_by_plans_is_asked_about_and_a_tap_answers(talk: Talk) -> None:
    await share_code(talk)
    answer = await ask(talk, "leader", "/status 2")
    assert answer.template == "choose"
    assert "/status 10 2" in answer.plain
    assert "/status 9 2" in answer.plain
    label = next(label for label in answer.labels() if label.startswith("9 2"))
    chosen = await only(talk.press(answer, label))
    assert (chosen.template, chosen.answer.context["plan_number"]) == ("standing_part", "9/KH-UBND")
    assert chosen.answer.edits is None
    assert (await ask(talk, "leader", "/status 9 2")).html == chosen.html


async def share_code(talk: Talk) -> None:
    async with talk.database.write() as connection:
        plan_id = await connection.scalar(select(Plan.id).where(Plan.number == "9/KH-UBND"))
        await connection.execute(
            insert(Task).values(
                plan_id=plan_id,
                code="2",
                position=9,
                text="Việc khác",
                title="Việc khác",
                period_raw="",
                period_kind="missing",
                folded="2 viec khac",
            )
        )


async def test_focal_point_is_told_of_its_own_part_alone(talk: Talk) -> None:
    answer = await ask(talk, "stc", "/status 2")
    assert [part["agency"] for part in answer.answer.context["parts"]] == ["Sở Tài chính"]  # type: ignore[attr-defined]
    assert answer.answer.context["task"] is None
    assert (await ask(talk, "stc", "/status 10")).template == "status_agency"
    own = await ask(talk, "stc", "/status sở tài chính")
    assert own.template == "standing_agency"
    for words in ("Sở Xây dựng", "SXD", "20"):
        other = await ask(talk, "stc", f"/status {words}")
        nobody = await ask(talk, "stc", "/status qwertz")
        assert other.html.replace(words, "") == nobody.html.replace("qwertz", "")


async def test_agency_page_opens_items_by_number(talk: Talk) -> None:
    answer = await ask(talk, "coordinator", "/status stc")
    assert answer.labels() == ["1", "2", "3", "4"]
    opened = await only(talk.press(answer, "1"))
    assert (opened.template, opened.labels()) == ("item", [])
    assert (await ask(talk, "coordinator", "2")).template == "item"


# ------------------------------------------------------------------ /quahan, /sapden


async def test_overdue_lists_what_each_may_see(talk: Talk) -> None:
    talk.now = NOW + timedelta(days=30)
    for chat in ("coordinator", "leader"):  # by report and task: tests/conversation/test_missing.py
        told: Any = (await ask(talk, chat, "/quahan")).answer.context
        (line,) = (line for line in told["lines"] if line["section"] != "ended")
        assert (line["code"], line["missing"], told["total"]) == ("BC.1", 2, 2)
    for chat in ("stc", "sxd"):  # task 8 ended before its plan was tracked
        items: Any = (await ask(talk, chat, "/quahan")).answer.context["items"]
        assert [(item["code"], item["holder"]) for item in items] == [("BC.1", "")]


async def test_overdue_of_one_plan_or_agency(talk: Talk) -> None:
    talk.now = NOW + timedelta(days=30)
    plan = await ask(talk, "coordinator", "/quahan 9")
    assert plan.answer.context["total"] == 0
    agency = await ask(talk, "coordinator", "/quahan sxd")
    assert (agency.answer.context["total"], agency.answer.context["label"]) == (1, "Sở Xây dựng")
    assert (await ask(talk, "coordinator", "/quahan trời ơi")).template == "nothing_found"


async def test_weekend_after_the_due_date_is_not_late(talk: Talk) -> None:
    talk.now = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # Monday: the last day judged on time
    assert (await ask(talk, "sxd", "/quahan")).answer.context["total"] == 0
    talk.now += timedelta(days=1)
    assert (await ask(talk, "sxd", "/quahan")).answer.context["total"] == 1


@pytest.mark.parametrize(
    ("typed", "days", "total"),
    [
        ("/sapden", 10, 2),
        ("/sapden 3", 3, 0),
        ("/sapden 4", 4, 2),
        ("/sapden 5 ngày sxd", 5, 1),
        ("/due 40", 40, 5),
    ],
)
async def test_due_soon_counts_working_days(talk: Talk, typed: str, days: int, total: int) -> None:
    answer = await ask(talk, "coordinator", typed)
    assert (answer.answer.context["days"], answer.answer.context["total"]) == (days, total)


async def test_lists_have_pages_by_button_and_by_words(talk: Talk) -> None:
    talk.longest = 2000
    async with talk.database.write() as connection:
        row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
        values = {key: value for key, value in row._mapping.items() if key != "id"}
        for number in range(12):
            await connection.execute(insert(Obligation).values({**values, "period": f"x{number}"}))
    first = await ask(talk, "coordinator", "/sapden 10 stc")
    assert (first.answer.context["page"], first.answer.context["pages"]) == (1, 3)
    assert "/sapden 10 stc trang 2" in first.plain
    second = await only(talk.press(first, "Trang sau ▶"))
    assert second.answer.edits == first.remote_id
    assert second.html == (await ask(talk, "coordinator", "/sapden 10 stc trang 2")).html
    seen: list[int] = []
    for page in (1, 2, 3, 99):
        answer = await ask(talk, "coordinator", f"/sapden 10 stc trang {page}")
        seen += [item["id"] for item in answer.answer.context["items"]]  # type: ignore[attr-defined]
    assert len(set(seen)) == 13
    assert seen[-3:] == seen[-6:-3]  # beyond the last page is the last


# ------------------------------------------------------------------ /nhiemvu, /tim, /lichsu


async def test_task_shows_text_leads_agencies_period_and_history(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    await talk.say("stc", "3 đang làm 40%")
    answer = await ask(talk, "coordinator", "/nhiemvu 10 2")
    for words in (
        "Lập cơ sở dữ liệu dùng chung",
        "Sở Tài chính; Sở Xây dựng",
        "2026",
        "08 giờ 00 ngày 09/11/2026 · Sở Tài chính (Chị &lt;Lan&gt;): đang thực hiện 40%",
    ):
        assert words in answer.html
    assert "đang làm 40%" not in (await ask(talk, "sxd", "/nhiemvu 2")).html
    assert "đang thực hiện 40%" in (await ask(talk, "stc", "/nhiemvu 2")).html


async def test_long_text_comes_whole_in_pages(
    talk: Talk, registry: Registry, database: Database
) -> None:
    await load_world(database, registry, now=NOW)
    talk.registry = registry
    await talk.enrol("boss", "gia-lai", "ubnd-tinh", "leader")
    talk.longest = 2000
    longest = max(
        (
            task
            for plan in registry.plans.values()
            if plan.number == "1901/KH-UBND"
            for task in plan.tasks
        ),
        key=lambda task: len(task.text),
    )
    page = await ask(talk, "boss", f"/nhiemvu 1901 {longest.code}")
    pages: Any = page.answer.context["pages"]
    assert pages > 1
    texts = [page]
    while "Trang sau ▶" in texts[-1].labels():
        texts.append(await only(talk.press(texts[-1], "Trang sau ▶")))
    assert len(texts) == pages
    whole = " ".join(
        block["text"]
        for text in texts
        for block in text.answer.context["blocks"]  # type: ignore[attr-defined]
    )
    assert " ".join(longest.text.split()) in " ".join(whole.split())
    for text in texts:
        assert len(text.plain) <= 2000
        assert not text.plain.endswith("…")


def test_text_longer_than_a_page_is_cut_between_words() -> None:
    text = " ".join(f"từ{number}" for number in range(900))
    blocks = [{"kind": "heading", "text": "A"}, {"kind": "text", "text": text}]
    pages = split_into_pages(blocks, 2000)
    assert len(pages) > 2
    joined = " ".join(block["text"] for page in pages for block in page if block["kind"] == "text")
    assert joined == text
    assert all(page[-1]["kind"] != "heading" for page in pages)


def test_button_too_long_for_the_platform_is_left_out() -> None:
    assert page_buttons("tim", 1, 2, "x" * 60) == ()
    longest = " ".join(search_words("chuyển đổi số và ứng dụng công nghệ thông tin trong cơ quan"))
    (row,) = page_buttons("nhiemvu", 1, 2, longest)
    assert len(row[0].action.encode()) <= 64


@pytest.mark.parametrize("typed", ["dữ liệu", "du lieu", "DỮ LIỆU", "lieu du", "dùng chung co so"])
async def test_search_finds_words_with_or_without_marks_in_any_order(
    talk: Talk, typed: str
) -> None:
    answer = await ask(talk, "coordinator", f"/tim {typed}")
    assert [line["words"] for line in answer.answer.context["lines"]] == ["10 2"]  # type: ignore[attr-defined]


async def test_search_finds_report_duties_and_escapes_what_was_typed(talk: Talk) -> None:
    answer = await ask(talk, "leader", "/tim báo cáo 15 tháng 11")
    assert [line["words"] for line in answer.answer.context["lines"]] == ["10 BC.1"]  # type: ignore[attr-defined]
    nothing = await ask(talk, "leader", "/tim <b>%_</b>zz")
    assert "&lt;b&gt;" in nothing.html
    assert nothing.answer.context["lines"] == []
    wild = await ask(talk, "leader", "/tim %")
    assert wild.answer.context["lines"] == []


async def test_focal_point_searches_its_own_tasks(talk: Talk) -> None:
    assert (await ask(talk, "sxd", "/tim ngân sách")).answer.context["tasks"] == 0
    assert (await ask(talk, "stc", "/tim ngân sách")).answer.context["tasks"] == 1


async def test_history_tells_who_said_what_when_and_what_was_taken_back(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    await talk.say("stc", "1 xong")
    await talk.say("stc", "huỷ")
    talk.now += timedelta(hours=1)
    await talk.say("stc", "/viec")
    await talk.say("stc", "1 đang làm 30%")
    for words in ("BC.1", "stc", "10 BC.1"):
        answer = await ask(talk, "coordinator", f"/lichsu {words}")
        lines: Any = answer.answer.context["lines"]
        assert [line["what"] for line in lines] == ["in_progress", "undo", "completed"]
        assert [line["undone"] for line in lines] == [False, False, True]
    assert "báo cáo đã hoàn thành (đã rút lại)" in answer.html
    assert (await ask(talk, "sxd", "/lichsu BC.1")).answer.context["total"] == 0
    assert (await ask(talk, "sxd", "/lichsu stc")).template == "nothing_found"
    assert (await ask(talk, "stc", "/lichsu")).answer.context["total"] == 3
    assert (await ask(talk, "leader", "/lichsu")).template == "usage"


async def test_a_history_shows_a_long_reason_whole_where_it_fits_else_says_where_it_is(
    talk: Talk,
) -> None:
    long = "kinh phí chưa được bố trí do " + "hồ sơ đang được thẩm định lại " * 20 + "theo quy định"
    reason = f"đang vướng {long}"
    await talk.say("stc", "/viec")
    await talk.say("stc", f"1 {reason}")
    whole = await ask(talk, "coordinator", "/lichsu BC.1")
    assert long in whole.html
    assert "Xem toàn văn" not in whole.html
    talk.longest = 1000
    short = await ask(talk, "coordinator", "/lichsu BC.1")
    assert len(short.plain) <= 1000
    assert "Xem toàn văn: gõ /nhiemvu và mã." in short.plain


# ------------------------------------------------------------------ help, and what nobody may see


@pytest.mark.slow
async def test_every_query_shows_nothing_of_another_province(talk: Talk) -> None:
    for chat, role, code in (
        ("t1", "focal", "stc"),
        ("t2", "coordinator", "skhcn"),
        ("t3", "leader", "ubnd"),
    ):
        await talk.enrol(chat, "tay", code, role)  # type: ignore[arg-type]
        for text in (
            "/status 10", "/status 9", "/quahan", "/sapden 60", "/nhiemvu 10 2", "/nhiemvu 8",
            "/tim dữ liệu", "/lichsu stc", "/lichsu 9 8",
        ):  # fmt: skip
            for answer in await talk.say(chat, text):
                shown = answer.html.replace(text.split(" ", 1)[-1], "")
                assert not re.search(r"\b(10|9)/KH-UBND|Bố trí vốn", shown), (chat, text)
    for key in (
        "page:status:1:10",
        "go:nhiemvu:9 8",
        "go:donvi:",
        "page:quahan:x",
        "go:xyz:1",
        "go:",
    ):
        for chat in ("t1", "t2", "t3"):
            for answer in await talk.tap(chat, key):
                assert "Bố trí vốn" not in answer.html


async def test_what_is_counted_is_what_may_be_opened(talk: Talk) -> None:
    """The conditions of SQL agree with access.may, for every caller and every obligation."""
    await talk.enrol("tay", "tay", "skhcn", "coordinator")
    await talk.enrol("own", "dong", "skhcn")
    for address in ("stc", "sxd", "coordinator", "leader", "tay", "own"):
        async with talk.database.read() as connection:
            incoming = Incoming(talk.account_id, "1", address, "private", "text", sender=address)
            chat = (await connection.execute(select(Chat).where(Chat.address == address))).one()
            turn = Turn(
                connection, incoming, chat,
                await load_caller(connection, incoming, chat, today=NOW.date()),
                talk.registry, TEMPLATES, None, NOW, NOW.date(),
            )  # fmt: skip
            scope = await load_scope(turn)
            seen = set(
                (
                    await connection.execute(select(Obligation.id).where(scope.obligations()))
                ).scalars()
            )
            rows = await connection.execute(
                select(Obligation, Plan.province, Plan.coordinator_id, Agency.code.label("owner"))
                .join(Plan, Plan.id == Obligation.plan_id)
                .join(Agency, Agency.id == Obligation.agency_id)
            )
            for row in rows.all():
                holder = turn.holders(row.province).holder(row.owner, row.kind)
                holder_id = await connection.scalar(
                    select(Agency.id).where(Agency.province == row.province, Agency.code == holder)
                )
                subject = Subject(row.province, holder_id, row.coordinator_id, is_reachable=True)
                assert (row.id in seen) is may(turn.caller, "open", subject), (address, row.code)
            tasks = await connection.execute(
                select(Task.id, Task.plan_id, Plan.province)
                .join(Plan, Plan.id == Task.plan_id)
                .where(scope.tasks())
            )
            for task in tasks.all():
                on_it = await connection.execute(
                    select(Assignment.agency_id).where(Assignment.task_id == task.id)
                )
                assert task.plan_id in scope.plans or set(on_it.scalars()) & set(scope.owner_ids)
                assert task.province in {e.province for e in turn.caller.enrolments}


@pytest.mark.slow
async def test_help_names_only_commands_that_work_for_the_role(talk: Talk) -> None:
    for chat in ("stc", "coordinator", "leader"):
        listed: Any = (await ask(talk, chat, "/help")).answer.context["commands"]
        names = {command["name"] for command in listed}
        for name in COMMANDS:
            (first, *_) = await talk.say(chat, f"/{name}")
            assert (first.template == "not_allowed") is (name not in names), (chat, name)


async def test_a_short_message_holds_one_plan_so_that_no_line_of_it_is_lost(talk: Talk) -> None:
    assert (await ask(talk, "coordinator", "/status")).answer.context["pages"] == 1
    talk.longest = 2000
    first = await ask(talk, "coordinator", "/status")
    assert (first.answer.context["pages"], len(first.answer.context["plans"])) == (2, 1)
    assert "/status trang 2" in first.plain
