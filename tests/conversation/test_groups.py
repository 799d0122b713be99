"""Groups enrolled for several agencies or provinces: each member is what they are themselves, and no more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.conversation.context.access import (
    DECISION_ACTIONS,
    GROUP_ACTIONS,
    ROLES_BY_ACTION,
    Caller,
    enrolments_for,
    may,
    may_decide_in_plan,
)
from data.contacts.enrolments import ActiveEnrolment, Role
from data.db.database import Database
from tests.support.conversations import Reply, Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
GROUP = "-5"


@pytest.fixture
async def talk(database: Database) -> Talk:
    """Return a group of two agencies of one province and one of another, and its members."""
    return await Talk(database, small_registry(), NOW).begin(
        Seat(GROUP, "dong", "stc"),
        Seat(GROUP, "dong", "sxd"),
        Seat(GROUP, "tay", "stc"),
        Seat("stc", "dong", "stc"),
        Seat("sxd", "dong", "sxd"),
        Seat("tay", "tay", "stc"),
        Seat("elsewhere", "tay", "sxd"),
    )


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    assert isinstance(answer, Reply)
    return answer


# ------------------------------------------------------------------ the rule


def enrolled(
    role: Role, agency_id: int, province: str = "dong", may_decide: bool = False
) -> ActiveEnrolment:
    return ActiveEnrolment(1, 1, 1, agency_id, "x", "X", province, role, may_decide)


K, A, B = 1, 2, 3  # a coordinating agency and two others


# (the group is, the member is) → what counts of the member there; None: a guest
MET: list[tuple[list[tuple[Role, int]], list[tuple[Role, int]], set[tuple[str, int]] | None]] = [
    ([("focal", A)], [("focal", A)], {("focal", A)}),
    ([("focal", A), ("focal", B)], [("focal", A)], {("focal", A)}),
    ([("focal", A), ("focal", B)], [("focal", A), ("focal", B)], {("focal", A), ("focal", B)}),
    ([("focal", A)], [("focal", B)], None),
    ([("focal", A)], [], None),
    ([("coordinator", K)], [("coordinator", K)], {("coordinator", K)}),
    ([("coordinator", K), ("focal", A)], [("focal", A)], {("focal", A)}),
    ([("coordinator", K)], [("focal", K)], {("focal", K)}),
    ([("focal", K)], [("coordinator", K)], {("focal", K)}),
    ([("coordinator", K)], [("coordinator", A)], None),
    ([("coordinator", K)], [("leader", K)], None),
    ([("focal", A), ("coordinator", K)], [("leader", A), ("focal", A)], {("focal", A)}),
]


@pytest.mark.parametrize(("group", "member", "counts"), MET)
def test_of_a_member_counts_what_the_group_is_too(
    group: list[Any], member: list[Any], counts: set[tuple[str, int]] | None
) -> None:
    of_group = tuple(enrolled(*each) for each in group)
    caller = Caller(1, True, 5, of_group, tuple(enrolled(*each) for each in member))
    assert caller.is_guest is (counts is None)
    if counts is not None:
        assert {(each.role, each.agency_id) for each in caller.enrolments} == counts
    else:
        assert caller.enrolments == of_group
        assert {action for action in ROLES_BY_ACTION if may(caller, action)} <= GROUP_ACTIONS


@pytest.mark.parametrize("action", sorted(DECISION_ACTIONS))
def test_nobody_in_a_group_decides_by_what_the_group_is(action: str) -> None:
    group = (enrolled("coordinator", K), enrolled("coordinator", B, "tay"))
    for member in (
        (),
        (enrolled("leader", K),),
        (enrolled("leader", K, may_decide=True),),
        (enrolled("focal", K),),
        (enrolled("coordinator", B, "tay"),),
    ):
        caller = Caller(1, True, 5, group, member)
        assert K not in {each.agency_id for each in enrolments_for(caller, action)}
        assert not may_decide_in_plan(caller, K, province="dong")
    coordinator = Caller(1, True, 5, group, (enrolled("coordinator", K),))
    assert {each.agency_id for each in enrolments_for(coordinator, action)} == {K}
    assert may_decide_in_plan(coordinator, K, province="dong")
    assert not may_decide_in_plan(coordinator, B, province="tay")


def test_may_decide_in_one_province_is_nothing_in_another() -> None:
    both = (enrolled("leader", A, "dong"), enrolled("leader", B, "tay", may_decide=True))
    leader = Caller(1, False, 5, both, both)
    assert may_decide_in_plan(leader, 9, province="tay")
    assert not may_decide_in_plan(leader, 9, province="dong")


# ------------------------------------------------------------------ acted out


@pytest.mark.parametrize(
    ("member", "agencies"),
    [
        ("stc", ["Sở Tài chính"]),
        ("sxd", ["Sở Xây dựng"]),
        ("nobody", ["Sở Tài chính", "Sở Xây dựng"]),
        ("elsewhere", ["Sở Tài chính"]),
    ],
)
async def test_a_member_is_shown_what_they_are_enrolled_for(
    talk: Talk, member: str, agencies: list[str]
) -> None:
    shown = await only(talk.say(GROUP, "/viec", sender=member))
    assert shown.answer.context["agencies"] == agencies
    own = await only(talk.say(GROUP, "/viec", sender="tay"))
    assert "20/KH-UBND" in own.plain
    assert "10/KH-UBND" not in own.plain
    if member == "elsewhere":
        assert "10/KH-UBND" not in shown.plain
    if member in ("stc", "sxd"):
        assert "20/KH-UBND" not in shown.plain
        for text in ("/status", "/quahan", "/sapden 30", "/tim báo cáo", "/lichsu", "/status 20"):
            answers = await talk.say(GROUP, text, sender=member)
            assert "20/KH-UBND" not in "".join(answer.plain for answer in answers), text


@pytest.mark.parametrize("verb", ["open", "ack", "doing", "done", "more"])
async def test_a_member_reaches_nothing_of_the_groups_other_agencies(talk: Talk, verb: str) -> None:
    for plan, agency, strangers in (
        ("10/KH-UBND", "stc", ("sxd", "tay")),
        ("20/KH-UBND", "stc", ("stc", "sxd")),
    ):
        row = await talk.obligation(plan, agency, "BC.1", "2026")
        for member in strangers:
            refused = await only(talk.tap(GROUP, f"{verb}:{row.id}", sender=member))
            assert refused.template == "unknown_item"
        assert await talk.obligation(plan, agency, "BC.1", "2026") == row


async def test_who_is_not_enrolled_may_still_look_and_acknowledge(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "sxd", "BC.1", "2026")
    for member in ("nobody", ""):
        assert (await only(talk.tap(GROUP, f"open:{row.id}", sender=member))).template == "item"
        refused = await only(talk.tap(GROUP, f"done:{row.id}", sender=member))
        assert refused.template == "not_allowed"
    assert (await only(talk.tap(GROUP, f"ack:{row.id}", sender="nobody"))).template == "recorded"


async def test_who_is_enrolled_in_another_province_is_shown_nothing_of_this_one(talk: Talk) -> None:
    own = await talk.obligation("20/KH-UBND", "stc", "BC.1", "2026")
    assert (await only(talk.tap(GROUP, f"open:{own.id}", sender="elsewhere"))).template == "item"
    row = await talk.obligation("10/KH-UBND", "sxd", "BC.1", "2026")
    for verb in ("open", "ack", "done"):
        refused = await only(talk.tap(GROUP, f"{verb}:{row.id}", sender="elsewhere"))
        assert refused.template == "unknown_item"
    await talk.enrol("-6", "dong", "stc")
    assert (await only(talk.say("-6", "/viec", sender="elsewhere"))).template == "stranger"


async def test_all_acknowledged_by_a_member_is_all_of_their_own(talk: Talk) -> None:
    await talk.say(GROUP, "/viec", sender="nobody")
    await talk.say(GROUP, "/viec", sender="stc")
    shown = await only(talk.say(GROUP, "/viec", sender="stc"))
    await talk.press(shown, "Đã nhận tất cả", sender="stc")
    assert (await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")).acknowledged_until
    for plan, agency in (("10/KH-UBND", "sxd"), ("20/KH-UBND", "stc")):
        row = await talk.obligation(plan, agency, "BC.1", "2026")
        assert row.acknowledged_until is None


@pytest.fixture
async def deciding(database: Database) -> Talk:
    """Return a group of two provinces' coordinating agencies, and its members."""
    return await Talk(database, small_registry(), NOW).begin(
        Seat(GROUP, "dong", "skhcn", "coordinator"),
        Seat(GROUP, "tay", "skhcn", "coordinator"),
        Seat("dong", "dong", "skhcn", "coordinator"),
        Seat("tay", "tay", "skhcn", "coordinator"),
        Seat("reader", "dong", "skhcn", "leader"),
        Seat("focal", "dong", "skhcn"),
        Seat("both", "dong", "ubnd", "leader"),
        Seat("both", "tay", "ubnd", "leader", may_decide=True),
    )


DECISIONS = (
    "/giao {plan} 4 sở xây dựng",
    "/mo {plan} BC.1 1/12 sxd: nội dung",
    "/han {plan} BC.1 1/12",
)
ELSEWHERE = {
    "nothing_found",
    "assign_help",
    "open_help",
    "cannot_decide",
    "not_allowed",
    "stranger",
}


@pytest.mark.parametrize("text", DECISIONS)
async def test_in_a_group_of_two_provinces_each_coordinator_decides_in_their_own(
    deciding: Talk, text: str
) -> None:
    for member, own, other in (("dong", "10", "20"), ("tay", "20", "10")):
        answer = (await deciding.say(GROUP, text.format(plan=other), sender=member))[0]
        assert answer.template in ELSEWHERE
        assert answer.answer.context.get("why") in (None, "no_duty", "command")
        own_answer = (await deciding.say(GROUP, text.format(plan=own), sender=member))[0]
        assert own_answer.answer.context.get("why") != "no_duty"
        assert own_answer.template not in ("cannot_decide", "not_allowed")
    for member in ("reader", "focal", "both", "nobody", ""):
        for plan in ("10", "20"):
            refused = (await deciding.say(GROUP, text.format(plan=plan), sender=member))[0]
            assert refused.template == "not_allowed"


async def test_a_leader_of_two_provinces_assigns_only_where_they_may_decide(
    deciding: Talk,
) -> None:
    assert (await deciding.say("both", "/giao 10 4 sxd"))[0].template == "cannot_decide"
    assert (await deciding.say("both", "/giao 20 4 sxd"))[0].template == "assigned"


async def test_reports_and_urging_in_a_group_are_of_the_members_own_plans(deciding: Talk) -> None:
    for member, own, other in (("dong", "10", "20"), ("tay", "20", "10")):
        answer = await only(deciding.say(GROUP, f"/baocao {other}", sender=member))
        assert answer.template == "nothing_found"
        answer = await only(deciding.say(GROUP, f"/baocao {own}", sender=member))
        assert answer.template in ("report_started", "report_refused")
        urged = await only(deciding.say(GROUP, f"/nhac {other} BC.1", sender=member))
        assert urged.template == "nothing_found"
