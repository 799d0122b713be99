"""The choices of one item: none that is always refused is offered, and a typed number means what was shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from data.clock import civil_date
from data.db.database import Database
from data.models import Chat, Message
from jobs.channel import Button
from jobs.morning.run import run_mornings
from tests.decisions.test_assignment import REGISTRY as SPLIT
from tests.support.conversations import RENDERER, Reply, Seat, Talk
from tests.support.decision_world import NUMBER, REGISTRY, SEATS

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # Monday
MORE, TROUBLE, ASSIGN = "Xin gia hạn", "Vướng mắc", "Giao cơ quan thực hiện"


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, REGISTRY, NOW).begin(*SEATS)


async def owed(talk: Talk, agency: str, code: str, period: str = "2026") -> int:
    return int((await talk.obligation(NUMBER, agency, code, period)).id)


async def opened(talk: Talk, chat: str, row: int) -> Reply:
    (shown,) = await talk.tap(chat, f"open:{row}")
    return shown


async def test_a_later_date_is_offered_while_it_may_be_asked_for(talk: Talk) -> None:
    row = await owed(talk, "sxd", "BC.3")  # due on Saturday 14/11, judged on Monday 16/11
    for day in (9, 14, 16):
        talk.now = datetime(2026, 11, day, 1, 0, tzinfo=UTC)
        shown = await opened(talk, "sxd", row)
        assert shown.labels()[:4] == ["Đã nhận", "Đang thực hiện", "Đã hoàn thành", MORE]
        (question,) = await talk.tap("sxd", f"more:{row}")
        assert question.template == "ask_until"
        await talk.say("sxd", "thôi")
    talk.now = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
    shown = await opened(talk, "sxd", row)
    assert shown.labels()[:4] == ["Đã nhận", "Đang thực hiện", "Đã hoàn thành", TROUBLE]
    (refused,) = await talk.tap("sxd", f"more:{row}")
    assert (refused.template, refused.answer.context["why"]) == ("extension_refused", "late")


async def test_it_is_not_offered_once_the_cap_is_reached(talk: Talk) -> None:
    row = await owed(talk, "sxd", "BC.3")
    await talk.tap("sxd", f"more:{row}")
    _, *notices = await talk.say("sxd", "đến 20/11 vì chờ số liệu")
    await talk.press(notices[0], "Đồng ý")
    assert (await opened(talk, "sxd", row)).labels()[3] == TROUBLE
    (refused,) = await talk.tap("sxd", f"more:{row}")
    assert refused.answer.context["why"] == "cap"


async def test_every_answer_repeats_the_choices_that_are_left(talk: Talk) -> None:
    talk.now = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
    row = await owed(talk, "sxd", "BC.3")
    shown = await opened(talk, "sxd", row)
    (recorded,) = await talk.press(shown, "Đang thực hiện")
    assert recorded.labels()[:4] == ["Đã nhận", "Đang thực hiện", "Đã hoàn thành", TROUBLE]
    (question,) = await talk.say("sxd", "4")
    assert question.template == "ask_reason"


async def test_what_has_no_date_offers_none(talk: Talk) -> None:
    shown = await opened(talk, "stc", await owed(talk, "stc", "3"))
    assert shown.labels()[:4] == ["Đang thực hiện", "Đã hoàn thành", "Chưa triển khai", TROUBLE]


# ------------------------------------------------------------------ reminders


async def remind(talk: Talk, chat: str) -> tuple[tuple[tuple[Button, ...], ...], Any]:
    """Let the morning come, and its messages arrive; returns the buttons of a chat's, and its row."""
    await run_mornings(talk.database, talk.registry, now=talk.now)
    async with talk.database.write() as connection:
        row = (
            await connection.execute(
                update(Message)
                .where(Message.template == "reminder", Message.state == "pending")
                .where(
                    Message.chat_id == select(Chat.id).where(Chat.address == chat).scalar_subquery()
                )
                .values(state="sent", remote_id="morning", sent_at=talk.now)
                .returning(Message)
            )
        ).one()
        await connection.execute(
            update(Chat).where(Chat.address == chat).values(last_menu_message_id=row.id)
        )
        content = await RENDERER.content(
            connection, row, today=civil_date(talk.now), workdays=talk.registry.workdays
        )
    assert content is not None
    return content.buttons, row


async def leave_one(talk: Talk, *, agency: str, keep: int) -> None:
    """Let an agency report everything but one thing as done."""
    (listed,) = await talk.say(agency, "/viec")
    for line in listed.answer.context["items"]:  # type: ignore[attr-defined]
        if line["id"] != keep:
            await talk.tap(agency, f"done:{line['id']}")


async def test_a_late_reminder_offers_no_later_date(talk: Talk) -> None:
    row = await owed(talk, "sxd", "BC.3")
    await leave_one(talk, agency="sxd", keep=row)
    talk.now = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
    buttons, _ = await remind(talk, "sxd")
    assert [button.label for line in buttons for button in line][3] == TROUBLE
    (question,) = await talk.say("sxd", "4")
    assert question.template == "ask_reason"


async def test_a_number_means_what_the_reminder_showed_though_its_date_has_passed_since(
    talk: Talk,
) -> None:
    row = await owed(talk, "sxd", "BC.3")
    await leave_one(talk, agency="sxd", keep=row)
    talk.now = datetime(2026, 11, 13, 1, 0, tzinfo=UTC)
    buttons, _ = await remind(talk, "sxd")
    assert [button.label for line in buttons for button in line][3] == MORE
    talk.now += timedelta(days=4)
    (refused,) = await talk.say("sxd", "4")
    assert (refused.template, refused.answer.context["why"]) == ("extension_refused", "late")


# ------------------------------------------------------------------ what nobody holds


async def split(database: Database, *seats: Seat) -> tuple[Talk, int]:
    """Return a province in which Sở Cũ was split, and what it left to nobody."""
    talk = await Talk(database, SPLIT, NOW).begin(*seats)
    return talk, int((await talk.obligation(NUMBER, "socu", "6", "end")).id)


_COORDINATOR = Seat("coordinator", "dong", "skhcn", "coordinator")
_FOCAL = Seat("focal", "dong", "skhcn")
_LEADERS = (
    Seat("leader", "dong", "ubnd", "leader", may_decide=True),
    Seat("reader", "dong", "ubnd", "leader"),
)


async def test_what_nobody_holds_offers_to_assign_it_to_who_may(database: Database) -> None:
    talk, row = await split(database, _COORDINATOR, _FOCAL, *_LEADERS)
    offers = {
        chat: ASSIGN in (await opened(talk, chat, row)).labels()
        for chat in ("coordinator", "focal", "leader", "reader")
    }
    assert offers == {"coordinator": True, "focal": False, "leader": True, "reader": False}
    for chat in ("focal", "reader"):
        assert (await talk.tap(chat, f"giveto:{row}"))[0].template == "cannot_decide"
    shown = await opened(talk, "coordinator", row)
    assert shown.labels()[:4] == ["Đã nhận", "Đang thực hiện", "Đã hoàn thành", MORE]
    (question,) = await talk.say("coordinator", "5")
    assert question.answer.context["asks"] == "give_to"
    echo, *_ = await talk.say("coordinator", "Sở Xây dựng")
    assert (echo.template, echo.answer.context["before"]) == ("assigned", "Sở Cũ")
    assert (await talk.obligation(NUMBER, "sxd", "6", "end")).state == "open"
    (late,) = await talk.tap("leader", f"giveto:{row}")
    assert late.template == "nothing_to_decide"
    assert "Sở Khoa học và Công nghệ đã <b>giao cơ quan thực hiện</b>" in late.html


async def test_the_leader_assigns_what_nobody_holds(database: Database) -> None:
    talk, row = await split(database, _COORDINATOR, *_LEADERS)
    shown = await opened(talk, "leader", row)
    assert shown.labels() == [ASSIGN]
    await talk.press(shown, ASSIGN)
    echo, *_ = await talk.say("leader", "Sở Tài chính")
    assert echo.template == "assigned"


@pytest.mark.parametrize(
    ("seat", "assigns"), [(_COORDINATOR, True), (_FOCAL, False)], ids=["coordinator", "focal"]
)
async def test_the_reminder_that_asks_to_assign_offers_it_to_who_may(
    database: Database, seat: Seat, assigns: bool
) -> None:
    talk, row = await split(database, seat)
    due = datetime(2026, 12, 31, 1, 0, tzinfo=UTC)
    talk.now = due
    buttons, message = await remind(talk, seat.chat)
    assert message.context["undecided"] == [row]
    labels = [button.label for line in buttons for button in line]
    assert (ASSIGN in labels) is assigns
    if assigns:
        (question,) = await talk.say(seat.chat, "5")
        assert question.answer.context["asks"] == "give_to"


async def test_nobody_is_reminded_in_the_name_of_a_body_that_ended(database: Database) -> None:
    talk, _ = await split(database, _COORDINATOR)
    talk.now = datetime(2026, 12, 31, 1, 0, tzinfo=UTC)
    (told,) = await talk.say("coordinator", f"/nhac {NUMBER} 6")
    assert (told.template, told.answer.context["sent"]) == ("urged", [])
    assert "01 nội dung chưa xác định cơ quan tiếp nhận, không nhắc: /giao" in told.html
