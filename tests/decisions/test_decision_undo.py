"""A decision is undone within a day unless acted upon: everything is as before, and whoever was told is told again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from data.db.database import Database
from data.models import Decision, Explanation, ExtensionRequest, Obligation
from tests.support.conversations import Post, Reply, Talk
from tests.support.decision_world import NOW, NUMBER, faults_of_record, seated


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await seated(database)


async def owed(talk: Talk, agency: str, code: str, period: str = "2026") -> int:
    return int((await talk.obligation(NUMBER, agency, code, period)).id)


async def newest(talk: Talk, model: Any) -> int:
    async with talk.database.read() as connection:
        return int(await connection.scalar(select(func.max(model.id))) or 0)


async def submit(talk: Talk, agency: str = "sxd") -> int:
    row = await owed(talk, agency, "BC.3")
    await talk.tap(agency, f"done:{row}")
    return row


async def ask_for_time(talk: Talk) -> int:
    row = await owed(talk, "sxd", "BC.3")
    await talk.tap("sxd", f"more:{row}")
    await talk.say("sxd", "đến 20/11 vì chờ số liệu")
    return await newest(talk, ExtensionRequest)


_LEFT_OUT = {"revision", "revised_on", "remind_on", "rung"}


async def standing(talk: Talk) -> list[Any]:
    """Return all that decisions change, of what lives."""
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(Obligation.__table__)
            .where(Obligation.state.in_(("open", "submitted", "confirmed")))
            .order_by(Obligation.id)
        )
        owed_ = [
            {key: value for key, value in row._mapping.items() if key not in _LEFT_OUT}
            for row in rows
        ]
        asked = await connection.execute(
            select(ExtensionRequest.__table__).order_by(ExtensionRequest.id)
        )
        explained = await connection.execute(
            select(Explanation.id).where(Explanation.state != "withdrawn")
        )
        return [owed_, asked.all(), explained.all()]


async def kinds(talk: Talk) -> list[str]:
    async with talk.database.read() as connection:
        return list(await connection.scalars(select(Decision.kind).order_by(Decision.id)))


Steps = Callable[[Talk], Awaitable[list[tuple[str, str]]]]


async def confirming(talk: Talk) -> list[tuple[str, str]]:
    return [("tap", f"confirm:{await submit(talk)}")]


async def returning(talk: Talk) -> list[tuple[str, str]]:
    return [("tap", f"return:{await submit(talk)}"), ("say", "Thiếu phụ lục số liệu")]


async def granting(talk: Talk) -> list[tuple[str, str]]:
    return [("tap", f"grant:{await ask_for_time(talk)}")]


async def refusing(talk: Talk) -> list[tuple[str, str]]:
    return [("tap", f"refuse:{await ask_for_time(talk)}"), ("say", "Phải tổng hợp ngay 15/11")]


async def offering(talk: Talk) -> list[tuple[str, str]]:
    return [("tap", f"offer:{await ask_for_time(talk)}"), ("say", "18/11/2026")]


async def keeping(talk: Talk) -> list[tuple[str, str]]:
    row = await owed(talk, "stc", "1", "end")
    await talk.say("stc", "/viec")
    await talk.say("stc", "10 1 không phải nhiệm vụ của Sở Tài chính")
    return [("tap", f"keep:{row}"), ("say", "Đúng chức năng của Sở Tài chính")]


async def giving(talk: Talk) -> list[tuple[str, str]]:
    (_, action), _ = await keeping(talk)
    return [("tap", action.replace("keep", "giveto")), ("say", "Sở Xây dựng")]


async def assigning(talk: Talk) -> list[tuple[str, str]]:
    return [("say", "/giao 5 Sở Xây dựng")]


async def opening(talk: Talk) -> list[tuple[str, str]]:
    return [("say", "/mo BC.5 15/12/2026 các sở: nhà ở"), ("say", "gửi")]


async def dating(talk: Talk) -> list[tuple[str, str]]:
    return [("say", "/han BC.6 10/12/2026")]


async def explaining(talk: Talk) -> list[tuple[str, str]]:
    talk.now = NOW + timedelta(days=11)
    return [("say", "/giaitrinh BC.3 vì sao chậm"), ("say", "gửi")]


async def confirming_all(talk: Talk) -> list[tuple[str, str]]:
    await submit(talk)
    await submit(talk, "stc")
    return [("say", "/xacnhan tất cả"), ("say", "đồng ý")]


CASES: dict[Steps, tuple[str, set[str]]] = {
    confirming: ("confirm", {"sxd"}),
    returning: ("return", {"sxd"}),
    granting: ("extension_granted", {"sxd"}),
    refusing: ("extension_refused", {"sxd"}),
    offering: ("extension_offered", {"sxd"}),
    keeping: ("keep", {"stc", "stc2"}),
    giving: ("assign", {"sxd", "stc", "stc2"}),
    assigning: ("assign", {"sxd"}),
    opening: ("open_duty", {"sxd", "stc", "stc2"}),
    dating: ("confirm_date", {"sxd"}),
    explaining: ("explain", {"sxd", "stc", "stc2"}),
    confirming_all: ("confirm", {"sxd", "stc", "stc2"}),
}


async def decide(talk: Talk, steps: Steps) -> tuple[list[Any], list[Reply]]:
    """Return what stood before a decision, and its answers."""
    todo = await steps(talk)
    before = await standing(talk)
    answers: list[Reply] = []
    for way, what in todo:
        answers = await (talk.tap if way == "tap" else talk.say)("an", what)
    return before, answers


@pytest.mark.parametrize("by", ["huỷ", "huỷ quyết định", "/huy", "button"])
@pytest.mark.parametrize("steps", CASES, ids=lambda steps: steps.__name__)
async def test_all_is_as_before_and_who_was_told_is_told_again(
    talk: Talk, steps: Steps, by: str
) -> None:
    kind, told = CASES[steps]
    before, answers = await decide(talk, steps)
    assert kind in await kinds(talk)
    assert await standing(talk) != before or kind == "keep"
    assert "Huỷ quyết định" in answers[0].labels()
    assert "gõ “huỷ”" in answers[0].plain
    if by == "button":
        undone, *notices = await talk.press(answers[0], "Huỷ quyết định")
        assert undone.remote_id == answers[0].remote_id
    else:
        undone, *notices = await talk.say("an", by)
    assert undone.template == "decision_undone", undone.html
    assert await standing(talk) == before
    assert {each.chat for each in notices} == told
    assert all("huỷ quyết định" in each.html or "giao cơ quan" in each.html for each in notices)
    made = await kinds(talk)
    assert made.count("undo") == made.count(kind)  # the decision itself stays on record
    assert await faults_of_record(talk.database) == []


@pytest.mark.parametrize("steps", CASES, ids=lambda steps: steps.__name__)
async def test_an_undone_decision_can_be_made_again(talk: Talk, steps: Steps) -> None:
    _, answers = await decide(talk, steps)
    after = await standing(talk)
    await talk.press(answers[0], "Huỷ quyết định")
    _kind, _ = CASES[steps]
    again = {
        confirming: ("tap", f"confirm:{await owed(talk, 'sxd', 'BC.3')}"),
        assigning: ("say", "/giao 5 Sở Xây dựng"),
        dating: ("say", "/han BC.6 10/12/2026"),
    }.get(steps)
    if again is None:
        return
    way, what = again
    (echo, *_) = await (talk.tap if way == "tap" else talk.say)("an", what)
    assert echo.template in ("decided", "assigned", "opened")
    assert await standing(talk) == after
    assert await faults_of_record(talk.database) == []


async def test_huy_said_again_undoes_nothing_more(talk: Talk) -> None:
    await decide(talk, confirming)
    await talk.say("an", "huỷ")
    (nothing, *_) = await talk.say("an", "huỷ")
    assert nothing.template == "cannot_undo"
    assert (await kinds(talk)).count("undo") == 1


async def test_it_stays_after_a_day(talk: Talk) -> None:
    _, (echo, *_) = await decide(talk, confirming)
    talk.now = NOW + timedelta(hours=24, minutes=1)
    (refused,) = await talk.press(echo, "Huỷ quyết định")
    assert refused.answer.context["why"] == "too_late"
    assert "undo" not in await kinds(talk)


@pytest.mark.parametrize(
    ("steps", "act"),
    [
        (returning, ("sxd", "done:{row}")),
        (granting, ("sxd", "doing:{row}")),
        (refusing, ("sxd", "doing:{row}")),
        (offering, ("sxd", "take:{request}")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_it_stays_once_the_agency_answered(
    talk: Talk, steps: Steps, act: tuple[str, str]
) -> None:
    _, (echo, *_) = await decide(talk, steps)
    row = await owed(talk, "sxd", "BC.3")
    request = await newest(talk, ExtensionRequest)
    await talk.tap(act[0], act[1].format(row=row, request=request))
    (refused,) = await talk.press(echo, "Huỷ quyết định")
    assert refused.template == "cannot_undo_decision"
    assert "đã trả lời sau quyết định" in refused.html
    assert "undo" not in await kinds(talk)


async def test_a_report_that_was_opened_stays_once_one_agency_reported_but_not_by_da_nhan(
    talk: Talk,
) -> None:
    _, (echo, *_) = await decide(talk, opening)
    row = await owed(talk, "stc", "BC.5", "A1")
    await talk.tap("stc", f"ack:{row}")
    await talk.tap("stc", f"done:{row}")
    (refused,) = await talk.press(echo, "Huỷ quyết định")
    assert refused.template == "cannot_undo_decision"
    await talk.say("stc", "huỷ")
    assert (await talk.obligation(NUMBER, "stc", "BC.5", "A1")).state == "open"


async def test_da_nhan_alone_does_not_hold_a_report_open(talk: Talk) -> None:
    _, (echo, *_) = await decide(talk, opening)
    await talk.tap("stc", f"ack:{await owed(talk, 'stc', 'BC.5', 'A1')}")
    (undone, *_) = await talk.press(echo, "Huỷ quyết định")
    assert undone.template == "decision_undone"
    assert (await talk.obligation(NUMBER, "stc", "BC.5", "A1")).state == "withdrawn"


async def test_an_explanation_that_was_given_stays_asked_for(talk: Talk) -> None:
    _, (echo, *_) = await decide(talk, explaining)
    await talk.tap("stc", "explain:2")
    await talk.tap("sxd", "explain:1")
    await talk.say("sxd", "Chờ số liệu của kho bạc")
    (refused,) = await talk.press(echo, "Huỷ quyết định")
    assert refused.template == "cannot_undo_decision"
    assert "undo" not in await kinds(talk)  # not the half of it


async def test_a_decision_that_another_stands_on_stays(talk: Talk) -> None:
    _, (first, *_) = await decide(talk, confirming)
    await talk.press(first, "Huỷ quyết định")
    row = await owed(talk, "sxd", "BC.3")
    (_second, *_) = await talk.tap("an", f"confirm:{row}")
    (refused,) = await talk.tap("an", first.action("Huỷ quyết định"))
    assert (refused.template, refused.answer.context["why"]) == ("cannot_undo_decision", "nothing")
    assert (await talk.obligation(NUMBER, "sxd", "BC.3", "2026")).state == "confirmed"


async def test_nobody_else_undoes_it(talk: Talk) -> None:
    _, (echo, *_) = await decide(talk, confirming)
    for chat in ("ba", "leader", "sxd"):
        (refused, *_) = await talk.tap(chat, echo.action("Huỷ quyết định"))
        assert refused.template == "unknown_item", chat
    (nothing, *_) = await talk.say("ba", "huỷ")
    assert nothing.template == "cannot_undo"
    assert "undo" not in await kinds(talk)


async def test_where_something_was_shown_since_it_is_asked_which_one_is_meant(talk: Talk) -> None:
    await decide(talk, confirming)
    await talk.say("an", "/status")
    (asked, *_) = await talk.say("an", "huỷ")
    assert asked.template == "undo_decision_ask"
    assert "xác nhận hoàn thành" in asked.html
    assert "undo" not in await kinds(talk)
    (undone, *_) = await talk.say("an", "huỷ")  # the question stands lowest now
    assert undone.template == "decision_undone"


async def test_in_reply_to_its_confirmation_that_one_is_undone(talk: Talk) -> None:
    _, (first, *_) = await decide(talk, confirming)
    (_second, *_) = await talk.tap("an", f"confirm:{await submit(talk, 'stc')}")
    (undone, *_) = await talk.say("an", "huỷ", reply_to=first.remote_id)
    assert undone.template == "decision_undone"
    assert (await talk.obligation(NUMBER, "sxd", "BC.3", "2026")).state == "submitted"
    assert (await talk.obligation(NUMBER, "stc", "BC.3", "2026")).state == "confirmed"


async def test_huy_takes_back_what_was_said_last_be_it_an_answer_or_a_decision(talk: Talk) -> None:
    await decide(talk, confirming)
    own = await owed(talk, "skhcn", "BC.2")
    await talk.tap("an", f"doing:{own}")
    (undone, *_) = await talk.say("an", "huỷ")
    assert undone.template == "undone"
    assert (await talk.obligation(NUMBER, "sxd", "BC.3", "2026")).state == "confirmed"


async def test_history_tells_of_both(talk: Talk) -> None:
    await decide(talk, returning)
    await talk.say("an", "huỷ")
    (history,) = await talk.say("an", "/lichsu BC.3")
    assert "huỷ quyết định trả lại" in history.html


PAIRS = {
    "confirm": (confirming, "doing:{row}"),
    "grant": (granting, "doing:{row}"),
    "return": (returning, "done:{row}"),
}


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("name", PAIRS)
async def test_an_undo_and_an_answer_at_once_leave_a_record_that_adds_up(
    talk: Talk, name: str, held: bool
) -> None:
    steps, answer = PAIRS[name]
    _, (echo, *_) = await decide(talk, steps)
    row = await owed(talk, "sxd", "BC.3")
    undo = Post("an", echo.action("Huỷ quyết định"), "action")
    say = Post("sxd", answer.format(row=row), "action")
    for pair in ((undo, say), (say, undo)):
        answers = await talk.post_together(*pair, held=held)
        own = answers[pair.index(undo)][0]
        assert own.template in ("decision_undone", "cannot_undo_decision")
        assert await faults_of_record(talk.database) == []


async def test_an_undo_pressed_twice_at_once_is_one(talk: Talk) -> None:
    _, (echo, *_) = await decide(talk, confirming_all)
    press = Post("an", echo.action("Huỷ quyết định"), "action")
    answers = await talk.post_together(press, press, held=True)
    assert [each[0].template for each in answers] == ["decision_undone", "cannot_undo_decision"]
    assert (await kinds(talk)).count("undo") == 2  # of the two that were confirmed together


async def test_a_question_taken_back_since_is_no_answer_that_keeps_a_decision(talk: Talk) -> None:
    row = await submit(talk)
    (shown, *_) = await talk.tap("an", f"return:{row}")
    await talk.say("an", "thiếu phụ lục")
    await talk.say("sxd", "/viec")
    asked, *_ = await talk.say("sxd", "BC.3 hỏi: phụ lục nào ạ?")
    assert (shown.template, asked.template) == ("ask_decision", "question_passed")
    back, *_ = await talk.say("sxd", "huỷ")
    assert back.template == "question_withdrawn"
    undone, *_ = await talk.say("an", "huỷ quyết định")
    assert undone.template == "decision_undone"
