"""Assignments: disputes settled, tasks given, kept by planning."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from data.db.database import Database
from data.loading.load import sync_registry
from data.models import Agency, Assignment, Obligation, Plan, Task
from data.registry.registry import Registry
from jobs.planning.materialise import materialise
from tests.support.conversations import CALENDAR, PLAN, PROVINCE, Seat, Talk

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
TODAY = date(2026, 11, 9)
NUMBER = "10/KH-UBND"
MORE_TASKS = """
  - {code: "5", text: "Xây dựng cổng dữ liệu", period: {raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}
  - {code: "6", text: "Quản lý đất đai", leads: ["Sở Cũ"],
     period: {raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}
report_duties:"""
REGISTRY = Registry.from_texts(
    {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông")
        .replace(
            "groups:",
            '  - {code: socu, name: "Sở Cũ", kind: department, valid_until: 2026-06-30}\ngroups:',
        )
        .rstrip("\n")
        + "\n  - {from: socu, to: stc, on: 2026-07-01, needs_decision: true}"
        + '\n  - {from: socu, to: sxd, on: 2026-07-01, part: "nhà", needs_decision: true}\n',
        "plans/dong-10.yaml": PLAN.format(
            slug="dong", number=NUMBER, issued_on="2026-01-05"
        ).replace("\nreport_duties:", MORE_TASKS),
        "calendar/2026.yaml": CALENDAR,
    }
)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, REGISTRY, NOW).begin(
        Seat("stc", "dong", "stc"),
        Seat("sxd", "dong", "sxd"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader"),
    )


async def owed(talk: Talk, code: str) -> dict[str, str]:
    """Return who owes something: agency → state."""
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(Agency.code, Obligation.state)
            .join(Agency, Agency.id == Obligation.agency_id)
            .join(Plan, Plan.id == Obligation.plan_id)
            .where(Plan.number == NUMBER, Obligation.code == code)
        )
        return {row.code: row.state for row in rows}


async def on_task(talk: Talk, code: str) -> dict[str, Any]:
    """Return the living assignments of a task by agency."""
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(Agency.code, Assignment.valid_from, Assignment.valid_until)
            .join(Agency, Agency.id == Assignment.agency_id)
            .join(Task, Task.id == Assignment.task_id)
            .where(Task.code == code, Assignment.withdrawn_at.is_(None))
        )
        return {row.code: (row.valid_from, row.valid_until) for row in rows}


async def reload(talk: Talk) -> None:
    async with talk.database.write() as connection:
        await sync_registry(connection, REGISTRY, now=NOW, today=TODAY)
        await materialise(connection, REGISTRY, today=TODAY)


async def test_a_task_without_lead_gets_its_agency_which_is_told_and_keeps_it(talk: Talk) -> None:
    assert await owed(talk, "5") == {}
    echo, notice = await talk.say("coordinator", "/giao 5 sở xây dựng")
    assert (echo.template, notice.chat) == ("assigned", "sxd")
    assert "Sở Xây dựng" in echo.html
    assert await owed(talk, "5") == {"sxd": "open"}
    assert await on_task(talk, "5") == {"sxd": (TODAY, None)}
    await reload(talk)
    assert await owed(talk, "5") == {"sxd": "open"}
    assert await on_task(talk, "5") == {"sxd": (TODAY, None)}


async def test_a_task_of_an_agency_that_was_split_goes_where_it_is_given(talk: Talk) -> None:
    assert await owed(talk, "6") == {"socu": "open"}
    echo, *_ = await talk.say("coordinator", "/giao 10 6 STC")
    assert (echo.template, echo.answer.context["before"]) == ("assigned", "Sở Cũ")
    assert await owed(talk, "6") == {"socu": "superseded", "stc": "open"}
    await reload(talk)
    assert await owed(talk, "6") == {"socu": "superseded", "stc": "open"}
    row = await talk.obligation(NUMBER, "stc", "6", "end")
    assert row.assignment_id is not None
    assert row.remind_on is not None


async def test_a_task_passes_to_another_agency_after_a_preview_and_both_are_told(
    talk: Talk,
) -> None:
    (shown,) = await talk.say("coordinator", "/giao 1 Sở Xây dựng")
    assert shown.template == "preview"
    assert "Chuyển từ Sở Tài chính sang Sở Xây dựng" in shown.html
    assert "01 nội dung đang theo dõi chuyển sang cơ quan mới" in shown.html
    assert await owed(talk, "1") == {"stc": "open"}
    echo, *notices = await talk.press(shown, shown.labels()[0])
    assert (echo.template, echo.answer.context["before"]) == ("assigned", "Sở Tài chính")
    assert sorted(each.chat for each in notices) == ["stc", "sxd"]
    assert await owed(talk, "1") == {"stc": "superseded", "sxd": "open"}
    await reload(talk)
    assert await owed(talk, "1") == {"stc": "superseded", "sxd": "open"}
    undone, *_ = await talk.press(echo, "Huỷ quyết định")
    assert undone.template == "decision_undone"
    assert await owed(talk, "1") == {"stc": "open", "sxd": "superseded"}


async def test_an_agency_is_added_to_a_task_and_taken_off_it(talk: Talk) -> None:
    await talk.agree("coordinator", "/giao 1 thêm Sở Xây dựng")
    assert await owed(talk, "1") == {"stc": "open", "sxd": "open"}
    (which,) = await talk.say("coordinator", "/giao 1 Sở Khoa học và Công nghệ")
    assert which.template == "assign_taken"  # whose place does not follow
    echo, *notices = await talk.agree("coordinator", "/giao 1 bỏ Sở Tài chính")
    assert [each.chat for each in notices] == ["stc"]
    assert "không còn giao cơ quan thực hiện" in notices[0].html
    assert await owed(talk, "1") == {"stc": "superseded", "sxd": "open"}
    await talk.press(echo, "Huỷ quyết định")
    assert await owed(talk, "1") == {"stc": "open", "sxd": "open"}
    await talk.agree("coordinator", "/giao 1 Sở Khoa học và Công nghệ thay Sở Tài chính")
    assert await owed(talk, "1") == {"stc": "superseded", "sxd": "open", "skhcn": "open"}
    await reload(talk)
    assert await owed(talk, "1") == {"stc": "superseded", "sxd": "open", "skhcn": "open"}


async def test_an_agency_that_has_a_task_does_not_get_it_twice(talk: Talk) -> None:
    (refused,) = await talk.say("coordinator", "/giao 1 Sở Tài chính")
    assert refused.template == "assign_taken"
    assert await owed(talk, "1") == {"stc": "open"}


async def test_a_code_that_two_plans_have_is_asked_about_and_the_choice_keeps_the_agency(
    database: Database,
) -> None:
    texts = {
        f"plans/dong-{n}.yaml": PLAN.format(
            slug="dong", number=f"{n}/KH-UBND", issued_on="2026-01-05"
        )
        for n in (10, 11)
    }
    registry = Registry.from_texts(
        {
            "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
            "calendar/2026.yaml": CALENDAR,
            **texts,
        }
    )
    talk = await Talk(database, registry, NOW).begin(
        Seat("coordinator", "dong", "skhcn", "coordinator")
    )
    (asked,) = await talk.say("coordinator", "/giao 4 Sở Xây dựng")
    assert asked.template == "choose"
    assert len(asked.labels()) == 2
    echo, *_ = await talk.press(asked, asked.labels()[1])
    assert echo.template == "assigned"
    assert "Sở Xây dựng" in echo.html


async def test_without_words_the_tasks_that_wait_for_an_agency_are_listed(talk: Talk) -> None:
    (shown,) = await talk.say("coordinator", "/giao")
    codes = [task["code"] for task in shown.answer.context["open"]]  # type: ignore[attr-defined]
    assert codes == ["4", "5", "6"]


async def test_an_agency_that_cannot_be_told_is_asked_for(talk: Talk) -> None:
    (unknown,) = await talk.say("coordinator", "/giao 5 Sở Trăng")
    assert (unknown.template, unknown.answer.context["found"]) == ("assign_which", [])
    (several,) = await talk.say("coordinator", "/giao 5 sở xây tài")
    assert several.template == "assign_which"
    for generic in ("sở", "xã", "UBND xã", "phường", "các sở"):
        (asked,) = await talk.say("coordinator", f"/giao 5 {generic}")
        assert "là tên chung của nhiều cơ quan" in asked.html
    assert await owed(talk, "5") == {}


async def test_a_leader_who_may_not_decide_does_not_assign(talk: Talk) -> None:
    (refused,) = await talk.say("leader", "/giao 5 Sở Xây dựng")
    assert refused.template == "cannot_decide"
    assert (await talk.say("stc", "/giao 5 Sở Tài chính"))[0].template == "not_allowed"
    assert await owed(talk, "5") == {}


async def disputed(talk: Talk, code: str, period: str) -> Any:
    row = await talk.obligation(NUMBER, "stc", code, period)
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation).where(Obligation.id == row.id).values(disputed_at=NOW)
        )
    return row


async def test_a_disputed_task_goes_to_the_agency_typed_and_both_are_told(talk: Talk) -> None:
    row = await disputed(talk, "1", "end")
    (shown,) = await talk.tap("coordinator", f"open:{row.id}")
    assert shown.labels() == ["Giao cơ quan khác", "Vẫn giao như cũ"]
    await talk.press(shown, "Giao cơ quan khác")
    (unclear,) = await talk.say("coordinator", "sở nào đó")
    assert unclear.answer.context["again"] == "agency"
    (same,) = await talk.say("coordinator", "so tai chinh")
    assert same.answer.context["again"] == "same"
    echo, *notices = await talk.say("coordinator", "so xay dung")
    assert echo.template == "assigned"
    assert {notice.chat: notice.answer.context["what"] for notice in notices} == {
        "sxd": "assigned",
        "stc": "taken_over",
    }
    assert await owed(talk, "1") == {"stc": "superseded", "sxd": "open"}
    await reload(talk)
    assert await owed(talk, "1") == {"stc": "superseded", "sxd": "open"}


async def test_a_disputed_report_goes_over_from_this_one_on(talk: Talk) -> None:
    row = await disputed(talk, "BC.1", "2026")
    await talk.tap("coordinator", f"giveto:{row.id}")
    echo, *_ = await talk.say("coordinator", "UBND tỉnh")
    assert echo.template == "assigned"
    assert (await talk.obligation(NUMBER, "ubnd", "BC.1", "2026")).state == "open"
    assert (await talk.obligation(NUMBER, "stc", "BC.1", "2026")).state == "superseded"
    assert (await talk.obligation(NUMBER, "stc", "BC.1", "2027")).state == "superseded"
    assert (await talk.obligation(NUMBER, "sxd", "BC.1", "2026")).state == "open"


async def test_a_dispute_refused_leaves_the_task_with_its_agency_for_a_reason(talk: Talk) -> None:
    row = await disputed(talk, "1", "end")
    await talk.tap("coordinator", f"keep:{row.id}")
    echo, notice = await talk.say("coordinator", "Đúng chức năng của Sở Tài chính")
    assert (echo.answer.context["what"], notice.chat) == ("kept", "stc")
    assert "Đúng chức năng" in notice.html
    after = await talk.obligation(NUMBER, "stc", "1", "end")
    assert (after.state, after.disputed_at) == ("open", None)
    assert (await talk.tap("coordinator", f"keep:{row.id}"))[0].template == "nothing_to_decide"


async def test_a_dispute_is_settled_by_nobody_but_who_decides(talk: Talk) -> None:
    row = await disputed(talk, "1", "end")
    for verb in ("keep", "giveto"):
        assert (await talk.tap("stc", f"{verb}:{row.id}"))[0].template == "cannot_decide"
        assert (await talk.tap("sxd", f"{verb}:{row.id}"))[0].template == "unknown_item"
        assert (await talk.tap("leader", f"{verb}:{row.id}"))[0].template == "cannot_decide"


async def test_a_report_is_not_given_to_an_agency_that_owes_it_itself(talk: Talk) -> None:
    row = await disputed(talk, "BC.1", "2026")
    await talk.tap("coordinator", f"giveto:{row.id}")
    (again,) = await talk.say("coordinator", "Sở Xây dựng")
    assert again.template == "ask_decision"
    assert "Sở Xây dựng đã được giao nhiệm vụ này trong cùng kỳ" in again.html
    assert (await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")).state == "open"
