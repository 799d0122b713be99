"""A figure that is shown in several places is the same in all of them, on working days and on days off."""

from __future__ import annotations

import asyncio
import io
import json
import random
from collections import Counter
from datetime import date, time, timedelta
from functools import cache
from typing import Any

import pytest
import time_machine
from openpyxl import load_workbook
from sqlalchemy import select, update

from bot.__main__ import run_command_line
from bot.config import list_setting_names
from data.clock import SteppedClock, instant_at
from data.db.database import Database
from data.digests.kept_weeks import ScopeFacts, ScopeKey, monday_of
from data.models import Agency, Download, Message, Obligation, Plan
from data.registry.registry import Registry
from data.reports.facts import ReportFacts
from data.reports.gather import gather_report_facts
from data.reports.requests import request_report
from data.rules.states import OFFICIAL_STATES, official_state
from jobs.digests.facts import compute_week_facts
from jobs.reports.make import SHEET
from jobs.reports.requests import READY, ReportWorker
from tests.conftest import SHIPPED
from tests.support.conversations import PLAN, PROVINCE, Seat, Talk
from tests.support.loaded_province import morning_of
from tests.support.metrics_page import obligations_by_state

LOADED = date(2026, 1, 5)
FRIDAYS = ((1, 10), (2, 14), (11, 14))  # the day after each, which "trước ngày" excludes
DAYS = {
    date(2026, 1, 10): True,  # the Saturday worked instead of 2/1: Friday's report is late
    date(2026, 2, 14): False,
    date(2026, 2, 18): False,  # Tết
    date(2026, 2, 23): True,
    date(2026, 11, 14): False,
    date(2026, 11, 16): True,
    date(2027, 1, 2): False,  # tasks ended on Thursday 31/12
    date(2027, 1, 4): True,
}  # is what fell due last late?
QUICK = {date(2026, 2, 14), date(2026, 2, 23), date(2027, 1, 4)}  # the others are for .ci/run


@cache
def friday_registry() -> Registry:
    """Return Đông with reports due on Fridays, by the shipped calendar."""
    duties = "".join(
        f"""
  - code: BC.{number}
    clause: "mục V.{number}"
    from: ["các sở"]
    to: "UBND tỉnh"
    via: "Sở Khoa học và Công nghệ"
    frequency: annual
    deadline: {{operator: before, month: {month}, day: {day}, raw: "trước ngày {day}/{month}"}}
    quote: "báo cáo"
"""
        for number, (month, day) in enumerate(FRIDAYS, 2)
    )
    plan = PLAN.replace("month: 11, day: 15", "month: 6, day: 20")
    plan = plan.format(slug="dong", number="10/KH-UBND", issued_on="2025-12-01")
    texts = {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
        "plans/dong-10.yaml": plan + duties,
    }
    for path in (SHIPPED / "calendar").glob("*.yaml"):
        texts[f"calendar/{path.name}"] = path.read_text(encoding="utf-8")
    return Registry.from_texts(texts)


class Views:
    """One province on one day, and its figures as each view shows them."""

    def __init__(self, talk: Talk, day: date, capsys: pytest.CaptureFixture[str]) -> None:
        self.talk, self.day, self.capsys = talk, day, capsys

    async def status(self, words: str = "kế hoạch") -> Any:
        (reply,) = await self.talk.say("leader", f"/status {words}")
        return reply.answer.context

    async def overdue(self) -> int:
        (reply,) = await self.talk.say("leader", "/quahan")
        return int(reply.answer.context["total"])  # type: ignore[call-overload]

    async def digest(self) -> dict[ScopeKey, ScopeFacts]:
        async with self.talk.database.read() as connection:
            return await compute_week_facts(
                connection,
                self.talk.registry,
                "dong",
                week_on=monday_of(self.day),
                now=self.talk.now,
                accounts=(),
            )

    async def report(self) -> ReportFacts:
        async with self.talk.database.read() as connection:
            return await gather_report_facts(
                connection,
                self.talk.registry,
                "dong-10-2025",
                period=str(self.day.year),
                as_of=self.day,
            )

    async def sheet(self) -> tuple[Any, dict[str, Any]]:
        """Return what a chat that asked for the sheet is told, and the sheet's line of the whole plan."""
        async with self.talk.database.write() as connection:
            plan_id = await connection.scalar(select(Plan.id))
            assert plan_id is not None
            assert await request_report(
                connection,
                plan_id=plan_id,
                period=str(self.day.year),
                form=SHEET,
                chat_id=1,
                person_id=None,
                now=self.talk.now,
            )
        registry, clock = self.talk.registry, SteppedClock(self.talk.now)
        assert await ReportWorker(self.talk.database, lambda: registry, clock).step() == 1
        async with self.talk.database.read() as connection:
            told = await connection.scalar(select(Message.context).where(Message.template == READY))
            content = await connection.scalar(select(Download.content))
        assert told is not None
        assert content is not None
        heading, whole = list(load_workbook(io.BytesIO(content))["Tổng hợp"].values)[:2]
        return told, dict(zip(map(str, heading), whole, strict=True))

    async def metrics(self) -> dict[str, int]:
        return await obligations_by_state(self.talk, "dong")

    async def command(self, *words: str) -> Any:
        """Return what the command line prints on the day."""
        with time_machine.travel(self.talk.now, tick=True):
            code = await asyncio.to_thread(run_command_line, [*words, "--json"])
        out, err = self.capsys.readouterr()
        assert (code, err) == (0, "")
        return json.loads(out)

    async def rows(self) -> list[Any]:
        async with self.talk.database.read() as connection:
            rows = await connection.execute(
                select(Obligation, Agency.code.label("owner"))
                .join(Agency, Agency.id == Obligation.agency_id)
                .order_by(Obligation.id)
            )
            return list(rows)


@pytest.fixture(
    params=[pytest.param(day, marks=[] if day in QUICK else pytest.mark.slow) for day in DAYS],
    ids=str,
)
async def views(
    request: pytest.FixtureRequest,
    database: Database,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Views:
    """Đông on a day, where of what fell due lately some is handed in, on days off too, some confirmed."""
    day: date = request.param
    talk = await Talk(database, friday_registry(), morning_of(LOADED)).begin(
        Seat("leader", "dong", "ubnd", "leader")
    )
    talk.now = morning_of(day, 9)
    chance = random.Random(day.toordinal())
    async with database.write() as connection:
        rows = await connection.execute(
            select(Obligation).where(Obligation.due_on <= day + timedelta(days=60))
        )
        for row in rows.all():
            state = chance.choice(("open", "open", "submitted", "confirmed"))
            if state == "open":
                continue
            done_on = min(day, row.due_on + timedelta(days=chance.randrange(-3, 4)))
            at = instant_at(done_on, time(1))
            await connection.execute(
                update(Obligation)
                .where(Obligation.id == row.id)
                .values(
                    state=state,
                    done_on=done_on,
                    submitted_at=at,
                    confirmed_at=at if state == "confirmed" else None,
                    remind_on=None,
                    rung=None,
                )
            )
    for name in list_setting_names():
        monkeypatch.delenv(name, raising=False)
    url = database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", url)
    capsys.readouterr()
    return Views(talk, day, capsys)


def four(figures: Any) -> dict[str, int]:
    return {state: figures[state] for state in OFFICIAL_STATES}


async def test_a_plans_tasks_and_reports_are_counted_alike_in_every_view(views: Views) -> None:
    (plan,) = (await views.status())["plans"]
    (printed,) = (await views.command("status"))["plans"]
    facts = (await views.digest())["plan", "dong-10-2025"]
    report = await views.report()
    told, line = await views.sheet()
    tasks = plan["tasks"]
    assert tasks["total"] == 4
    assert facts["tasks"] == report.figures.as_json() == told["tasks"] == tasks
    apart = {name: plan[name] for name in ("unassigned", "undated", "ended_before")}
    assert printed["tasks"] == {**tasks, **apart}
    assert {name: facts[name] for name in apart} == apart
    assert apart == {
        "unassigned": line["Chưa xác định cơ quan"],
        "undated": line["Thường xuyên, không xác định thời hạn"],
        "ended_before": line["Hết thời gian thực hiện trước khi theo dõi"],
    }
    assert tasks == {
        "total": line["Tổng số"],
        "done_on_time": line["Hoàn thành đúng hạn"],
        "done_late": line["Hoàn thành quá hạn"],
        "open_on_time": line["Đang thực hiện trong hạn"] + apart["undated"] + apart["ended_before"],
        "open_late": line["Đang thực hiện quá hạn"],
        "waiting": line["Chờ xác nhận"],
    }
    duties = plan["duties"]
    assert duties
    assert facts["duties"] == duties
    assert [
        (each["code"], each["due_on"], each["working_days_left"], each["is_late"])
        for each in printed["reports"]
    ] == [
        (each["code"], each["due"], each["left"] - each["late"], each["late"] > 0)
        for each in duties
    ]
    counts = ("expected", "received", "confirmed", "missing")
    assert [[each[name] for name in counts] for each in printed["reports"]] == [
        [each[name] for name in counts] for each in duties
    ]
    of_report = {duty.code: duty for duty in report.duties}
    this_year = [each for each in duties if each["due"][:4] == str(views.day.year)]
    assert this_year
    for each in this_year:
        duty = of_report[each["code"]]
        assert (duty.due_on.isoformat(), duty.expected, duty.received) == (
            each["due"],
            each["expected"],
            each["received"],
        )
        assert len(duty.missing) == len(each["missing"]) + each["missing_more"]


async def test_what_an_agency_owes_is_counted_alike_in_every_view(views: Views) -> None:
    rows = await views.rows()
    last_working_day = views.talk.registry.workdays.on_or_before(views.day)
    of_digest = {
        name: dict(zip(OFFICIAL_STATES, counts, strict=True))
        for name, *counts in (await views.digest())["plan", "dong-10-2025"]["agencies"]
    }
    owners = {"stc": "Sở Tài chính", "sxd": "Sở Xây dựng"}
    assert set(of_digest) == set(owners.values())
    for code, short in owners.items():
        figures = (await views.status(code))["figures"]
        assert of_digest[short] == four(figures)
        states = Counter(
            official_state(row, last_working_day=last_working_day)
            for row in rows
            if row.owner == code and is_counted(row, views.day)
        )
        assert {state: states[state] for state in OFFICIAL_STATES} == four(figures)


def is_counted(row: Any, day: date) -> bool:
    """Tell whether what an agency owes counts now: open of any age, done of this year."""
    if row.kind == "undated" and row.period != str(day.year):
        return False
    if row.due_on > max(date(day.year, 12, 31), day + timedelta(days=92)):
        return False
    return row.state != "confirmed" or row.due_on.year >= day.year


async def test_what_is_late_is_counted_alike_in_every_view(views: Views) -> None:
    last_working_day = views.talk.registry.workdays.on_or_before(views.day)
    rows = await views.rows()
    late = [
        row
        for row in rows
        if row.state == "open"
        and official_state(row, last_working_day=last_working_day) == "open_late"
    ]
    metrics = await views.metrics()
    assert metrics["late"] == len(late)
    assert metrics["open"] == sum(row.state == "open" for row in rows)
    assert metrics["submitted"] == sum(row.state == "submitted" for row in rows)
    assert await views.overdue() == len(late)
    printed = await views.command("obligations")
    assert {
        each["id"] for each in printed if each["state"] == "open" and each["working_days_left"] < 0
    } == {row.id for row in late}
    of_agencies = [
        facts["counts"].get("late", 0) + facts["counts"].get("passed", 0)
        for (scope, _), facts in (await views.digest()).items()
        if scope == "agency"
    ]
    assert sum(of_agencies) == len(late)


async def test_of_what_fell_due_last_every_view_says_whether_it_is_late(views: Views) -> None:
    """Nothing is handed in of it: then it is late everywhere, or nowhere."""
    async with views.talk.database.write() as connection:
        last = max(row.due_on for row in await views.rows() if row.due_on < views.day)
        of_it = Obligation.due_on == last, Obligation.kind != "undated"
        await connection.execute(
            update(Obligation)
            .where(*of_it)
            .values(state="open", done_on=None, submitted_at=None, confirmed_at=None)
        )
        before = Obligation.due_on < last
        await connection.execute(update(Obligation).where(before).values(state="withdrawn"))
    count = sum(row.due_on == last and row.kind != "undated" for row in await views.rows())
    assert count > 1
    expected = count if DAYS[views.day] else 0
    assert (await views.metrics())["late"] == expected
    assert await views.overdue() == expected
    digest = await views.digest()
    late = digest["province", ""]["figures"]["late"]
    told = digest["province", ""]["lines"]
    parts = sum(line["agencies"] for line in told if line["section"] == "overdue")
    assert parts + late["reports"] == expected
    duties = digest["plan", "dong-10-2025"]["duties"]
    report_is_late = DAYS[views.day] and last.month != 12
    assert any(duty["late"] for duty in duties) == report_is_late
    # Only an occurrence that is late stands beside the next one of its duty.
    assert max(Counter(duty["code"] for duty in duties).values()) <= 1 + report_is_late
    asked = await views.talk.say("leader", "/giaitrinh stc Vì sao chậm?")
    several = {"preview", "explain_asked"}  # the first where more than one of it is asked about
    assert asked[0].template in (several if expected else {"explain_none"})


async def test_days_late_of_what_was_handed_in_end_on_that_day_in_every_view(
    database: Database,
) -> None:
    """Due on Thursday 31/12, before a day off; done on the Saturday after, and on Tuesday."""
    talk = await Talk(database, friday_registry(), morning_of(LOADED)).begin(
        Seat("leader", "dong", "ubnd", "leader")
    )
    talk.now = morning_of(date(2027, 1, 11), 9)
    for code, done_on in (("stc", date(2027, 1, 2)), ("sxd", date(2027, 1, 5))):
        owed = await talk.obligation("10/KH-UBND", code, "2", "end")
        async with database.write() as connection:
            await connection.execute(
                update(Obligation)
                .where(Obligation.id == owed.id)
                .values(state="submitted", done_on=done_on, submitted_at=talk.now)
            )
    (reply,) = await talk.say("leader", "/status 10 2")
    context: Any = reply.answer.context
    assert [(part["agency"], part["left"], part["late"]) for part in context["parts"]] == [
        ("Sở Tài chính", 0, 1),
        ("Sở Xây dựng", 0, 2),
    ]
    assert "hoàn thành quá hạn 01 ngày làm việc · đã báo cáo hoàn thành, chờ xác nhận" in reply.html
    assert (context["task"]["state"], context["task"]["late"]) == ("open_late", 0)
