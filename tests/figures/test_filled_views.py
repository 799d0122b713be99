"""Every view of a filled province tells the same numbers, as they stand in the words that people read."""

from __future__ import annotations

import io
import re
from collections import Counter
from typing import Any

import pytest
from docx import Document
from openpyxl import load_workbook
from sqlalchemy import func, select

from data.db.database import Database
from data.digests.kept_weeks import ScopeFacts, ScopeKey, monday_of
from data.figures.states import late_condition, overdue_condition
from data.models import LIVE_STATES, Agency, Obligation, Plan
from data.registry.registry import Registry
from data.reports.evidence_sheet import load_evidence_facts
from data.reports.gather import gather_report_facts
from data.rules.ladder import NEVER
from jobs.digests.facts import compute_week_facts
from jobs.digests.letters import redraw_part
from jobs.reports.evidence_sheet import evidence_xlsx
from jobs.reports.labels import ENDED_BEFORE
from jobs.reports.make import SHEET, WORD, ReportFile, make_report
from tests.support.conversations import RENDERER, WITH_BUTTONS, Talk
from tests.support.filled_province import TODAY, filled_province
from tests.support.metrics_page import obligations_by_state

PLANS = {
    "gia-lai": ("1901", "gia-lai-1901-2020"),
    "lang-son": ("131", "lang-son-131-2020"),
    "dak-lak": ("146", "dak-lak-146-2025"),
}
_FOUR = re.compile(
    r"(\d+) nhiệm vụ: hoàn thành đúng hạn (\d+), quá hạn (\d+); đang thực hiện trong hạn (\d+), quá hạn (\d+)"
)


def plain(text: str) -> str:
    return re.sub(r"</?\w+>", "", text).replace("&amp;", "&")


def number(pattern: str, text: str) -> int:
    """Return the number of a pattern in words; 0 where it is not told."""
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


class Views:
    """A filled province, its rows and its views."""

    def __init__(self, talk: Talk, province: str) -> None:
        self.talk, self.province = talk, province
        self.number, self.plan = PLANS[province]
        self.last_working_day = talk.registry.workdays.on_or_before(TODAY)

    async def say(self, who: str, words: str) -> Any:
        (reply,) = await self.talk.say(who, words)
        return reply

    async def count(self, *conditions: Any) -> int:
        """Count the obligations of the province's plans."""
        async with self.talk.database.read() as connection:
            found = await connection.scalar(
                select(func.count(Obligation.id))
                .join(Plan, Plan.id == Obligation.plan_id)
                .join(Agency, Agency.id == Obligation.agency_id)
                .where(Plan.province == self.province, *conditions)
            )
        return found or 0

    async def facts(self) -> dict[ScopeKey, ScopeFacts]:
        async with self.talk.database.read() as connection:
            return await compute_week_facts(
                connection,
                self.talk.registry,
                self.province,
                week_on=monday_of(TODAY),
                now=self.talk.now,
                accounts=(),
            )

    def weekly(self, facts: ScopeFacts) -> str:
        """Return the words of a weekly part."""
        return plain(redraw_part(RENDERER, [facts], week_on=monday_of(TODAY), channel=WITH_BUTTONS))

    async def metrics(self) -> dict[str, int]:
        return await obligations_by_state(self.talk, self.province)

    async def report(self, form: str) -> bytes:
        made = await make_report(
            self.talk.database,
            self.talk.registry,
            self.plan,
            period=str(TODAY.year),
            form=form,
            as_of=TODAY,
        )
        assert isinstance(made, ReportFile), made
        return made.content


@pytest.fixture(
    params=[
        plan
        if index == 0
        else pytest.param(plan, marks=pytest.mark.sqlite)  # one is enough on PostgreSQL
        for index, plan in enumerate(PLANS)
    ]
)
async def views(request: pytest.FixtureRequest, database: Database, registry: Registry) -> Views:
    return Views(await filled_province(database, registry, request.param), request.param)


async def test_the_filled_provinces_hold_every_state(views: Views) -> None:
    async with views.talk.database.read() as connection:
        rows = await connection.execute(
            select(Obligation.state, func.count()).group_by(Obligation.state)
        )
        states = {row[0] for row in rows}
    assert states == {"open", "submitted", "confirmed", "withdrawn", "superseded"}
    for condition in (
        Obligation.blocked_at.is_not(None),
        Obligation.disputed_at.is_not(None),
        Obligation.extended_to.is_not(None),
        Obligation.acknowledged_until.is_not(None),
        Obligation.returned_at.is_not(None),
        (Obligation.judged_on == NEVER) & (Obligation.kind != "undated"),
        Obligation.done_on > Obligation.judged_on,
        overdue_condition(views.last_working_day),
    ):
        assert await views.count(condition), condition


async def test_what_is_overdue_is_one_number_in_every_view(views: Views) -> None:
    overdue = overdue_condition(views.last_working_day)
    reports = Obligation.duty_id.is_not(None)
    expected = await views.count(overdue)
    proposed = await views.count(overdue, Obligation.due_proposed.is_(True))
    in_time = await views.count(overdue, reports, Obligation.due_proposed.is_(False))
    parts = await views.count(overdue, ~reports)
    assert expected == proposed + in_time + parts > 40

    # What leaders read, in the morning and on /status.
    facts = await views.facts()
    morning = views.weekly(facts["province", ""])
    screen = (await views.say("leader", "/status")).plain
    for words in (morning, screen):
        assert number(r"Quá hạn: .*?(\d+) báo cáo", words) == in_time
        assert number(r"Ngoài ra (\d+) báo cáo đã qua ngày dự kiến", words) == proposed
        named = [int(each) for each in re.findall(r"(\d+)/\d+ cơ quan chưa nộp", words)]
        more = number(r"và (\d+) kỳ báo cáo khác", words)
        assert more or sum(named) >= in_time + proposed
    told = [line for line in facts["province", ""]["lines"] if line["section"] == "reports"]
    if not any(line["more"] for line in told):
        assert sum(line["overdue"] for line in told) == in_time + proposed

    # Lists, operators' metrics, and each agency's own part.
    assert (
        number(r"(\d+) nội dung quá hạn", (await views.say("leader", "/quahan")).plain) == expected
    )
    metrics = await views.metrics()
    assert metrics["late"] == expected
    agencies = [each for (scope, _), each in facts.items() if scope == "agency"]
    late, passed = (
        sum(each["counts"].get(name, 0) for each in agencies) for name in ("late", "passed")
    )
    assert (late, passed) == (in_time + parts, proposed)
    words = [views.weekly(each) for each in agencies if each["counts"].get("late")]
    assert sum(number(r"Quá hạn: (\d+) ", each) for each in words) == late

    # The picture draws what agencies are told by /status.
    drawn = [
        row for (scope, _), each in facts.items() if scope == "plan" for row in each["agencies"]
    ]
    handed_in_late = await views.count(
        late_condition(views.last_working_day), Obligation.state == "submitted"
    )
    assert sum(row[-1] for row in drawn) == expected + handed_in_late


async def test_what_opens_behind_a_leaders_line_tells_its_numbers(views: Views) -> None:
    screen = await views.say("leader", "/status")
    lines = [line for line in screen.answer.context["lines"] if line["section"] == "reports"]
    shown = [line for line in lines if not line["more"]]
    assert shown
    for line in shown:
        number_of = line["plan_number"].partition("/")[0]
        label = f"KH {number_of}, {line['code']}: {line['title']}"
        assert label in screen.labels()
        words = f"{number_of} {line['code']} {line['period']}".strip()
        assert f"/chuanop {words}\n" in screen.plain
        told = await views.say("leader", f"/chuanop {words}")
        assert f"{line['missing']:02}/{line['expected']:02} cơ quan chưa báo cáo" in told.plain, (
            label
        )
        why = (await views.say("leader", f"/lydo {words}")).plain
        given = number(r"(\d+)/\d+ cơ quan đã nêu lý do", why)
        assert given >= sum(count for _, count in line["named"])


async def test_a_plans_tasks_are_the_same_numbers_in_chat_report_sheet_and_picture(
    views: Views,
) -> None:
    facts = await views.facts()
    page = (await views.say("leader", f"/status {views.number}")).plain
    every = (await views.say("leader", "/status kế hoạch")).plain
    coordinator = views.weekly(facts["coordinator", "so-khcn"])
    (of_status,) = [tuple(map(int, each)) for each in _FOUR.findall(page)]
    total, on_time, done_late, in_time, late = of_status
    for words in (every, coordinator):
        assert of_status in [tuple(map(int, each)) for each in _FOUR.findall(words)]
    undated = number(r"không xác định thời hạn (\d+)", page)
    ended = number(r"hết thời gian thực hiện trước khi theo dõi (\d+)", page)
    assert total == on_time + done_late + in_time + late + undated + ended

    document = Document(io.BytesIO(await views.report(WORD)))
    rows = {
        row.cells[1].text: row.cells[2].text
        for table in document.tables
        for row in table.rows
        if len(row.cells) == 5
    }
    told = {
        "Hoàn thành đúng hạn": on_time,
        "Hoàn thành quá hạn": done_late,
        "Đang thực hiện trong hạn": in_time,
        "Đang thực hiện quá hạn": late,
        "Tổng số": total,
    }
    assert {name: int(rows[name]) for name in told} == told
    assert int(rows["Thường xuyên, không xác định thời hạn, đang thực hiện"]) == undated
    assert int(rows.get(ENDED_BEFORE, 0)) == ended

    book = load_workbook(io.BytesIO(await views.report(SHEET)))
    heading, whole = list(book["Tổng hợp"].values)[:2]
    line = dict(zip(map(str, heading), whole, strict=True))
    assert {name: line[name] for name in told} == told
    assert line["Thường xuyên, không xác định thời hạn"] == undated

    tasks = facts["plan", views.plan]["tasks"]  # as the leaders' picture draws them
    assert (tasks["done_on_time"], tasks["done_late"], tasks["open_late"]) == (
        on_time,
        done_late,
        late,
    )
    assert tasks["open_on_time"] == in_time + undated + ended


async def test_leaders_count_the_tasks_that_plans_and_reports_call_overdue(views: Views) -> None:
    screen = (await views.say("leader", "/status")).plain
    every = (await views.say("leader", "/status kế hoạch")).plain
    assert number(r"Quá hạn: (\d+) nhiệm vụ", screen) == sum(
        int(late) for *_, late in _FOUR.findall(every)
    )
    if "Quá hạn: không có" in screen:
        assert "chưa nộp" not in screen


async def test_received_reports_are_the_same_numbers_in_chat_report_and_sheet(views: Views) -> None:
    context = (await views.say("leader", f"/status {views.number}")).answer.context
    page = (await views.say("leader", f"/status {views.number}")).plain
    of_year = {
        (each["code"], each["due"]): (each["received"], each["expected"])
        for each in context["plans"][0]["duties"]
        if each["due"].startswith(str(TODAY.year))
    }
    assert of_year
    for received, expected in of_year.values():
        assert f"đã nhận {received}/{expected}" in page
    async with views.talk.database.read() as connection:
        report = await gather_report_facts(
            connection, views.talk.registry, views.plan, period=str(TODAY.year), as_of=TODAY
        )
    of_report = {
        (duty.code, duty.due_on.isoformat()): (duty.received, duty.expected)
        for duty in report.duties
    }
    both = set(of_year) & set(of_report)
    assert both
    assert {key: of_year[key] for key in both} == {key: of_report[key] for key in both}


async def test_an_agencys_own_numbers_agree_in_chat_digest_picture_and_evidence_sheet(
    views: Views,
) -> None:
    (_, facts), *_ = [
        (key, each) for key, each in (await views.facts()).items() if key == ("agency", "so-y-te")
    ]
    status = (await views.say("focal", "/status")).plain
    asked = (await views.say("leader", "/status so-y-te")).plain
    overdue = number(r"Đang thực hiện quá hạn: (\d+)", status)
    assert number(r"Đang thực hiện quá hạn: (\d+)", asked) == overdue
    drawn = Counter[str]()
    for (scope, _), each in (await views.facts()).items():
        if scope == "plan":
            drawn.update({str(name): counts[-1] for name, *counts in each["agencies"]})
    assert drawn["Sở Y tế"] == overdue
    counts = facts["counts"]
    owned = (Agency.code == "so-y-te", Obligation.state.in_(LIVE_STATES))
    open_late = await views.count(*owned, overdue_condition(views.last_working_day))
    assert counts.get("late", 0) + counts.get("passed", 0) == open_late
    async with views.talk.database.read() as connection:
        sheet = await load_evidence_facts(
            connection,
            views.talk.registry,
            views.province,
            "so-y-te",
            month=TODAY,
            today=TODAY,
        )
    lines = [line for line in sheet.lines if line.state == "open_late" and not line.waiting]
    assert len(lines) == counts.get("late", 0)
    book = load_workbook(io.BytesIO(evidence_xlsx(sheet)))
    words = "\n".join(
        str(cell) for each in book for row in each.values for cell in row if cell is not None
    )
    foot = number(r"đang quá hạn: (\d+)", words)
    assert foot == sum(line.state == "open_late" for line in sheet.lines)
    told = (await views.say("focal", "/minhchung tháng 12")).answer.context
    assert told["overdue"] == foot
