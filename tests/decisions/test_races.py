"""Two decisions at once: one counts, and whoever is second is told what was decided, by whom and when.

Each pair is posted in either order while the first is not committed yet, and side by side.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.service.registry import plan_all_obligations
from data.db.database import Database
from data.models import Chat, Decision, Enrolment, Explanation, ExtensionRequest, StatusReply
from data.privacy import removal
from data.progress.replies import record_reply
from jobs.planning.auto_confirm import auto_confirm
from jobs.planning.materialise import materialise
from tests.support.conversations import Post, Reply, Talk
from tests.support.databases import become, keep
from tests.support.decision_world import NOW, NUMBER, REGISTRY, faults_of_record, seated

_TOLD = re.compile(r"(Sở [\w& ]+?) đã <b>.+</b> lúc 08 giờ 00 ngày \d+/11/2026")
_LEADS = ((0.0, 0.0), (0.0, 0.004), (0.008, 0.0), (0.0, 0.02))  # seconds

Pair = tuple[Post, Post]


def press(chat: str, key: str) -> Post:
    return Post(chat, key, "action")


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await seated(database)


async def owed(talk: Talk, agency: str, code: str, period: str = "2026") -> int:
    return int((await talk.obligation(NUMBER, agency, code, period)).id)


async def newest(talk: Talk, model: Any) -> int:
    async with talk.database.read() as connection:
        return int(await connection.scalar(select(func.max(model.id))) or 0)


async def asked(talk: Talk) -> int:
    """Let Sở Xây dựng ask for a later date; returns the request's id."""
    row = await owed(talk, "sxd", "BC.3")
    await talk.tap("sxd", f"more:{row}")
    (echo, *_) = await talk.say("sxd", "đến 20/11 vì chờ số liệu")
    assert echo.template == "recorded"
    return await newest(talk, ExtensionRequest)


async def offered(talk: Talk) -> int:
    request = await asked(talk)
    await talk.tap("an", f"offer:{request}")
    await talk.say("an", "18/11/2026")
    return request


async def submitted(talk: Talk, agency: str = "sxd", code: str = "BC.3") -> int:
    row = await owed(talk, agency, code)
    await talk.tap(agency, f"done:{row}")
    return row


async def disputed(talk: Talk) -> int:
    row = await owed(talk, "stc", "1", "end")
    await talk.say("stc", "/viec")
    (echo, *_) = await talk.say("stc", "10 1 không phải nhiệm vụ của Sở Tài chính")
    assert echo.template in ("recorded", "recorded_several"), echo.html
    assert (await talk.obligation(NUMBER, "stc", "1", "end")).disputed_at is not None
    return row


# ------------------------------------------------------------------ the pairs


async def grant_and_refuse(talk: Talk) -> Pair:
    request = await asked(talk)
    await talk.tap("ba", f"refuse:{request}")
    return press("an", f"grant:{request}"), Post("ba", "Phải tổng hợp ngay 15/11")


async def grant_and_grant(talk: Talk) -> Pair:
    request = await asked(talk)
    return press("an", f"grant:{request}"), press("ba", f"grant:{request}")


async def grant_and_offer(talk: Talk) -> Pair:
    request = await asked(talk)
    await talk.tap("ba", f"offer:{request}")
    return press("an", f"grant:{request}"), Post("ba", "18/11/2026")


async def grant_and_huy(talk: Talk) -> Pair:
    request = await asked(talk)
    return press("an", f"grant:{request}"), Post("sxd", "huỷ")


async def refuse_and_huy(talk: Talk) -> Pair:
    request = await asked(talk)
    await talk.tap("ba", f"refuse:{request}")
    return Post("ba", "Phải tổng hợp ngay 15/11"), Post("sxd", "huỷ")


async def take_and_leave(talk: Talk) -> Pair:
    await talk.enrol("sxd2", "dong", "sxd")
    request = await offered(talk)
    return press("sxd", f"take:{request}"), press("sxd2", f"leave:{request}")


async def take_and_huy(talk: Talk) -> Pair:
    await talk.enrol("sxd2", "dong", "sxd")
    request = await offered(talk)
    return press("sxd2", f"take:{request}"), Post("sxd", "huỷ")


async def confirm_and_return(talk: Talk) -> Pair:
    row = await submitted(talk)
    await talk.tap("ba", f"return:{row}")
    return press("an", f"confirm:{row}"), Post("ba", "Thiếu phụ lục số liệu")


async def confirm_and_confirm(talk: Talk) -> Pair:
    row = await submitted(talk)
    return press("an", f"confirm:{row}"), press("ba", f"confirm:{row}")


async def confirm_and_huy(talk: Talk) -> Pair:
    row = await submitted(talk)
    return press("an", f"confirm:{row}"), Post("sxd", "huỷ")


async def confirm_and_doing(talk: Talk) -> Pair:
    row = await submitted(talk)
    return press("an", f"confirm:{row}"), press("sxd", f"doing:{row}")


async def confirm_all_twice(talk: Talk) -> Pair:
    await submitted(talk)
    await submitted(talk, "stc")
    for chat in ("an", "ba"):
        await talk.say(chat, "/xacnhan")
        await talk.say(chat, "Xác nhận tất cả")
    return Post("an", "Đồng ý"), Post("ba", "1")


async def keep_and_give(talk: Talk) -> Pair:
    row = await disputed(talk)
    await talk.tap("an", f"keep:{row}")
    await talk.tap("ba", f"giveto:{row}")
    return Post("an", "Đúng chức năng của Sở Tài chính"), Post("ba", "Sở Xây dựng")


async def give_and_give(talk: Talk) -> Pair:
    row = await disputed(talk)
    for chat in ("an", "ba"):
        await talk.tap(chat, f"giveto:{row}")
    return Post("an", "UBND tỉnh"), Post("ba", "Sở Xây dựng")


async def keep_and_huy(talk: Talk) -> Pair:
    row = await disputed(talk)
    await talk.tap("an", f"keep:{row}")
    return Post("an", "Đúng chức năng của Sở Tài chính"), Post("stc", "huỷ")


async def giao_twice(talk: Talk) -> Pair:
    return Post("an", "/giao 5 Sở Xây dựng"), Post("ba", "/giao 5 Sở Tài chính")


async def mo_twice(talk: Talk) -> Pair:
    words = "/mo BC.5 15/12/2026 Sở Xây dựng: nhà ở"
    return Post("an", words), Post("ba", words)


async def han_twice(talk: Talk) -> Pair:
    return Post("an", "/han BC.6 10/12/2026"), Post("ba", "/han BC.6 15/12/2026")


async def giaitrinh_twice(talk: Talk) -> Pair:
    talk.now = NOW + timedelta(days=11)
    await talk.say("an", "/giaitrinh BC.3 vì sao chậm")
    await talk.say("ba", "/giaitrinh BC.3 lý do?")
    return Post("an", "gửi"), Post("ba", "gửi")


async def explained_twice(talk: Talk) -> Pair:
    talk.now = NOW + timedelta(days=11)
    await talk.agree("an", "/giaitrinh STC: vì sao chậm")
    key = await newest(talk, Explanation)
    for chat in ("stc", "stc2"):
        await talk.tap(chat, f"explain:{key}")
    return Post("stc", "Chờ số liệu của kho bạc"), Post("stc2", "Cán bộ phụ trách đi vắng")


async def asked_for_twice(talk: Talk) -> Pair:
    row = await owed(talk, "stc", "BC.3")
    for chat in ("stc", "stc2"):
        await talk.tap(chat, f"more:{row}")
    return Post("stc", "đến 20/11 vì chờ số liệu"), Post("stc2", "đến 18/11 do thiếu người")


async def code_twice(talk: Talk) -> Pair:
    code = await talk.invite("dong", "ubnd", "focal")
    return Post("new", code), Post("newer", code)


@dataclass(frozen=True, slots=True)
class Race:
    """Two posts of which one counts. decisions: how many are then on record beyond those before."""

    prepare: Callable[[Talk], Awaitable[Pair]]
    decisions: int | None = 1  # None: it depends on who was first
    told: str = ""  # what the second reads where it is not who decided when


RACES = [
    Race(grant_and_refuse),
    Race(grant_and_grant),
    Race(grant_and_offer),
    Race(grant_and_huy, None),
    Race(refuse_and_huy, None),
    Race(take_and_leave, 0),
    Race(take_and_huy, 0),
    Race(confirm_and_return),
    Race(confirm_and_confirm),
    Race(confirm_and_huy, None),
    Race(confirm_and_doing, None),
    Race(confirm_all_twice, 2),
    Race(keep_and_give),
    Race(give_and_give),
    Race(keep_and_huy, None),
    Race(giao_twice),
    Race(mo_twice),
    Race(han_twice),
    Race(giaitrinh_twice, 2),
    Race(explained_twice, 0),
    Race(asked_for_twice, 0, told="đang có một đề nghị gia hạn"),
    Race(code_twice, 0, told="Mã không dùng được"),
]
_COUNT = {
    *("decided", "assigned", "opened", "offer_answered", "undone", "recorded", "explained"),
    "welcome",
}


def counts(replies: list[Reply]) -> bool:
    """Tell whether what was posted took effect, by its own answer."""
    (own, *_) = replies
    if own.template == "explain_asked":
        return bool(own.answer.context["items"])
    if own.template == "confirmed_all":
        return bool(own.answer.context["count"])
    return own.template in _COUNT


async def decisions_on_record(talk: Talk) -> int:
    async with talk.database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(Decision)) or 0)


@pytest.mark.slow
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.prepare.__name__)
async def test_of_two_decisions_at_once_one_counts_and_the_other_is_told_by_whom(
    talk: Talk, race: Race
) -> None:
    pair = await race.prepare(talk)
    before = await decisions_on_record(talk)
    start = await keep(talk.database)
    turns: list[dict[str, Any]] = [{"held": True}] + [
        {"held": False, "leads": leads}
        for leads in (_LEADS[:1] if talk.database.is_sqlite else _LEADS)  # one at a time there
    ]
    for order in (pair, pair[::-1]):
        for turn in turns:
            await become(talk.database, start)
            answers = await talk.post_together(*order, **turn)
            first_counts = [counts(replies) for replies in answers]
            assert sorted(first_counts) == [False, True], (order, turn, answers)
            second = answers[first_counts.index(False)][0]
            if race.told:
                assert race.told in second.html
            else:
                assert _TOLD.search(second.html), second.html
            if turn["held"]:
                assert first_counts == [True, False]
            made = await decisions_on_record(talk) - before
            assert race.decisions is None or made == race.decisions
            assert await faults_of_record(talk.database) == []


async def test_two_different_reports_opened_at_once_are_two(talk: Talk) -> None:
    answers = await talk.post_together(
        Post("an", "/mo BC.5 15/12/2026 Sở Xây dựng: nhà ở"),
        Post("ba", "/mo BC.5 18/12/2026 Sở Xây dựng: đất đai"),
        held=True,
    )
    assert [replies[0].template for replies in answers] == ["opened", "opened"]
    assert (await talk.obligation(NUMBER, "sxd", "BC.5", "A1")).due_on == date(2026, 12, 15)
    assert (await talk.obligation(NUMBER, "sxd", "BC.5", "A2")).due_on == date(2026, 12, 18)


async def test_a_date_moves_the_report_that_it_is_nearest_to_and_no_other(talk: Talk) -> None:
    await talk.say("an", "/han BC.6 10/12/2026")
    (told,) = await talk.say("ba", "/han BC.6 15/12/2026")
    assert told.template == "open_help"
    assert "Sở Khoa học và Công nghệ đã <b>ấn định hạn 10/12/2026</b>" in told.html
    echo, *_ = await talk.say("ba", "/han BC.6 10/3/2027")
    assert echo.template == "opened"
    assert (await talk.obligation(NUMBER, "sxd", "BC.6", "2026-Q4")).due_on == date(2026, 12, 10)
    assert (await talk.obligation(NUMBER, "sxd", "BC.6", "2027-Q1")).due_on == date(2027, 3, 10)


# ------------------------------------------------------------------ beside what no chat posts


async def meet(
    database: Database,
    first: Callable[[Any], Awaitable[Any]],
    second: Callable[[], Awaitable[Any]],
) -> tuple[Any, Any]:
    """Do one thing in a transaction that stays open until another has come as far as it can."""
    async with database.write() as connection:
        done = await first(connection)
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0 if database.is_sqlite else 0.15)
    return done, await waiting


async def test_rights_that_are_taken_away_are_not_handed_over_at_the_same_time(talk: Talk) -> None:
    (made,) = await talk.say("sxd", "/doi")
    code = str(made.answer.context["code"])
    async with talk.database.read() as connection:
        person = await connection.scalar(
            select(Enrolment.person_id)
            .join(Chat, Chat.id == Enrolment.chat_id)
            .where(Chat.address == "sxd")
        )

    async def remove(connection: Any) -> int:
        return await removal.remove_person(connection, person, now=NOW)

    removed, (answer, *_) = await meet(talk.database, remove, lambda: talk.say("new", code))
    assert (removed, answer.template) == (1, "code_wrong")
    async with talk.database.read() as connection:
        living = select(func.count()).select_from(Enrolment).join(Chat)
        living = living.where(Chat.address.in_(("new", "sxd")), Enrolment.ended_at.is_(None))
        assert await connection.scalar(living) == 0


async def test_what_the_agency_opens_again_is_not_confirmed_by_itself(talk: Talk) -> None:
    row = await submitted(talk)
    talk.now = NOW + timedelta(days=30)

    async def take_up_again(connection: Any) -> None:
        await record_reply(
            connection,
            obligation_id=row,
            said="completed",
            document="12/BC-SXD",
            person_id=None,
            chat_id=None,
            event_id=None,
            now=talk.now,
            today=talk.now.date(),
            workdays=REGISTRY.workdays,
        )

    async def confirm() -> int:
        return await auto_confirm(talk.database, REGISTRY.workdays, now=talk.now)

    assert await meet(talk.database, take_up_again, confirm) == (None, 0)
    assert (await talk.obligation(NUMBER, "sxd", "BC.3", "2026")).state == "submitted"


async def test_an_answer_given_while_its_plan_is_planned_stays(talk: Talk) -> None:
    row = await owed(talk, "sxd", "BC.6", "2026-Q4")

    async def complete(connection: Any) -> None:
        await record_reply(
            connection,
            obligation_id=row,
            said="completed",
            person_id=None,
            chat_id=None,
            event_id=None,
            now=NOW,
            today=NOW.date(),
            workdays=REGISTRY.workdays,
        )

    await meet(talk.database, complete, lambda: talk.say("an", "/han BC.6 10/12/2026"))
    after = await talk.obligation(NUMBER, "sxd", "BC.6", "2026-Q4")
    assert (after.state, after.submitted_at) == ("submitted", NOW)
    assert await faults_of_record(talk.database) == []


async def test_what_is_decided_while_all_plans_are_planned_is_not_withdrawn(talk: Talk) -> None:
    async def plan(connection: Any) -> None:
        await materialise(connection, REGISTRY, today=NOW.date())

    words = "/mo BC.5 15/12/2026 Sở Xây dựng: nhà ở"
    _, (echo, *_) = await meet(talk.database, plan, lambda: talk.say("an", words))
    assert echo.template == "opened"

    async def decide() -> list[Reply]:
        return await talk.say("an", words.replace("15/12", "16/12"))

    await asyncio.gather(decide(), plan_all_obligations(talk.database, REGISTRY, today=NOW.date()))
    for period in ("A1", "A2"):
        assert (await talk.obligation(NUMBER, "sxd", "BC.5", period)).state == "open"


async def test_a_dispute_that_was_rejected_is_neither_taken_back_nor_raised_by_an_older_huy(
    talk: Talk,
) -> None:
    row = await disputed(talk)
    await talk.tap("stc", f"doing:{row}")
    await talk.tap("an", f"keep:{row}")
    await talk.say("an", "Đúng chức năng của Sở Tài chính")
    (undone,) = await talk.say("stc", "huỷ")
    assert undone.template == "undone"  # "đang làm", which nobody decided on
    assert (await talk.obligation(NUMBER, "stc", "1", "end")).disputed_at is None
    async with talk.database.read() as connection:
        reply = await connection.scalar(select(StatusReply.id).where(StatusReply.said == "dispute"))
    (refused,) = await talk.tap("stc", f"undo:{reply}")
    assert (refused.template, refused.answer.context["why"]) == ("cannot_undo", "acted_on")
    assert "Sở Khoa học và Công nghệ đã <b>giữ nguyên cơ quan thực hiện</b>" in refused.html
