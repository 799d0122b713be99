"""Who may do what, as a table: every action by every role, on one's own and on others' obligations.

The table is first asked of access.may, then acted out in chats against the database.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bot.conversation.commands import COMMANDS
from bot.conversation.context.access import (
    ROLES_BY_ACTION,
    Caller,
    Subject,
    may,
    may_answer_question,
)
from data.contacts.enrolments import ActiveEnrolment, Role
from data.db.database import Database
from data.models import Enrolment, Message
from tests.support.conversations import Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)

COORDINATING, OWN, OTHER = 1, 2, 3
WHOSE = ("own", "other", "other_unreachable", "other_province")
ANSWERS = (
    "ack", "doing", "not_yet", "done", "more", "blocked", "dispute", "question", "undo",
)  # fmt: skip


def subject(whose: str) -> Subject:
    """Return an obligation of the caller's own agency, of another one's, or of another province."""
    return Subject(
        province="tay" if whose == "other_province" else "dong",
        holder_id=OWN if whose == "own" else OTHER,
        coordinator_id=COORDINATING,
        is_reachable=whose != "other_unreachable",
    )


def enrolled(role: Role, agency_id: int) -> ActiveEnrolment:
    return ActiveEnrolment(1, 1, 1, agency_id, "x", "X", "dong", role, False)


# (role, the caller's agency) → action → on whose obligations it may be done
_FOCAL = {action: {"own"} for action in ("open", *ANSWERS)}
TABLE: dict[tuple[Role, int], dict[str, set[str]]] = {
    ("focal", OWN): _FOCAL,
    # Its focal point stands in where an agency has no chat: it is who gets those reminders.
    ("focal", COORDINATING): {action: {"other_unreachable"} for action in ("open", *ANSWERS)},
    # coordinates another plan, not this one
    ("coordinator", OWN): {**_FOCAL, "nhac": {"own"}},
    ("coordinator", COORDINATING): {
        "open": {"own", "other", "other_unreachable"},
        "nhac": {"own", "other", "other_unreachable"},
        **{action: {"other_unreachable"} for action in ANSWERS},
    },
    ("leader", OWN): {"open": {"own", "other", "other_unreachable"}},
}
COMMANDS_BY_ROLE: dict[Role, set[str]] = {
    "focal": {"help", "viec", "thuongxuyen", "status"},
    "coordinator": {"help", "viec", "thuongxuyen", "status"},
    "leader": {"help", "status"},
}

LOOKS = {"quahan", "sapden", "nhiemvu", "tim", "lichsu", "doi", "kenh", "chitieu", "mau"}
for _role in COMMANDS_BY_ROLE:
    COMMANDS_BY_ROLE[_role] |= LOOKS
COMMANDS_BY_ROLE["focal"] |= {"lich", "minhchung"}
COMMANDS_BY_ROLE["coordinator"] |= {
    "bieudo",
    "lich",
    "minhchung",
    "donvi",
    "nhac",
    "moi",
    "thongbao",
}
COMMANDS_BY_ROLE["leader"] |= {"bieudo", "donvi"}

DECIDES = {"chuanop", "lydo", "xacnhan", "giahan", "giaitrinh", "giao", "mo", "han", "baocao"}
DECIDES |= {"cauhoi"}
for _role in ("coordinator", "leader"):
    COMMANDS_BY_ROLE[_role] |= DECIDES


@pytest.mark.parametrize("action", ["decide", "explain"])
def test_nobody_decides_by_their_role_alone(action: str) -> None:
    leader = ActiveEnrolment(1, 1, 1, OWN, "x", "X", "dong", "leader", True)
    for enrolment in (enrolled("coordinator", COORDINATING), leader):
        caller = Caller(1, False, 1, (enrolment,))
        assert may(caller, action) is True
        for whose in WHOSE:  # the database tells: tests/decisions/test_deciders.py
            assert may(caller, action, subject(whose)) is False


@pytest.mark.parametrize("whose", WHOSE)
@pytest.mark.parametrize("action", ["open", "nhac", *ANSWERS])
@pytest.mark.parametrize("who", list(TABLE))
def test_role_may_do_to_an_obligation_what_the_table_says(
    who: tuple[Role, int], action: str, whose: str
) -> None:
    caller = Caller(1, False, 1, (enrolled(*who),))
    assert may(caller, action, subject(whose)) is (whose in TABLE[who].get(action, set()))


@pytest.mark.parametrize("action", [*ROLES_BY_ACTION, "grant", ""])
def test_stranger_may_do_nothing(action: str) -> None:
    stranger = Caller(1, False, None, ())
    assert may(stranger, action) is False
    for whose in WHOSE:
        assert may(stranger, action, subject(whose)) is False


@pytest.mark.parametrize("role", list(COMMANDS_BY_ROLE))
def test_role_may_use_the_commands_that_the_table_says(role: Role) -> None:
    caller = Caller(1, False, 1, (enrolled(role, OWN),))
    assert {name for name in COMMANDS if may(caller, name)} == COMMANDS_BY_ROLE[role]


def test_every_command_and_action_stands_in_the_table() -> None:
    others = {"open", "decide", "explain", "answer", "target", "evidence", *ANSWERS}
    assert set(ROLES_BY_ACTION) == set(COMMANDS) | others


def test_a_question_is_answered_by_the_coordinating_agency_or_a_leader_who_decides() -> None:
    decides = ActiveEnrolment(1, 1, 1, OWN, "x", "X", "dong", "leader", True)
    for enrolment, expected in (
        (enrolled("coordinator", COORDINATING), True),
        (enrolled("focal", COORDINATING), True),
        (decides, True),
        (enrolled("leader", OWN), False),
        (enrolled("focal", OWN), False),
    ):
        caller = Caller(1, False, 1, (enrolment,))
        assert may_answer_question(caller, COORDINATING, province="dong") is expected
        assert may_answer_question(caller, COORDINATING, province="tay") is False
        guest = Caller(1, True, None, (enrolment,))
        assert may_answer_question(guest, COORDINATING, province="dong") is False


@pytest.mark.parametrize("action", ["open", *ANSWERS])
def test_in_a_group_who_is_not_enrolled_may_look_and_acknowledge(action: str) -> None:
    group = (enrolled("focal", OWN),)
    unknown = Caller(1, True, None, group)
    elsewhere = Caller(1, True, 5, group, personal_enrolments=(enrolled("focal", OTHER),))
    leader = Caller(1, True, 6, group, personal_enrolments=(enrolled("leader", OWN),))
    for caller in (unknown, elsewhere, leader):
        assert may(caller, action, subject("own")) is (action in ("open", "ack"))
        assert may(caller, action, subject("other")) is False
    member = Caller(1, True, 5, group, personal_enrolments=(enrolled("focal", OWN),))
    assert may(member, action, subject("own")) is True
    assert may(member, action, subject("other")) is False


def test_rights_held_elsewhere_never_widen_what_a_group_is_shown() -> None:
    group = (enrolled("focal", OTHER),)
    leader = Caller(1, True, 6, group, personal_enrolments=(enrolled("leader", OWN),))
    assert may(leader, "open", subject("own")) is False


# ------------------------------------------------------------------ acted out


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("stc", "dong", "stc"),
        Seat("sxd", "dong", "sxd"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader", may_decide=True),
        Seat("tay-stc", "tay", "stc"),
        Seat("tay-coordinator", "tay", "skhcn", "coordinator"),
        Seat("tay-leader", "tay", "ubnd", "leader", may_decide=True),
    )


WHO_OPENS = {"stc", "coordinator", "leader"}
EVERYBODY = (
    "stc", "sxd", "coordinator", "leader", "tay-stc", "tay-coordinator", "tay-leader",
)  # fmt: skip


@pytest.mark.parametrize("verb", ["open", "ack", "doing", "done", "more"])
async def test_tapped_key_counts_only_for_whose_it_is(talk: Talk, verb: str) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    for chat in EVERYBODY:
        if chat == "stc":
            continue
        first, *rest = await talk.tap(chat, f"{verb}:{row.id}")
        assert rest == []
        if chat not in WHO_OPENS:
            unknown = (await talk.tap(chat, f"{verb}:99999"))[0]
            assert first.html == unknown.html  # another's is as good as unknown
        elif verb == "open":
            assert (first.template, first.answer.buttons) == ("item", ())
        else:
            assert (first.template, first.answer.context["why"]) == ("not_allowed", "read_only")
        after = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
        assert after == row  # nothing changed
    own = (await talk.tap("stc", f"{verb}:{row.id}"))[0]
    assert own.template == {"open": "item", "more": "ask_until"}.get(verb, "recorded")


async def test_another_chats_list_is_not_acknowledged_nor_shown(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    async with talk.database.read() as connection:
        last = await connection.scalar(select(func.max(Message.id)))
    for chat in ("sxd", "coordinator", "tay-stc"):
        for key in (f"ackall:{last}", f"back:{last}"):
            assert (await talk.tap(chat, key))[0].template == "unknown_item"
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    assert row.acknowledged_until is None


async def test_anothers_answer_is_not_taken_back(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("stc", f"done:{row.id}")
    await talk.enrol("stc-2", "dong", "stc")
    for chat in ("sxd", "coordinator", "leader", "tay-stc", "stc-2"):
        assert (await talk.tap(chat, "undo:1"))[0].template == "unknown_item"
        assert (await talk.say(chat, "huỷ"))[0].template == "cannot_undo"
    assert (await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")).state == "submitted"


@pytest.mark.slow
async def test_lists_and_figures_show_ones_own_alone(talk: Talk) -> None:
    seen = {chat: await everything(talk, chat) for chat in EVERYBODY}
    assert "10/KH-UBND" in seen["sxd"]
    assert "9/KH-UBND" not in seen["sxd"]
    assert "ngân sách" not in seen["sxd"]  # a task of Sở Tài chính alone
    for chat in ("coordinator", "leader"):
        assert "10/KH-UBND" in seen[chat]
        assert "20/KH-UBND" not in seen[chat]
    for chat in ("tay-stc", "tay-coordinator", "tay-leader"):
        assert "20/KH-UBND" in seen[chat]
        assert "10/KH-UBND" not in seen[chat]


async def everything(talk: Talk, chat: str) -> str:
    answers: list[Any] = []
    for text in ("/help", "/viec", "/status", "/status 10", "/status 20", "1"):
        answers += await talk.say(chat, text)
    for key in ("page:viec:1", "page:status:1"):
        answers += await talk.tap(chat, key)
    return "\n".join(f"{answer.html}\n{answer.answer.context}" for answer in answers)


async def test_leader_has_no_list_of_own_work(talk: Talk) -> None:
    assert (await talk.say("leader", "/viec"))[0].template == "not_allowed"
    assert (await talk.tap("leader", "page:viec:1"))[0].template == "unknown_item"


async def test_coordinator_answers_for_an_agency_that_no_chat_reaches(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "sxd", "BC.1", "2026")
    assert (await talk.tap("coordinator", f"done:{row.id}"))[0].template == "not_allowed"
    await talk.happen("sxd", "gone")
    (echo,) = await talk.tap("coordinator", f"done:{row.id}")
    assert (echo.template, echo.answer.context["item"]["holder"]) == (  # type: ignore[index]
        "recorded",
        "Sở Xây dựng",
    )
    assert "(ghi thay Sở Xây dựng)" in echo.html


async def test_ended_enrolment_opens_nothing(talk: Talk) -> None:
    async with talk.database.write() as connection:
        await connection.execute(update(Enrolment).values(ended_at=NOW))
    for chat in EVERYBODY:
        (answer,) = await talk.say(chat, "/viec")
        assert answer.template == "stranger"
