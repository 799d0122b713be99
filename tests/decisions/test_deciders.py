"""Who decides: by role and agency, never on one's own request; lists, refusals and notices agree."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from data.db.database import Database
from data.models import Chat, Decision, Enrolment, ExtensionRequest, Obligation, StatusReply
from tests.support.conversations import Reply, Talk
from tests.support.decision_world import NOW, NUMBER, seated

pytestmark = pytest.mark.slow


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await seated(database)


async def owed(talk: Talk, agency: str, code: str = "BC.3", period: str = "2026") -> int:
    return int((await talk.obligation(NUMBER, agency, code, period)).id)


async def ask_time(
    talk: Talk, chat: str, row: int, words: str = "đến 20/11 vì chờ số liệu"
) -> tuple[int, set[str]]:
    """Let a chat ask for a later date; returns the request's id, and the chats that are told of it."""
    await talk.tap(chat, f"more:{row}")
    echo, *notices = await talk.say(chat, words)
    assert echo.template == "recorded"
    async with talk.database.read() as connection:
        request = await connection.scalar(select(func.max(ExtensionRequest.id)))
    return int(request or 0), {notice.chat for notice in notices}


async def end_enrolment(talk: Talk, chat: str, role: str) -> None:
    """End what a chat is enrolled as in a role, as of now."""
    here = select(Chat.id).where(Chat.address == chat).scalar_subquery()
    async with talk.database.write() as connection:
        await connection.execute(
            update(Enrolment)
            .where(Enrolment.chat_id == here, Enrolment.role == role)
            .values(ended_at=talk.now)
        )


async def second_chat(talk: Talk, chat: str, second: str) -> None:
    """Give a person a second chat, by their own code."""
    (made,) = await talk.say(chat, "/kenh thêm")
    answers = await talk.say(second, str(made.answer.context["code"]))
    assert [answer.template for answer in answers] == ["welcome", "channel_added"]


async def last_decision(talk: Talk) -> Any:
    async with talk.database.read() as connection:
        rows = await connection.execute(select(Decision).order_by(Decision.id.desc()).limit(1))
        return rows.one()


async def waiting(talk: Talk, chat: str, command: str = "/xacnhan") -> int:
    """Return how many things a chat's list shows as waiting for its decision."""
    (shown,) = await talk.say(chat, command)
    if shown.template in ("to_confirm_one", "to_extend_one"):
        return 1
    return int(str(shown.answer.context["total"]))


def is_refused(answers: list[Reply]) -> bool:
    """Tell whether a decision was refused to who asked for it."""
    return answers[0].template == "cannot_decide" and answers[0].answer.context["asked"] is True


# ------------------------------------------------------------------ by role and agency

# who → whose completions they decide on, and of whom they ask an explanation. "skhcn" is what the
# coordinating agency owes itself.
DECIDES: dict[str, set[str]] = {
    "an": {"stc", "sxd"},
    "leader": {"skhcn"},
    "reader": set(),
    "stc": set(),
    "skhcn": set(),
    "stc-coordinator": set(),
}
ASKS: dict[str, set[str]] = {
    **DECIDES,
    "leader": {"stc", "sxd", "skhcn"},
    "reader": {"stc", "sxd", "skhcn"},
}


@pytest.fixture
async def everybody(talk: Talk) -> Talk:
    await talk.enrol("reader", "dong", "ubnd", "leader")
    await talk.enrol("skhcn", "dong", "skhcn")
    await talk.enrol("stc-coordinator", "dong", "stc", "coordinator")
    return talk


async def test_roles_decide_on_what_the_table_says_and_their_lists_show_just_that(
    everybody: Talk,
) -> None:
    talk = everybody
    codes = {"stc": "BC.1", "sxd": "BC.1", "skhcn": "BC.2"}
    rows = {agency: await owed(talk, agency, code) for agency, code in codes.items()}
    for agency, row in rows.items():
        (echo,) = await talk.tap(agency, f"done:{row}")
        assert echo.template == "recorded"
    for who, whose in DECIDES.items():
        for agency, row in rows.items():
            (answer,) = await talk.tap(who, f"return:{row}")
            assert (answer.template == "ask_decision") is (agency in whose), (who, agency)
        if who in ("an", "leader", "reader"):
            assert await waiting(talk, who) == len(whose)


async def test_roles_ask_for_the_explanations_that_the_table_says(everybody: Talk) -> None:
    talk = everybody
    talk.now = NOW + timedelta(days=21)
    for who, whose in ASKS.items():
        for agency in ("stc", "sxd", "skhcn"):
            (answer, *_) = await talk.say(who, f"/giaitrinh {agency}: vì sao chậm")
            assert (answer.template in ("preview", "explain_asked")) is (agency in whose), (
                who,
                agency,
            )


async def test_a_decision_is_written_under_the_agency_in_whose_role_it_was_made(
    talk: Talk,
) -> None:
    await talk.enrol("ha", "dong", "sxd")  # the first of her enrolments
    await talk.enrol("ha", "dong", "skhcn", "coordinator")
    row = await owed(talk, "stc", "BC.1")
    await talk.tap("stc", f"done:{row}")
    await talk.tap("ha", f"confirm:{row}")
    decided = await last_decision(talk)
    assert (decided.kind, decided.decided_by) == ("confirm", "Sở Khoa học và Công nghệ")
    for command in (
        "/giao 5 Sở Tài chính",
        "/mo BC.5 15/12/2026 Sở Tài chính: nợ",
        "/han BC.6 1/12",
    ):
        echo, *_ = await talk.say("ha", command)
        assert echo.template in ("assigned", "opened")
        assert (await last_decision(talk)).decided_by == "Sở Khoa học và Công nghệ"
    await talk.enrol("skhcn", "dong", "skhcn")
    own = await owed(talk, "skhcn", "BC.2")
    await talk.tap("skhcn", f"done:{own}")
    await talk.enrol("leader", "dong", "sxd")
    await talk.tap("leader", f"confirm:{own}")
    assert (await last_decision(talk)).decided_by == "UBND tỉnh"


# ------------------------------------------------------------------ nobody on their own request


async def test_who_asked_in_one_chat_does_not_decide_in_another(talk: Talk) -> None:
    await talk.enrol("ha", "dong", "skhcn", "coordinator")
    await second_chat(talk, "ha", "ha-zalo")
    await talk.enrol("ha", "dong", "sxd")  # in the first chat alone
    row = await owed(talk, "sxd")
    request, told = await ask_time(talk, "ha", row)
    assert told == {"an", "ba"}
    for key in (f"grant:{request}", f"refuse:{request}", f"offer:{request}"):
        assert is_refused(await talk.tap("ha-zalo", key))
    assert await waiting(talk, "ha-zalo", "/giahan") == 0
    assert await waiting(talk, "an", "/giahan") == 1
    echo, *_ = await talk.tap("an", f"grant:{request}")
    assert echo.template == "decided"


async def test_who_asked_and_then_became_coordinator_does_not_decide(talk: Talk) -> None:
    row = await owed(talk, "sxd")
    await talk.tap("sxd", f"done:{row}")
    await end_enrolment(talk, "sxd", "focal")
    talk.now += timedelta(days=1)
    await talk.enrol("sxd", "dong", "skhcn", "coordinator")
    assert is_refused(await talk.tap("sxd", f"confirm:{row}"))
    assert is_refused(await talk.tap("sxd", f"return:{row}"))
    assert await waiting(talk, "sxd") == 0
    assert (await talk.tap("ba", f"confirm:{row}"))[0].template == "decided"


async def test_a_colleague_of_who_asked_does_not_decide_either_but_on_what_comes_later(
    talk: Talk,
) -> None:
    row, later = await owed(talk, "stc"), await owed(talk, "stc", "BC.1")
    await talk.tap("stc", f"done:{row}")
    talk.now += timedelta(days=1)
    await end_enrolment(talk, "stc2", "focal")
    await talk.enrol("stc2", "dong", "skhcn", "coordinator")
    talk.now += timedelta(days=1)
    await talk.tap("stc", f"done:{later}")
    assert is_refused(await talk.tap("stc2", f"confirm:{row}"))
    assert await waiting(talk, "stc2") == 1
    assert (await talk.tap("stc2", f"confirm:{later}"))[0].template == "decided"


async def test_a_stand_in_whose_days_are_over_decides_on_what_was_asked_after_them(
    talk: Talk,
) -> None:
    await talk.enrol("ha", "dong", "stc")
    row = await owed(talk, "stc", "BC.1")
    await talk.tap("stc", f"done:{row}")
    talk.now += timedelta(days=3)
    await talk.enrol("ha2", "dong", "skhcn", "coordinator")
    later = await owed(talk, "stc")
    await talk.tap("stc", f"done:{later}")
    async with talk.database.write() as connection:  # "ha2" is the same person
        person = select(Enrolment.person_id).join(Chat, Chat.id == Enrolment.chat_id)
        ha = await connection.scalar(person.where(Chat.address == "ha"))
        ha2 = await connection.scalar(person.where(Chat.address == "ha2"))
        stand_in = update(Enrolment).where(Enrolment.person_id == ha)
        await connection.execute(stand_in.values(person_id=ha2, until_on=NOW.date()))
    assert is_refused(await talk.tap("ha2", f"confirm:{row}"))
    assert (await talk.tap("ha2", f"confirm:{later}"))[0].template == "decided"


async def test_a_coordinator_who_makes_himself_a_focal_point_does_not_decide_on_that_agency(
    talk: Talk,
) -> None:
    made, *notices = await talk.say("an", "/moi Sở Xây dựng")
    assert [notice.chat for notice in notices] == ["sxd"]
    await talk.say("an", str(made.answer.context["code"]))
    row = await owed(talk, "sxd")
    request, told = await ask_time(talk, "an", row)
    assert told == {"ba"}
    (refused,) = await talk.tap("an", f"grant:{request}")
    assert "cán bộ theo dõi khác của Sở Khoa học và Công nghệ" in refused.html
    await talk.tap("sxd", f"undo:{await last_reply(talk)}")
    await talk.say("an", "huỷ")
    await talk.tap("sxd", f"done:{row}")  # an answer of a colleague, too
    assert is_refused(await talk.tap("an", f"confirm:{row}"))
    await end_enrolment(talk, "an", "focal")
    assert is_refused(await talk.tap("an", f"confirm:{row}"))


async def last_reply(talk: Talk) -> int:
    async with talk.database.read() as connection:
        return int(await connection.scalar(select(func.max(StatusReply.id))) or 0)


async def test_what_the_only_coordinator_asked_for_waits_for_the_leader(talk: Talk) -> None:
    await end_enrolment(talk, "ba", "coordinator")
    row, other = await owed(talk, "sxd"), await owed(talk, "stc")
    await talk.enrol("an", "dong", "sxd")
    request, told = await ask_time(talk, "an", row)
    assert told == {"leader"}
    (refused,) = await talk.tap("an", f"grant:{request}")
    assert "do lãnh đạo có thẩm quyền quyết định" in refused.html
    assert await waiting(talk, "leader", "/giahan") == 1
    echo, *_ = await talk.tap("leader", f"grant:{request}")
    assert (echo.template, echo.answer.context["asks"]) == ("ask_decision", "decision_document")
    echo, *_ = await talk.say("leader", "Công văn 123/UBND-KGVX ngày 6/11/2026")
    assert echo.template == "decided"
    assert (await last_decision(talk)).decided_by == "UBND tỉnh"
    await talk.tap("stc", f"done:{other}")  # the coordinator has no part in this one
    assert await waiting(talk, "leader") == 0
    assert (await talk.tap("leader", f"confirm:{other}"))[0].template == "cannot_decide"


async def test_leaders_decide_where_a_plan_has_no_coordinator(talk: Talk) -> None:
    for chat in ("an", "ba"):
        await end_enrolment(talk, chat, "coordinator")
    row = await owed(talk, "sxd")
    _, told = await ask_time(talk, "sxd", row)
    assert told == {"leader"}
    await talk.tap("sxd", f"done:{row}")
    assert await waiting(talk, "leader") == 1
    assert (await talk.tap("leader", f"confirm:{row}"))[0].template == "decided"


async def test_a_leader_does_not_decide_on_their_own_request_but_another_does(talk: Talk) -> None:
    await talk.enrol("leader", "dong", "skhcn")
    await talk.enrol("chair", "dong", "ubnd", "leader", may_decide=True)
    row = await owed(talk, "skhcn", "BC.2")
    request, told = await ask_time(talk, "leader", row, "đến 30/11 vì chờ số liệu")
    assert told == {"chair"}
    assert is_refused(await talk.tap("leader", f"grant:{request}"))
    assert await waiting(talk, "leader", "/giahan") == 0
    assert await waiting(talk, "chair", "/giahan") == 1


async def test_who_disputes_a_task_does_not_settle_the_dispute(talk: Talk) -> None:
    await talk.enrol("ha", "dong", "stc")
    await talk.enrol("ha", "dong", "skhcn", "coordinator")
    row = await owed(talk, "stc", "1", "end")
    await talk.say("ha", "/viec")
    echo, *notices = await talk.say("ha", "10 1 không phải nhiệm vụ của Sở Tài chính")
    assert (echo.template, {notice.chat for notice in notices}) == ("recorded", {"an", "ba"})
    for verb in ("keep", "giveto"):
        assert is_refused(await talk.tap("ha", f"{verb}:{row}"))


async def test_a_coordinator_who_answers_for_an_agency_without_a_chat_does_not_decide(
    talk: Talk,
) -> None:
    await end_enrolment(talk, "sxd", "focal")
    row = await owed(talk, "sxd")
    (echo,) = await talk.tap("an", f"done:{row}")
    assert echo.template == "recorded"
    assert is_refused(await talk.tap("an", f"confirm:{row}"))
    await talk.say("an", "huỷ")  # what was taken back bars nobody
    await talk.tap("ba", f"done:{row}")
    assert is_refused(await talk.tap("ba", f"confirm:{row}"))
    assert (await talk.tap("an", f"confirm:{row}"))[0].template == "decided"


async def test_who_offered_a_date_does_not_take_it_for_the_agency(talk: Talk) -> None:
    row = await owed(talk, "sxd")
    request, _ = await ask_time(talk, "sxd", row)
    await talk.tap("an", f"offer:{request}")
    await talk.say("an", "18/11/2026")
    await talk.enrol("an", "dong", "sxd")
    for verb in ("take", "leave"):
        (refused,) = await talk.tap("an", f"{verb}:{request}")
        assert (refused.template, refused.answer.context["why"]) == ("not_allowed", "own_offer")
    assert (await talk.tap("sxd", f"take:{request}"))[0].template == "offer_answered"


async def test_who_asked_for_an_explanation_does_not_give_it(talk: Talk) -> None:
    talk.now = NOW + timedelta(days=11)
    _, *notices = await talk.agree("an", "/giaitrinh STC: vì sao chậm")
    key = notices[0].action("1")  # one of several
    await talk.enrol("an", "dong", "stc")
    (refused,) = await talk.tap("an", key)
    assert (refused.template, refused.answer.context["why"]) == ("not_allowed", "own_question")
    (none, *_) = await talk.say("an", "/giaitrinh STC: còn việc nào")
    assert none.template == "explain_none"
    assert (await talk.tap("stc", key))[0].template == "ask_decision"


async def test_notices_and_lists_name_the_same_deciders(talk: Talk) -> None:
    await talk.enrol("ba", "dong", "sxd")
    row = await owed(talk, "sxd")
    request, told = await ask_time(talk, "sxd", row)
    assert told == {"an"}
    for chat in ("an", "ba", "leader"):
        opens = (await talk.tap(chat, f"open:{row}"))[0].template == "to_extend_one"
        lists = await waiting(talk, chat, "/giahan") == 1
        grants = (await talk.tap(chat, f"refuse:{request}"))[0].template == "ask_decision"
        assert opens is lists is grants is (chat in told), chat
    assert (await talk.obligation(NUMBER, "sxd", "BC.3", "2026")).extension_asked_at is not None


async def test_making_a_code_is_told_to_the_people_of_its_agency(talk: Talk) -> None:
    made, *notices = await talk.say("an", "/moi Sở Tài chính")
    assert {notice.chat for notice in notices} == {"stc", "stc2"}
    code = str(made.answer.context["code"])
    for notice in notices:
        assert "Chị &lt;Lan&gt; (Sở Khoa học và Công nghệ) vừa cấp" in notice.html
        assert "mã mời vai đầu mối" in notice.html
        assert code not in notice.html
    _, *notices = await talk.say("an", "/moi skhcn theo dõi")
    assert [(notice.chat, "cán bộ theo dõi" in notice.html) for notice in notices] == [("ba", True)]


async def test_no_date_moves_while_nobody_decides(talk: Talk) -> None:
    row = await owed(talk, "sxd")
    request, _ = await ask_time(talk, "sxd", row)
    for chat in ("stc", "sxd", "leader"):
        await talk.tap(chat, f"grant:{request}")
    async with talk.database.read() as connection:
        moved = select(func.count()).select_from(Obligation)
        assert await connection.scalar(moved.where(Obligation.extended_to.is_not(None))) == 0
        assert await connection.scalar(select(func.count()).select_from(Decision)) == 0
