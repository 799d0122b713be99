"""The facts of a consolidated report: what agencies said and nothing else, counted so that sums agree."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from data.db.database import Database
from data.figures.plans import load_plan_figures
from data.figures.states import Figures
from data.figures.tasks import load_task_figures
from data.models import Agency, Obligation, Plan
from data.progress.replies import ObligationNotOpen
from data.progress.undo import CannotUndo
from data.registry.registry import Registry
from data.reports.gather import PlanNotLoaded, gather_report_facts
from data.reports.period import (
    following_period,
    next_report_period,
    previous_period,
    read_report_period,
    span_of,
)
from data.reports.sums import find_sum_errors
from data.targets import values as target_values
from tests.support.conversations import small_registry
from tests.support.loaded_province import load_world, morning_of
from tests.support.recorded_answers import Said, on

pytestmark = pytest.mark.slow

DAY = date(2026, 11, 20)


@pytest.fixture
async def said(database: Database) -> Said:
    registry = small_registry()
    await load_world(database, registry, now=on(3, 2))
    return Said(database, registry)


# ------------------------------------------------------------------ nothing is filled in


async def test_who_said_nothing_about_what_was_due_and_asked_stands_as_silent(said: Said) -> None:
    await said.say("stc", "BC.1", "2026", "in_progress", at=on(10, 5), percent=40)
    await said.remind("stc", "BC.1", "2026", day=date(2026, 11, 5))
    await said.remind("sxd", "BC.1", "2026", day=date(2026, 11, 5))
    assert (await said.facts(date(2026, 11, 13))).silent == []  # not due yet
    assert (await said.facts(DAY)).silent == ["Sở Xây dựng"]


async def test_who_was_not_asked_or_owes_nothing_yet_does_not_stand_as_silent(said: Said) -> None:
    assert (await said.facts(DAY)).silent == []  # the report is due, and nobody was told of it
    await said.remind("sxd", "2", "end", day=date(2026, 11, 5))  # told of, and due on 31/12
    assert (await said.facts(DAY)).silent == []


async def test_a_task_counts_who_is_silent_once_its_time_is_over(said: Said) -> None:
    await said.say("stc", "2", "end", "in_progress", at=on(10, 5), percent=40)
    for agency in ("stc", "sxd"):
        await said.remind(agency, "2", "end", day=date(2026, 12, 1))
    lines = (await said.lines(await said.facts(DAY)))["2"]
    assert [(line.agency, line.percent, line.is_silent) for line in lines] == [
        ("Sở Tài chính", 40, False),
        ("Sở Xây dựng", None, False),
    ]
    facts = await said.facts(date(2026, 12, 31))
    assert next(task for task in facts.tasks if task.code == "2").silent == 1
    assert [line.is_silent for line in (await said.lines(facts))["2"]] == [False, True]


async def test_a_line_names_the_answer_it_rests_on(said: Said) -> None:
    lan = await said.person("Lan")
    await said.say("stc", "1", "end", "in_progress", at=on(9, 1), percent=50, person_id=lan)
    await said.say("stc", "1", "end", "question", at=on(10, 1), note="Gửi cho ai?", person_id=lan)
    line = (await said.lines(await said.facts(DAY)))["1"][0]
    assert line.source is not None
    assert (line.source.said, line.source.agency, line.source.person, line.source.at) == (
        "in_progress",
        "Sở Tài chính",
        "Lan",
        on(9, 1),
    )
    assert (line.percent, line.state, line.due_on) == (50, "open_on_time", date(2026, 12, 31))


async def test_an_answer_taken_back_is_no_source(said: Said) -> None:
    reply = await said.say(
        "stc", "1", "end", "completed", at=on(10, 5), document="12/BC-STC", percent=100
    )
    await said.undo(reply, at=on(10, 5, hour=11))
    facts = await said.facts(DAY)
    line = (await said.lines(facts))["1"][0]
    assert (line.source, line.percent, line.document) == (None, None, None)


async def test_taking_back_what_was_added_to_a_completion_takes_the_completion_back(
    said: Said,
) -> None:
    first = await said.say("stc", "1", "end", "completed", at=on(10, 5))
    second = await said.say(
        "stc", "1", "end", "completed", at=on(10, 5, hour=10), document="9/BC", adds_to=first
    )
    await said.undo(second, at=on(10, 5, hour=11))
    facts = await said.facts(DAY)
    line = (await said.lines(facts))["1"][0]
    assert (line.state, line.waiting, line.source) == ("open_on_time", False, None)


async def test_an_answer_of_an_earlier_period_is_not_one_of_this(said: Said) -> None:
    await said.say("stc", "1", "end", "in_progress", at=on(3, 2), percent=10)
    facts = await said.facts(DAY, "2026-Q4")
    assert (await said.lines(facts))["1"][0].source is None
    assert (await said.lines(await said.facts(DAY, "2026-Q1")))["1"][0].percent == 10


async def test_what_is_done_rests_on_the_answer_that_completed_it_whenever_that_was(
    said: Said,
) -> None:
    await said.say(
        "stc",
        "1",
        "end",
        "completed",
        at=on(3, 3),
        document="7/BC-STC",
        document_on=date(2026, 3, 1),
    )
    owed = await said.owed("stc", "1", "end")
    await said.confirm(owed.id, at=on(3, 10))
    line = (await said.lines(await said.facts(DAY, "2026-Q4")))["1"][0]
    assert (line.state, line.done_on, line.document) == (
        "done_on_time",
        date(2026, 3, 1),
        "7/BC-STC",
    )
    assert line.source is not None
    assert line.source.said == "completed"


async def test_what_was_confirmed_without_an_answer_says_so(said: Said) -> None:
    owed = await said.owed("stc", "1", "end")
    await said.change(
        owed.id,
        state="confirmed",
        done_on=DAY,
        confirmed_at=on(11, 20),
        confirmed_by="tự động",
    )
    line = (await said.lines(await said.facts(DAY)))["1"][0]
    assert line.source is not None
    assert (line.source.said, line.source.agency) == ("confirmed", "tự động")


async def test_a_returned_completion_was_said_and_does_not_count_as_done(said: Said) -> None:
    await said.say("stc", "1", "end", "completed", at=on(10, 5))
    owed = await said.owed("stc", "1", "end")
    await said.send_back(owed.id, at=on(10, 6))
    facts = await said.facts(DAY)
    line = (await said.lines(facts))["1"][0]
    assert (line.state, line.waiting) == ("open_on_time", False)
    assert line.source is not None
    assert next(task for task in facts.tasks if task.code == "1").silent == 0


async def test_the_state_is_that_of_the_reports_day(said: Said) -> None:
    await said.say("stc", "1", "end", "completed", at=on(10, 5))
    owed = await said.owed("stc", "1", "end")
    await said.confirm(owed.id, at=on(10, 20))
    states = [
        (line.state, line.waiting, line.source is not None)
        for day in (date(2026, 10, 4), date(2026, 10, 19), date(2026, 10, 20))
        for line in (await said.lines(await said.facts(day)))["1"]
    ]
    assert states == [
        ("open_on_time", False, False),
        ("open_on_time", True, True),
        ("done_on_time", False, True),
    ]


async def test_work_that_was_taken_over_is_told_under_its_heir(said: Said) -> None:
    old = Said(said.database, said.registry, "dong-9-2021")
    facts = await old.facts(DAY)
    assert [line.agency for line in (await old.lines(facts))["8"]] == [
        "Sở Tài chính (tiếp nhận nhiệm vụ của Sở Kế hoạch và Đầu tư)"
    ]


# ------------------------------------------------------------------ what is passed on


async def test_difficulties_and_proposals_are_passed_on_with_who_said_them(said: Said) -> None:
    lan = await said.person("Lan")
    await said.say(
        "stc", "1", "end", "blocked", at=on(9, 1), note="Chưa có kinh phí", person_id=lan
    )
    await said.say("sxd", "2", "end", "dispute", at=on(9, 2), note="Không phải việc của Sở")
    owed = await said.owed("stc", "2", "end")
    await said.ask_time(owed.id, date(2027, 1, 20), "Chờ hướng dẫn của Bộ", at=on(9, 3))
    await said.explain(owed.id, "Thiếu người", at=on(9, 4))
    await said.say(
        "stc", "1", "end", "in_progress", at=on(9, 5), note="Sở ĐỀ NGHỊ UBND tỉnh bố trí vốn"
    )
    await said.say("stc", "1", "end", "question", at=on(9, 6), note="Báo cáo theo mẫu nào?")
    await said.say("stc", "1", "end", "question", at=on(9, 6, hour=9), note="Kien nghi lui han?")
    taken_back = await said.say("sxd", "2", "end", "blocked", at=on(9, 7), note="Kiến nghị lùi")
    await said.undo(taken_back, at=on(9, 7, hour=10))
    facts = await said.facts(DAY)
    assert [
        (each.kind, each.agency, each.code, each.words, each.person) for each in facts.difficulties
    ] == [
        ("blocked", "Sở Tài chính", "1", "Chưa có kinh phí", "Lan"),
        ("dispute", "Sở Xây dựng", "2", "Không phải việc của Sở", None),
        ("extension", "Sở Tài chính", "2", "Chờ hướng dẫn của Bộ", None),
        ("explanation", "Sở Tài chính", "2", "Thiếu người", None),
    ]
    assert [each.words for each in facts.proposals] == [
        "Sở ĐỀ NGHỊ UBND tỉnh bố trí vốn",
        "Kien nghi lui han?",
    ]


async def test_words_from_a_sheet_are_passed_on_without_the_sheets_mark_in_official_order(
    said: Said,
) -> None:
    mark = "(theo bảng xuất 08:00:00 01/09/2026, Nguyễn Văn A nhập)"
    await said.say("sxd", "2", "end", "blocked", at=on(9, 2), note=f"Thiếu người {mark}")
    await said.say(
        "stc", "1", "end", "blocked", at=on(9, 2), note=f"Chưa có vốn (nguồn khác) {mark}"
    )
    facts = await said.facts(DAY)
    assert [(each.agency, each.words) for each in facts.difficulties] == [
        ("Sở Tài chính", "Chưa có vốn (nguồn khác)"),
        ("Sở Xây dựng", "Thiếu người"),
    ]


async def test_reports_received_and_missing_are_all_that_are_expected(said: Said) -> None:
    await said.say(
        "stc", "BC.1", "2026", "completed", at=on(11, 18), document_on=date(2026, 11, 18)
    )
    (duty,) = (await said.facts(DAY)).duties
    assert (duty.title, duty.due_on, duty.expected, duty.received, duty.late) == (
        "Báo cáo năm 2026",
        date(2026, 11, 14),
        2,
        1,
        1,
    )
    assert duty.missing == ["Sở Xây dựng"]
    assert (await said.facts(DAY, "2026-Q4")).duties == []


async def test_the_receiver_is_named_in_the_documents_words(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=on(10, 1))
    lang_son = await Said(database, registry, "lang-son-131-2020").facts(DAY)
    assert (lang_son.receiver, lang_son.due_on) == ("UBND tỉnh", date(2026, 11, 24))
    assert [duty.code for duty in lang_son.duties] == ["BC.2"]
    gia_lai = await Said(database, registry, "gia-lai-1901-2020").facts(DAY)
    assert (gia_lai.receiver, gia_lai.due_on) == ("UBND tỉnh", date(2026, 12, 22))
    assert gia_lai.province == "Gia Lai"


async def test_a_line_tells_result_reason_and_the_date_proposed(said: Said) -> None:
    await said.say("stc", "1", "end", "completed", at=on(10, 5), note="Đã rà soát 12 đơn vị")
    owed = await said.owed("sxd", "2", "end")
    await said.ask_time(owed.id, date(2027, 1, 20), "Chờ hướng dẫn của Bộ", at=on(9, 3))
    lines = await said.lines(await said.facts(DAY))
    assert lines["1"][0].result == "Đã rà soát 12 đơn vị"
    late = lines["2"][1]
    assert (late.agency, late.reason, late.proposed_until) == (
        "Sở Xây dựng",
        "Chờ hướng dẫn của Bộ",
        date(2027, 1, 20),
    )


async def test_a_past_period_counts_as_of_its_end(said: Said) -> None:
    await said.say("stc", "1", "end", "completed", at=on(7, 2))
    await said.confirm((await said.owed("stc", "1", "end")).id, at=on(7, 3))
    facts = await said.facts(DAY, "2026-H1")
    assert (facts.as_of, facts.made_on) == (date(2026, 6, 30), DAY)
    assert facts.current.done == 0
    assert facts.directing.answering == 0
    year = await said.facts(DAY)
    assert (year.as_of, year.current.done) == (DAY, 1)


async def test_the_previous_period_stands_beside_this_one_where_it_was_tracked(said: Said) -> None:
    await said.say("stc", "1", "end", "completed", at=on(4, 2))
    await said.confirm((await said.owed("stc", "1", "end")).id, at=on(4, 3))
    third = await said.facts(DAY, "2026-Q3")
    assert third.previous is not None
    assert (third.previous.period, third.previous.done) == ("2026-Q2", 1)
    first = (await said.facts(DAY, "2026-Q2")).previous
    assert first is not None
    assert (first.period, first.done) == ("2026-Q1", 0)
    assert (await said.facts(DAY)).previous is None  # 2025: before the plan was issued


async def test_phases_that_ended_before_tracking_are_told_apart(said: Said) -> None:
    old = await Said(said.database, said.registry, "dong-9-2021").facts(DAY)
    assert (old.figures.open_on_time, old.figures.open_late) == (1, 0)
    assert (old.current.ended_before, old.current.in_time, old.current.overdue) == (1, 0, 0)
    assert (await said.facts(DAY)).current.undated == 2  # one a year, and one without a period


async def test_what_was_urged_is_counted_in_the_period(said: Said) -> None:
    await said.remind("stc", "BC.1", "2026", day=date(2026, 11, 5))
    await said.remind("sxd", "BC.1", "2026", day=date(2026, 9, 5))
    await said.say("stc", "1", "end", "acknowledge", at=on(10, 5))
    await said.explain((await said.owed("sxd", "2", "end")).id, "Thiếu người", at=on(10, 6))
    told = (await said.facts(DAY, "2026-Q4")).directing
    assert (told.reminders, told.answering) == (1, 1)
    assert (told.explanations_asked, told.explanations_given) == (1, 1)


def test_a_period_has_its_neighbours() -> None:
    for before, period in (("2025", "2026"), ("2025-H2", "2026-H1"), ("2026-Q3", "2026-Q4")):
        assert previous_period(period) == before
        assert following_period(before) == period


async def test_groups_stand_once_and_tasks_without_one_come_last(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=on(10, 1))
    sections = (await Said(database, registry, "dak-lak-146-2025").facts(DAY)).sections
    titles = [section.title for section in sections]
    assert len(titles) == len(set(titles))
    assert "" not in titles[:-1]


async def test_figures_are_an_estimate_until_the_data_closes(said: Said) -> None:
    assert (await said.facts(date(2026, 12, 13))).is_estimate
    assert not (await said.facts(date(2026, 12, 14))).is_estimate
    assert (await said.facts(date(2026, 6, 13), "2026-H1")).is_estimate
    assert not (await said.facts(date(2026, 6, 14), "2026-H1")).is_estimate


async def test_targets_are_told_as_they_stood_on_the_reports_day(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=on(10, 1))
    said = Said(database, registry, "dak-lak-146-2025")
    async with database.write() as connection:
        plan_id = await connection.scalar(select(Plan.id).where(Plan.code == said.plan))
        agency_id = await connection.scalar(
            select(Agency.id).where(Agency.province == "dak-lak", Agency.code == "so-tai-chinh")
        )
        assert plan_id is not None
        assert agency_id is not None
        for value, at in (("20", on(10, 5)), ("27.5", on(11, 25))):
            await target_values.record_target_value(
                connection,
                plan_id=plan_id,
                code="CT.1",
                year=2026,
                value=Decimal(value),
                agency_id=agency_id,
                person_id=None,
                chat_id=None,
                event_id=None,
                words="x",
                now=at,
            )
    for day, value, met in ((DAY, "20", False), (date(2026, 11, 25), "27.5", True)):
        first, *others = (await said.facts(day)).targets
        assert (first.value, first.source, first.met) == (value, "Sở Tài chính", met)
        assert {other.value for other in others} == {None}


# ------------------------------------------------------------------ sums


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_answered_the_sums_reconcile(
    database: Database, registry: Registry, seed: int
) -> None:
    await load_world(database, registry, now=morning_of(date(2026, 1, 5)))
    chance = random.Random(seed)
    said = Said(database, registry, "lang-son-131-2020")
    async with database.read() as connection:
        rows = await connection.execute(
            select(Obligation.id)
            .join(Plan, Plan.id == Obligation.plan_id)
            .where(Plan.code == said.plan, Obligation.state == "open")
        )
        ids = list(rows.scalars())
    day = date(2026, 1, 5)
    for obligation_id in chance.sample(ids, 60):
        day += timedelta(days=chance.randrange(6))
        at = morning_of(day)
        try:
            for number in range(chance.randrange(1, 4)):
                words = chance.choice(
                    ["acknowledge", "in_progress", "completed", "blocked", "dispute", "question"]
                )
                reply = await said.say_of(
                    obligation_id,
                    words,
                    at=at + timedelta(minutes=number),
                    percent=chance.choice([None, 30]),
                    note=chance.choice([None, "Đề nghị hướng dẫn"]),
                )
                if chance.random() < 0.3:
                    await said.undo(reply, at=at + timedelta(minutes=number, seconds=5))
                elif words == "completed" and chance.random() < 0.6:
                    end = chance.choice([said.confirm, said.send_back])
                    await end(obligation_id, at=at + timedelta(minutes=number, seconds=9))
        except (ObligationNotOpen, CannotUndo, AssertionError):
            continue  # said twice, or closed: nothing more to say of this one
    for as_of in (date(2026, 3, 1), day, date(2026, 12, 20)):
        facts = await said.facts(as_of)
        assert find_sum_errors(facts) == []
        lines = await said.lines(facts)
        assert sum(map(len, lines.values())) == facts.lines
        for task in facts.tasks:
            of_task = lines[task.code]
            assert task.silent == sum(line.is_silent for line in of_task), task.code
            assert task.parts == Figures(
                **{
                    state: sum(line.state == state for line in of_task)
                    for state in ("done_on_time", "done_late", "open_on_time", "open_late")
                },
                waiting=sum(line.waiting for line in of_task),
            )


async def test_todays_report_counts_as_status_does(said: Said) -> None:
    await said.say("stc", "1", "end", "completed", at=on(10, 5))
    await said.confirm((await said.owed("stc", "1", "end")).id, at=on(10, 6))
    await said.say("stc", "2", "end", "completed", at=on(10, 5))
    await said.say("stc", "3", "2026", "in_progress", at=on(10, 5))
    facts = await said.facts(DAY)
    async with said.database.read() as connection:
        plan_id = await connection.scalar(select(Plan.id).where(Plan.code == said.plan))
        assert plan_id is not None
        workdays = said.registry.workdays
        plan = await load_plan_figures(connection, [plan_id], today=DAY, workdays=workdays)
        ids = [task.task_id for task in facts.tasks]
        tasks = await load_task_figures(connection, ids, today=DAY, workdays=workdays)
    assert facts.figures == plan[plan_id].tasks
    assert {t.task_id: t.state for t in facts.tasks} == {k: t.state for k, t in tasks.items()}
    assert [task.code for task in facts.tasks if task.unassigned] == ["4"]


async def test_a_plan_that_was_never_loaded_has_no_report(
    database: Database, registry: Registry
) -> None:
    async with database.read() as connection:
        with pytest.raises(PlanNotLoaded):
            await gather_report_facts(
                connection, registry, "gia-lai-1901-2020", period="2026", as_of=DAY
            )


# ------------------------------------------------------------------ periods


@pytest.mark.parametrize(
    ("words", "period"),
    [
        ("2026", "2026"),
        ("năm 2025", "2025"),
        ("quý IV", "2026-Q4"),
        ("quý 1/2027", "2027-Q1"),
        ("6 tháng đầu năm 2026", "2026-H1"),
        ("6 tháng cuối năm", "2026-H2"),
        ("6 tháng", "2026-H1"),
        ("2026-h1", "2026-H1"),
        ("131", None),
        ("quý 5", None),
    ],
)
def test_a_period_is_read_as_people_call_it(words: str, period: str | None) -> None:
    assert read_report_period(words, today=DAY) == period


def test_a_period_has_its_days_and_the_day_its_data_closes() -> None:
    quarter = span_of("2026-Q4")
    assert (quarter.first, quarter.last, quarter.closes) == (
        date(2026, 10, 1),
        date(2026, 12, 31),
        date(2026, 12, 14),
    )
    assert span_of("2026-H1").last == date(2026, 6, 30)
    for wrong in ("2026-Q5", "2026-M03", "", "once"):
        with pytest.raises(ValueError, match="no period"):
            span_of(wrong)


@pytest.mark.parametrize(
    ("frequencies", "day", "period"),
    [
        (["annual"], date(2026, 3, 1), "2026"),
        (["semiannual", "annual"], date(2026, 3, 1), "2026-H1"),
        (["semiannual", "annual"], date(2026, 11, 1), "2026"),
        (["quarterly", "annual"], date(2026, 8, 1), "2026-Q3"),
        (["quarterly", "annual"], date(2026, 11, 1), "2026"),
        (["quarterly"], date(2026, 11, 1), "2026-Q4"),
        ([], date(2026, 11, 1), "2026"),
    ],
)
def test_the_current_period_is_the_one_whose_report_is_next(
    frequencies: list[str], day: date, period: str
) -> None:
    assert next_report_period(frequencies, today=day) == period
