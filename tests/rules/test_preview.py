"""Preview and the morning runs agree, rung by rung."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from data.db.database import Database
from data.models import Agency, Message, Obligation, Plan, Reminder
from data.progress.decisions import load_decisions
from data.registry.registry import Registry
from data.rules.holders import Holders
from data.rules.overrides import NO_DECISIONS, Decisions
from data.rules.owners import coordinator_of
from data.rules.preview import PreviewRow, preview_rungs
from jobs.morning.run import run_mornings
from jobs.planning.rungs import recompute
from tests.support.conversations import CALENDAR, OLD_PLAN, PLAN, PROVINCE, Talk
from tests.support.loaded_province import morning_of, open_chats

pytestmark = pytest.mark.slow  # a whole year, day by day

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # a Monday, 08:00 in the province
TODAY = date(2026, 11, 9)
NUMBER = "10/KH-UBND"
# Undated duties, one of which had its proposed date before tracking began, and an ad-hoc one.
MORE_DUTIES = """
  - code: BC.5
    clause: "mục V.8"
    from: ["các sở"]
    to: "Sở Khoa học và Công nghệ"
    frequency: ad_hoc
    quote: "báo cáo đột xuất khi có yêu cầu"
  - code: BC.6
    clause: "mục V.9"
    from: ["Sở Xây dựng"]
    to: "Sở Khoa học và Công nghệ"
    frequency: quarterly
    quote: "hàng quý báo cáo"
  - code: BC.7
    clause: "mục V.10"
    from: ["Sở Xây dựng", "Sở Tài chính"]
    to: "Sở Khoa học và Công nghệ"
    frequency: annual
    quote: "hàng năm báo cáo"
  - code: BC.8
    clause: "mục V.11"
    from: ["Sở Xây dựng"]
    to: "Sở Khoa học và Công nghệ"
    frequency: annual
    deadline: {operator: before, month: 11, day: 6, raw: "trước ngày 06 tháng 11 hàng năm"}
    quote: "báo cáo trước ngày 06 tháng 11 hàng năm"
"""
MORE_TASKS = """
  - {code: "5", text: "Xây dựng cổng dữ liệu",
     period: {raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}
report_duties:"""
REGISTRY = Registry.from_texts(
    {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
        "plans/dong-10.yaml": (
            PLAN.format(slug="dong", number=NUMBER, issued_on="2026-01-05")
        ).replace("\nreport_duties:", MORE_TASKS)
        + MORE_DUTIES.lstrip("\n"),
        "plans/dong-9.yaml": OLD_PLAN,
        "calendar/2026.yaml": CALENDAR,
    }
)
FIRST = date(2026, 11, 10)  # the morning after the first one, which catches up
LAST = date(2027, 1, 29)


@pytest.fixture
async def talk(database: Database) -> Talk:
    talk = await Talk(database, REGISTRY, NOW).begin()
    await open_chats(database, now=NOW, province="dong")
    await talk.enrol("coordinator", "dong", "skhcn", "coordinator")
    return talk


def days() -> Iterator[date]:
    day = TODAY
    while day <= LAST:
        yield day
        day += timedelta(days=1)


async def told(database: Database) -> Counter[Any]:
    """Run every morning, whose messages arrive, with nobody answering; count (day, who, code, due, rung)."""
    for day in days():
        await run_mornings(database, REGISTRY, now=morning_of(day))
        async with database.write() as connection:
            await connection.execute(update(Message).values(state="sent"))
    home = REGISTRY.provinces["dong"]
    async with database.read() as connection:
        rows = await connection.execute(
            select(
                Reminder,
                Obligation.kind,
                Obligation.code,
                Plan.code.label("plan"),
                Agency.code.label("owner"),
            )
            .join(Obligation, Obligation.id == Reminder.obligation_id)
            .join(Plan, Plan.id == Obligation.plan_id)
            .join(Agency, Agency.id == Obligation.agency_id)
            .where(Reminder.reminded_on >= FIRST)
        )
        found: Counter[Any] = Counter()
        for row in rows:
            holder = Holders(home, on=row.reminded_on).holder(row.owner, row.kind)
            who = holder or coordinator_of(home, REGISTRY.plans[row.plan], on=row.reminded_on)
            assert who is not None
            found[row.reminded_on, home.agencies[who].name, row.code, row.due_on, row.rung] += 1
        return found


async def laid_in(database: Database) -> Decisions:
    async with database.read() as connection:
        return await load_decisions(connection)


def foretold(laid: Decisions) -> Counter[Any]:
    return Counter(
        key_of(row) for row in preview_rungs(REGISTRY, since=FIRST, until=LAST, decisions=laid)
    )


def key_of(row: PreviewRow) -> tuple[Any, ...]:
    return (row.date, row.agency, row.code, row.due_on, row.rung)


def rungs(found: Counter[Any], code: str, due_on: date) -> set[int]:
    return {key[4] for key in found if key[2] == code and key[3] == due_on}


async def test_what_is_foretold_goes_out_and_nothing_else(talk: Talk) -> None:
    expected = foretold(await laid_in(talk.database))
    assert await told(talk.database) == expected
    # A proposed date is followed past its day, as what it is; one before tracking never comes up.
    assert {-20, 0, 1, 10} <= rungs(expected, "BC.7", date(2026, 12, 18))
    assert rungs(expected, "BC.6", date(2026, 9, 18)) == set()
    assert rungs(foretold(NO_DECISIONS), "BC.6", date(2026, 9, 18)) != set()


async def test_what_was_decided_is_foretold_as_it_then_goes_out(talk: Talk) -> None:
    as_files_say = foretold(await laid_in(talk.database))
    for said in (
        "/han BC.7 10/12/2026",
        "/mo BC.5 15/12/2026 Sở Xây dựng: số liệu nhà ở",
        "/giao 5 Sở Xây dựng",
    ):
        (echo, *_) = await talk.say("coordinator", said)
        if echo.template == "preview":
            (echo, *_) = await talk.press(echo, echo.labels()[0])
        assert echo.template in ("opened", "assigned"), (said, echo.plain)
    report = await talk.obligation(NUMBER, "stc", "BC.1", "2026")
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation)
            .where(Obligation.id == report.id)
            .values(extended_to=date(2026, 12, 1))
        )
        await recompute(connection, REGISTRY, [report.id], today=TODAY)
        await connection.execute(
            update(Plan).where(Plan.number == "9/KH-UBND").values(closed_on=date(2026, 11, 30))
        )
    expected = foretold(await laid_in(talk.database))
    assert await told(talk.database) == expected
    assert rungs(expected, "BC.7", date(2026, 12, 10)) != set()
    assert rungs(expected, "BC.7", date(2026, 12, 18)) == set()
    assert rungs(expected, "5", date(2026, 12, 31)) != set()
    assert rungs(expected, "BC.5", date(2026, 12, 15))
    assert {key[1] for key in expected if key[3] == date(2026, 12, 1)} == {"Sở Tài chính"}
    assert expected != as_files_say


def test_days_before_tracking_are_reckoned_as_if_it_had_begun_long_before() -> None:
    early = {"since": date(2026, 9, 1), "until": date(2026, 11, 8)}
    laid = Decisions(tracked_from=dict.fromkeys(REGISTRY.plans, TODAY))
    assert preview_rungs(REGISTRY, **early, decisions=laid) == preview_rungs(REGISTRY, **early)


def test_what_was_due_before_tracking_is_asked_once_and_not_foretold_again() -> None:
    laid = Decisions(tracked_from=dict.fromkeys(REGISTRY.plans, TODAY))
    rows = preview_rungs(REGISTRY, since=TODAY, until=LAST, decisions=laid)
    assert {row.date for row in rows if row.due_on == date(2026, 11, 5)} <= {TODAY}
    unlaid = preview_rungs(REGISTRY, since=FIRST, until=LAST)
    assert any(row.due_on == date(2026, 11, 5) for row in unlaid)


def test_nothing_of_a_closed_plan_is_foretold_after_its_end() -> None:
    (code,) = (code for code, plan in REGISTRY.plans.items() if plan.number == NUMBER)
    rows = preview_rungs(
        REGISTRY, since=FIRST, until=LAST, decisions=Decisions(closed_on={code: date(2026, 11, 30)})
    )
    assert rows
    assert all(row.date <= date(2026, 11, 30) for row in rows)
    assert all(row.due_on <= date(2026, 11, 30) for row in rows if row.plan == NUMBER)
