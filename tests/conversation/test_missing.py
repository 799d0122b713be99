"""Who has not reported, and why: /chuanop, /lydo, /quahan and /sapden by report and task, and free questions."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import event, func, insert, select, update

from data.db.database import Database
from data.figures.reports import load_duty_figures
from data.models import Agency, Download, Explanation, Message, Obligation, Plan, StatusReply
from data.registry.registry import Registry
from tests.support.conversations import WITH_BUTTONS, WITHOUT, Reply, Seat, Talk, small_texts

LOADED = datetime(2026, 10, 5, 1, 0, tzinfo=UTC)
LATE = datetime(
    2026, 11, 30, 2, 0, tzinfo=UTC
)  # nine working days after Monday 16/11, but for 24/11
COMMUNES = 120
NAMED = ("Ia Krái", "Ia O", "Chư Prông")


@cache
def registry_of(communes: int = COMMUNES) -> Registry:
    """Return Đông with communes that report with the departments, and Tây without."""
    texts = small_texts()
    names = [*NAMED, *(f"Đại Phước {number}" for number in range(1, communes))][:communes]
    lines = "".join(
        f'  - {{code: xa-{place}, name: "UBND xã {name}", kind: commune}}\n'
        for place, name in enumerate(names)
    )
    group = (
        '  - code: xa\n    name: các xã\n    spellings: ["các xã"]\n'
        "    members: [{kinds: [commune]}]\n"
    )
    province = texts["agencies/dong.yaml"].replace("groups:\n", f"{lines}groups:\n{group}")
    plan = texts["plans/dong-10.yaml"].replace('from: ["các sở"]', 'from: ["các sở", "các xã"]')
    return Registry.from_texts(
        {**texts, "agencies/dong.yaml": province, "plans/dong-10.yaml": plan}
    )


@pytest.fixture
async def talk(database: Database) -> Talk:
    talk = await Talk(database, registry_of(), LOADED).begin(
        Seat("stc", "dong", "stc"),
        Seat("xa", "dong", "xa-0"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader", may_decide=True),
        Seat("tay", "tay", "skhcn", "coordinator"),
    )
    talk.now = LATE
    talk.capabilities = {talk.account_id: WITH_BUTTONS}
    return talk


def on_zalo(talk: Talk) -> None:
    talk.longest = 2000
    talk.capabilities = {talk.account_id: WITHOUT}


async def ask(talk: Talk, chat: str, text: str) -> Reply:
    (answer,) = await talk.say(chat, text)
    return answer


async def report(talk: Talk, *codes: str, state: str = "submitted") -> None:
    async with talk.database.write() as connection:
        owners = select(Agency.id).where(Agency.province == "dong", Agency.code.in_(codes))
        await connection.execute(
            update(Obligation)
            .where(Obligation.code == "BC.1", Obligation.period == "2026")
            .where(Obligation.agency_id.in_(owners))
            .values(state=state, done_on=date(2026, 11, 12), submitted_at=LATE)
        )


def context(reply: Reply) -> Any:
    return reply.answer.context


# ------------------------------------------------------------------ /chuanop


async def test_the_missing_are_counted_by_kind_and_agree_with_the_figures(talk: Talk) -> None:
    await report(talk, "sxd", "xa-1", "xa-2")
    answer = await ask(talk, "coordinator", "/chuanop 10 BC.1")
    told = context(answer)
    counts = {line["group"]: (line["missing"], line["expected"]) for line in told["groups"]}
    assert counts == {"departments": (1, 2), "communes": (118, 120)}
    assert (told["missing"], told["expected"], told["late"]) == (119, 122, 9)
    assert "<b>119/122</b> cơ quan chưa báo cáo, quá hạn 09 ngày làm việc" in answer.html
    assert "Sở, ban, ngành: 01/02 · Xã, phường, đặc khu: 118/120" in answer.html
    assert "xã Ia Krái, xã Đại Phước 1, xã Đại Phước 2" in answer.html
    async with talk.database.read() as connection:
        plan_id = await connection.scalar(select(Plan.id).where(Plan.number == "10/KH-UBND"))
        figures = await load_duty_figures(
            connection, [plan_id or 0], today=LATE.date(), workdays=talk.registry.workdays
        )
    (late,) = (each for each in figures if each.is_late)
    assert (late.missing_count, late.expected) == (told["missing"], told["expected"])
    overdue = context(await ask(talk, "leader", "/quahan"))
    (line,) = (line for line in overdue["lines"] if line["section"] == "reports")
    assert (line["missing"], line["expected"], overdue["total"]) == (119, 122, 119)


async def test_what_a_message_cannot_hold_stands_in_the_file(talk: Talk) -> None:
    on_zalo(talk)
    answer = await ask(talk, "coordinator", "/chuanop 10 BC.1")
    assert len(answer.plain) <= 2000
    (communes,) = (line for line in context(answer)["groups"] if line["group"] == "communes")
    assert communes["more"] > 0
    assert len(communes["names"]) + communes["more"] == 120
    assert f"và {communes['more']:02} xã, phường, đặc khu: tệp đầy đủ" in answer.plain
    place = answer.labels().index("Tệp đầy đủ") + 1
    file = await ask(talk, "coordinator", str(place))  # by its number
    assert file.template == "chuanop_file"
    async with talk.database.read() as connection:
        content = await connection.scalar(select(Download.content))
    assert content is not None
    rows = list(load_workbook(io.BytesIO(content)).active.values)
    names = {row[1] for row in rows}
    assert {"UBND xã Ia Krái", "Sở Tài chính", "UBND xã Đại Phước 117"} <= names
    assert len([row for row in rows if isinstance(row[0], int)]) == 122


async def test_without_an_argument_the_running_reports_are_listed_and_a_number_opens_one(
    talk: Talk,
) -> None:
    for types in (False, True):
        if types:
            on_zalo(talk)
        menu = await ask(talk, "coordinator", "/chuanop")
        assert menu.template == "chuanop_reports"
        assert "Báo cáo năm 2026 thực hiện KH 10 [BC.1]" in menu.html
        assert menu.labels() == ["1"]
        if types:
            opened = await ask(talk, "coordinator", "1")
        else:
            (opened,) = await talk.press(menu, "1")
        typed = await ask(talk, "coordinator", "/chuanop 10 BC.1 2026")
        assert opened.template == typed.template == "chuanop"
        assert opened.html == typed.html


async def test_a_later_list_takes_the_numbers_of_a_menu_over(talk: Talk) -> None:
    on_zalo(talk)
    await ask(talk, "coordinator", "/chuanop")
    agency = await ask(talk, "coordinator", "/chuanop stc")
    assert agency.template == "chuanop_agency"
    assert (await ask(talk, "coordinator", "1")).template == "item"
    assert (await ask(talk, "coordinator", "tệp đầy đủ")).template != "chuanop_file"


async def test_the_button_names_how_many_would_be_reminded_and_leads_to_their_preview(
    talk: Talk,
) -> None:
    answer = await ask(talk, "coordinator", "/chuanop 10 BC.1")
    assert "Nhắc 02 nơi" in answer.labels()  # of 122, two have a chat
    (preview,) = await talk.press(answer, "Nhắc 02 nơi")
    assert preview.template == "preview"
    assert context(preview)["preview"]["count"] == 2
    done = await talk.press(preview, "Gửi")
    assert context(done[0])["sent_count"] == 2
    again = await ask(talk, "coordinator", "/chuanop 10 BC.1")
    assert not [label for label in again.labels() if label.startswith("Nhắc")]  # told today
    leader = await ask(talk, "leader", "/chuanop 10 BC.1")
    assert not [label for label in leader.labels() if label.startswith("Nhắc")]
    assert "Đề nghị giải trình" in leader.labels()
    assert leader.action("Đề nghị giải trình") == "go:giaitrinh:10 BC.1 2026"


async def test_a_kind_of_agencies_limits_the_list(talk: Talk) -> None:
    for words in ("10 BC.1 xã", "BC.1 các xã", "xã", "10 xã", "các xã, phường"):
        answer = await ask(talk, "coordinator", f"/chuanop {words}")
        assert answer.template == "chuanop", (words, answer.plain)
        assert [line["group"] for line in context(answer)["groups"]] == ["communes"], words
        assert "Sở Tài chính" not in answer.html
    departments = await ask(talk, "coordinator", "/chuanop sở")
    assert "Sở Tài chính, Sở Xây dựng" in departments.html


async def test_a_report_that_all_sent_says_so(talk: Talk) -> None:
    await report(talk, "stc", "sxd", *(f"xa-{number}" for number in range(COMMUNES)))
    assert (await ask(talk, "coordinator", "/chuanop")).template == "chuanop_reports"
    answer = await ask(talk, "coordinator", "/chuanop 10 BC.1 2026")
    assert "Cả 122 cơ quan đã báo cáo" in answer.html
    assert answer.labels() == []


async def test_one_agency_shows_which_reports_it_sent(talk: Talk) -> None:
    missing = await ask(talk, "coordinator", "/chuanop sở tài chính")
    assert "<b>01/01</b> báo cáo chưa nộp" in missing.html
    assert "quá hạn 09 ngày làm việc (hạn 14/11/2026)" in missing.html
    await report(talk, "stc")
    sent = await ask(talk, "leader", "sở tài chính nộp chưa")
    assert sent.template == "chuanop_agency"
    assert "đã nộp đủ 01 báo cáo đến hạn" in sent.html
    assert "đã báo cáo, chờ xác nhận" in sent.html


async def test_statements_do_not_grow_with_the_agencies(database: Database) -> None:
    counted: list[int] = []
    for communes in (5, 120):
        talk = Talk(database, registry_of(communes), LOADED)
        if not counted:
            await talk.begin(Seat("coordinator", "dong", "skhcn", "coordinator"))
        else:
            await _load_more(talk, database)
        talk.now = LATE
        statements: list[str] = []

        def note(*given: Any, into: list[str] = statements) -> None:
            into.append(given[2])

        engine = database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        for text in ("/chuanop 10 BC.1", "/quahan", "/sapden 60", "/lydo 10 BC.1"):
            await talk.say("coordinator", text)
        event.remove(engine, "before_cursor_execute", note)
        counted.append(len(statements))
    few, many = counted
    assert many == few


async def _load_more(talk: Talk, database: Database) -> None:
    from data.loading.load import sync_registry
    from jobs.planning.materialise import materialise

    async with database.write() as connection:
        day = LOADED.date()
        await sync_registry(connection, talk.registry, now=LOADED, today=day, tracked_from=day)
        await materialise(connection, talk.registry, today=day)
        talk.account_id = int(await connection.scalar(select(func.max(Message.account_id))) or 0)
    talk._events = iter(range(1000, 2000))


@pytest.mark.slow
@pytest.mark.parametrize("types", [False, True])
async def test_a_coordinator_of_gia_lai_goes_from_the_question_to_the_names_and_the_reminder(
    database: Database, registry: Registry, types: bool
) -> None:
    talk = await Talk(database, registry, LOADED).begin(
        Seat("coordinator", "gia-lai", "so-khcn", "coordinator"),
        Seat("leader", "gia-lai", "ubnd-tinh", "leader", may_decide=True),
        Seat("stc", "gia-lai", "so-tai-chinh"),
        Seat("xa", "gia-lai", "xa-ia-krai"),
    )
    talk.now = LATE
    if types:
        on_zalo(talk)
    else:
        talk.capabilities = {talk.account_id: WITH_BUTTONS}
    reported = ("so-y-te", "phuong-pleiku", "xa-gao")
    async with talk.database.write() as connection:
        owners = select(Agency.id).where(Agency.province == "gia-lai", Agency.code.in_(reported))
        plan = select(Plan.id).where(Plan.number == "1901/KH-UBND").scalar_subquery()
        await connection.execute(
            update(Obligation)
            .where(Obligation.plan_id == plan, Obligation.code == "BC.1")
            .where(Obligation.period == "2026", Obligation.agency_id.in_(owners))
            .values(state="submitted", done_on=date(2026, 11, 12), submitted_at=LATE)
        )
    line = "Báo cáo năm 2026 thực hiện KH 1901 [BC.1]: 88/91 cơ quan chưa báo cáo, quá hạn 09 ngày"
    for text in ("ai chưa báo cáo?", "/quahan", "ai đang chậm"):
        answer = await ask(talk, "leader", text)
        assert f"1. {line}" in answer.plain
        assert len(answer.plain) <= (2000 if types else 4096)
    menu = await ask(talk, "coordinator", "ai chua nop")
    names = await ask(talk, "coordinator", "1") if types else (await talk.press(menu, "1"))[0]
    assert "Sở, ban, ngành: 13/14 · Xã, phường, đặc khu: 75/77" in names.plain
    assert "xã Ia Krái" in names.plain
    assert "tệp đầy đủ:" not in names.plain  # all names stand there
    label = "Nhắc 02 nơi"
    reminded = (
        await talk.say("coordinator", label.lower()) if types else await talk.press(names, label)
    )
    assert context(reminded[0])["preview"]["names"] == ["Sở Tài chính", "UBND xã Ia Krái"]


# ------------------------------------------------------------------ /quahan, /sapden


async def test_what_is_overdue_stands_by_report_and_task_with_what_ended_apart(talk: Talk) -> None:
    talk.now = datetime(2027, 1, 8, 2, 0, tzinfo=UTC)
    answer = await ask(talk, "coordinator", "/quahan")
    told = context(answer)
    assert [(line["section"], line["code"]) for line in told["lines"]] == [
        ("reports", "BC.1"),
        ("tasks", "2"),
        ("tasks", "1"),
        ("ended", "8"),
    ]
    assert (told["total"], told["reports"], told["tasks"], told["ended"]) == (125, 1, 2, 1)
    assert "<b>122/122</b> cơ quan chưa báo cáo" in answer.html
    assert "KH 10 [1]: Sở Tài chính, quá hạn" in answer.html
    assert "Đã hết thời gian thực hiện, chưa có báo cáo kết quả" in answer.html
    (names,) = await talk.press(answer, "2")
    assert "<b>02/02</b> cơ quan chưa hoàn thành" in names.html
    assert "Sở Tài chính, Sở Xây dựng" in names.html
    own = await ask(talk, "stc", "/quahan")
    assert (own.template, context(own)["total"]) == ("quahan", 3)


async def test_a_date_that_nobody_confirmed_is_passed_and_not_overdue(talk: Talk) -> None:
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation).where(Obligation.code == "BC.1").values(due_proposed=True)
        )
    for chat in ("coordinator", "leader"):
        answer = await ask(talk, chat, "/quahan")
        assert "cơ quan chưa báo cáo, đã qua ngày dự kiến 09 ngày làm việc" in answer.html
        assert "122 nội dung đã qua ngày dự kiến" in answer.html
    assert "quá hạn 09" not in answer.html


async def test_the_total_is_the_number_of_overdue_obligations(talk: Talk) -> None:
    await report(talk, "stc", "xa-4")
    answer = await ask(talk, "leader", "/quahan")
    async with talk.database.read() as connection:
        late = await connection.scalar(
            select(func.count())
            .select_from(Obligation)
            .join(Plan, Plan.id == Obligation.plan_id)
            .where(
                Plan.province == "dong",
                Obligation.state == "open",
                Obligation.judged_on < date(2026, 11, 30),
            )
        )
    assert context(answer)["total"] == late == 120


async def test_a_long_list_goes_on_in_place_and_by_words(talk: Talk) -> None:
    talk.now = datetime(2027, 1, 8, 2, 0, tzinfo=UTC)
    async with talk.database.write() as connection:
        # Reports of many periods, as a plan of quarterly reports has.
        row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
        values = {key: value for key, value in row._mapping.items() if key != "id"}
        for year in range(2010, 2021):
            await connection.execute(insert(Obligation).values({**values, "period": str(year)}))
    first = await ask(talk, "coordinator", "/quahan")
    assert "(trang 1/2)" in first.html
    label = next(label for label in first.labels() if label.startswith("Xem tiếp"))
    (second,) = await talk.press(first, label)
    assert second.answer.edits == first.remote_id
    assert context(second)["lines"][0]["number"] == 9
    on_zalo(talk)
    short = await ask(talk, "coordinator", "/quahan")
    assert "Xem tiếp: /quahan trang 2" in short.plain
    assert len(short.plain) <= 2000
    following = await ask(talk, "coordinator", "xem tiếp")
    assert context(following)["page"] == 2
    assert context(await ask(talk, "coordinator", "xem tiếp"))["page"] == 3
    beyond = await ask(talk, "coordinator", "xem tiếp")
    assert "Danh sách vừa hiển thị đã hết" in beyond.plain


async def test_due_soon_stands_by_report_too(talk: Talk) -> None:
    talk.now = datetime(2026, 11, 9, 2, 0, tzinfo=UTC)
    answer = await ask(talk, "coordinator", "/sapden")
    assert "122 nội dung đến hạn trong 10 ngày làm việc tới" in answer.html
    assert "<b>122/122</b> cơ quan chưa báo cáo, còn 04 ngày làm việc" in answer.html
    assert (await ask(talk, "coordinator", "/sapden 3")).answer.context["total"] == 0


# ------------------------------------------------------------------ what arguments mean


@pytest.mark.parametrize("command", ["quahan", "sapden", "chuanop"])
async def test_every_query_finds_what_status_finds(talk: Talk, command: str) -> None:
    for words in (
        "BC.1",
        "bc1",
        "10 BC.1",
        "BC.1 10",
        "báo cáo BC.1",
        "10 BC.1 2026",
        "10 BC.1 năm nay",
    ):
        status = await ask(talk, "coordinator", f"/status {words}")
        found = await ask(talk, "coordinator", f"/{command} {words}")
        assert (context(status)["code"], context(found)["code"]) == ("BC.1", "BC.1"), words
        assert "Báo cáo năm 2026" in found.html
    for words in ("sở tài chính", "so tai chinh", "STC", "10 sở tài chính"):
        found = await ask(talk, "coordinator", f"/{command} {words}")
        assert "Sở Tài chính" in found.html, words


async def test_history_is_found_by_plan_code_period_and_agency(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    await talk.say("stc", "BC.1 đang làm 40%")
    for words in ("10", "BC.1", "10 BC.1 2026", "10 sở tài chính", "stc", "sở"):
        assert context(await ask(talk, "coordinator", f"/lichsu {words}"))["total"] == 1, words
    for words in ("9", "10 BC.1 2027", "10 xã", "sxd"):
        assert context(await ask(talk, "coordinator", f"/lichsu {words}"))["total"] == 0, words


async def test_status_of_a_report_is_of_one_period(talk: Talk) -> None:
    async with talk.database.write() as connection:
        row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
        values = {key: value for key, value in row._mapping.items() if key != "id"}
        past = {"due_on": date(2025, 11, 14), "judged_on": date(2025, 11, 14)}
        await connection.execute(
            insert(Obligation).values({**values, **past, "period": "2025", "state": "confirmed"})
        )
    running = await ask(talk, "coordinator", "/status 10 BC.1")
    assert "Báo cáo năm 2026" in running.html
    assert "2025" not in running.html
    assert "2027" not in running.html
    past_one = await ask(talk, "coordinator", "/status 10 BC.1 2025")
    assert "Báo cáo năm 2025" in past_one.html
    assert "đã nhận <b>1/1</b>" in past_one.html
    none = await ask(talk, "coordinator", "/status 10 BC.1 2031")
    assert "không có kỳ năm 2031" in none.html


async def test_after_all_reported_the_latest_period_is_meant_until_the_next_comes_near(
    talk: Talk,
) -> None:
    await report(talk, "stc", "sxd", *(f"xa-{number}" for number in range(COMMUNES)))
    assert "Báo cáo năm 2026" in (await ask(talk, "coordinator", "/status 10 BC.1")).html


async def test_an_unknown_argument_says_what_was_looked_for_and_offers_what_exists(
    talk: Talk,
) -> None:
    for command in ("chuanop", "quahan", "sapden", "lydo", "nhac"):
        answer = await ask(talk, "coordinator", f"/{command} qwertz")
        assert answer.template == "nothing_found"
        assert "“qwertz” trong các kế hoạch, nhiệm vụ, báo cáo, cơ quan" in answer.html
        assert "Kế hoạch 10/KH-UBND" in answer.labels()
        (offered,) = await talk.press(answer, "Kế hoạch 10/KH-UBND")
        assert offered.template != "nothing_found"


async def test_a_word_for_a_kind_is_never_one_commune(talk: Talk) -> None:
    for word in ("xã", "phường", "sở", "các xã"):
        for command in ("chuanop", "quahan", "sapden", "lydo", "status"):
            answer = await ask(talk, "coordinator", f"/{command} {word}")
            assert answer.template not in ("chuanop_agency", "choose", "found"), (command, word)


@pytest.mark.parametrize("text", ["/status kh", "status ke hoach", "Status Kế hoạch"])
async def test_every_plan_is_asked_for_in_short_and_without_a_slash(talk: Talk, text: str) -> None:
    for chat in ("coordinator", "leader"):
        assert (await ask(talk, chat, text)).template == "status_plans"
    (answer,) = await talk.say("coordinator", "chuanop 10 BC.1")
    assert answer.template == "chuanop"


# ------------------------------------------------------------------ why


async def test_reasons_are_grouped_with_their_agencies_and_the_silent_are_counted(
    talk: Talk,
) -> None:
    await talk.say("stc", "/viec")
    await talk.say("stc", "BC.1 đang vướng kinh phí chưa được bố trí")
    await talk.say("xa", "/viec")
    await talk.say("xa", "BC.1 vướng mắc do chưa có hướng dẫn của tỉnh")
    answer = await ask(talk, "coordinator", "vì sao chậm")
    assert answer.template == "lydo"
    assert "02/122 nội dung đã nêu lý do; 120 nội dung chưa nêu." in answer.html
    assert "<b>Kinh phí (01)</b>" in answer.html
    assert "• Sở Tài chính: đang vướng kinh phí chưa được bố trí" in answer.html
    assert "<b>Chờ hướng dẫn, văn bản (01)</b>" in answer.html
    one = await ask(talk, "leader", "vì sao sở tài chính chậm")
    assert "01/01 nội dung đã nêu lý do" in one.html
    report_ = await ask(talk, "leader", "/lydo 10 BC.1 xã")
    assert "01/120 cơ quan đã nêu lý do; 119 cơ quan chưa nêu." in report_.html
    listed = await ask(talk, "coordinator", "/chuanop 10 BC.1")
    assert "Trong đó 02 cơ quan có khó khăn, vướng mắc." in listed.html


async def test_words_taken_back_are_no_reason_and_an_explanation_goes_first(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    await talk.say("stc", "BC.1 đang vướng kinh phí")
    await talk.say("stc", "huỷ")
    assert context(await ask(talk, "coordinator", "/lydo"))["given"] == 0
    await talk.say("stc", "BC.1 đang vướng kinh phí")
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    async with talk.database.write() as connection:
        await connection.execute(
            insert(Explanation).values(
                obligation_id=row.id,
                agency_id=row.agency_id,
                question="",
                state="answered",
                asked_at=LATE,
                asked_by="Sở KH&CN",
                answered_at=LATE,
                answer="Cán bộ phụ trách nghỉ ốm dài ngày",
            )
        )
    (line,) = context(await ask(talk, "coordinator", "/lydo"))["lines"]
    assert (line["theme"], line["text"]) == ("nhân lực", "Cán bộ phụ trách nghỉ ốm dài ngày")


async def test_reasons_stand_whole_and_each_agency_once_under_a_theme(talk: Talk) -> None:
    talk.now = datetime(2027, 1, 8, 2, 0, tzinfo=UTC)  # BC.1 and tasks are late
    long = (
        "kinh phí chưa được bố trí do "
        + "hồ sơ dự toán đang được thẩm định lại " * 12
        + "theo quy định"
    )
    await talk.say("stc", "/viec")
    await talk.say("stc", f"1 đang vướng {long}")
    await talk.say("stc", "/viec")
    await talk.say("stc", "2 đang vướng kinh phí đường truyền")
    answer = await ask(talk, "coordinator", "/lydo stc")
    assert answer.plain.count("• Sở Tài chính: ") == 1
    assert long in " ".join(answer.plain.split())
    assert "kinh phí đường truyền" in answer.plain


# ------------------------------------------------------------------ free words


async def test_a_question_in_reply_is_about_what_the_message_shows(talk: Talk) -> None:
    talk.now = datetime(2027, 1, 8, 2, 0, tzinfo=UTC)  # BC.1 and tasks are late
    every = await ask(talk, "coordinator", "vì sao chậm")
    await talk.say("coordinator", "/chuanop stc")
    (item,) = await talk.say("coordinator", "1")
    names = await ask(talk, "coordinator", "/chuanop 10 BC.1 2026")
    for reply in (item, names):
        (told,) = await talk.say("coordinator", "vì sao chậm", reply_to=reply.remote_id)
        assert told.template == "lydo"
        assert context(told)["label"] == "Báo cáo năm 2026 [BC.1], KH 10/KH-UBND"
        assert context(told)["total"] < context(every)["total"]
    assert names.action("Đề nghị giải trình") == "go:giaitrinh:10 BC.1 2026"
    (alone,) = await talk.say("coordinator", "sao chậm thế", reply_to="unknown")
    assert context(alone)["label"] == ""


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("ai chưa báo cáo?", "chuanop_reports"),
        ("ai chua nop bc vay em", "chuanop_reports"),
        ("xã nào chưa nộp", "chuanop"),
        ("xa ia krai nop chua", "chuanop_agency"),
        ("sở tài chính đã nộp chưa ạ", "chuanop_agency"),
        ("xã chưa nộp?", "chuanop"),
        ("các sở chưa nộp báo cáo", "chuanop"),
        ("vì sao chậm", "lydo"),
        ("sao cham the", "lydo"),
        ("ai đang chậm", "quahan_groups"),
        ("đã có bao nhiêu nơi báo cáo rồi", "chuanop_reports"),
        ("kế hoạch 10 đến đâu rồi", "status_plans"),
        ("BC.1 ai chưa nộp", "chuanop"),
        ("ai chưa nộp báo cáo năm 2026 của kế hoạch 10", "chuanop"),
    ],
)
async def test_free_questions_of_those_who_follow_plans_are_queries(
    talk: Talk, text: str, template: str
) -> None:
    before = await _told(talk)
    for chat in ("coordinator", "leader"):
        assert (await ask(talk, chat, text)).template == template
    assert await _told(talk) == before


async def _told(talk: Talk) -> tuple[Sequence[Any], int | None]:
    """Return the states of all obligations and how many answers were recorded."""
    async with talk.database.read() as connection:
        rows = await connection.execute(select(Obligation.id, Obligation.state))
        count = await connection.scalar(select(func.count()).select_from(StatusReply))
        return rows.all(), count


async def test_the_same_words_of_a_focal_point_are_no_query(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    for text in ("ai chưa báo cáo?", "sở xây dựng nộp chưa", "vì sao chậm"):
        for answer in await talk.say("stc", text):
            assert answer.template not in ("chuanop", "chuanop_reports", "chuanop_agency", "lydo")


async def test_words_that_answer_an_open_question_stay_its_answer(talk: Talk) -> None:
    await report(talk, "stc")
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    asked = await talk.tap("coordinator", f"return:{row.id}")
    assert asked[0].template == "ask_decision"
    answers = await talk.say("coordinator", "vì sao chậm")
    assert "lydo" not in {answer.template for answer in answers}


async def test_nothing_of_another_province_is_shown(talk: Talk) -> None:
    talk.now = LATE + timedelta(days=30)
    for text in (
        "/chuanop", "/chuanop 10", "/chuanop 10 BC.1", "/quahan 10", "/quahan", "/lydo 10", "/lydo",
        "ai chưa nộp", "kế hoạch 10 đến đâu rồi", "xã ia krái nộp chưa", "/chuanop xã",
    ):  # fmt: skip
        for answer in await talk.say("tay", text):
            shown = answer.html.replace(text.split(" ", 1)[-1], "")
            assert "10/KH-UBND" not in shown, text
            assert "Ia Krái" not in shown, text


@pytest.mark.parametrize(
    ("words", "template"),
    [
        ("nhắc các xã chưa nộp", "urged"),
        ("nhắc tất cả", "usage"),
        ("yêu cầu giải trình các sở", "preview"),
        ("xuất báo cáo 10", "report_started"),
        ("còn gì chờ duyệt không", "to_confirm"),
        ("có câu hỏi nào không", "open_questions"),
        ("tuần này có gì đến hạn", "sapden_groups"),
        ("Sở Tài chính", "standing_agency"),
        ("tiến độ kế hoạch 10", "status_plans"),
        ("sở nào đó chưa rõ", "ask"),
        ("nhắc chị Hoa", "ask"),
        ("giao phòng 5 cho anh Nam", "ask"),
    ],
)
async def test_free_words_that_order_something_known_are_commands(
    talk: Talk, words: str, template: str
) -> None:
    talk.now = LATE
    first, *_ = await talk.say("coordinator", words)
    assert first.template == template


async def test_an_order_that_a_leader_may_not_give_is_refused_as_its_command(talk: Talk) -> None:
    refused = await ask(talk, "leader", "nhắc các xã")
    assert refused.template == "not_allowed"


async def test_a_question_about_what_others_answer_is_not_told_as_a_lost_task(talk: Talk) -> None:
    talk.now = LATE
    await ask(talk, "coordinator", "/status sở tài chính")
    told = await ask(talk, "coordinator", "hôm nay có gì mới?")
    assert told.template != "unknown_item"
