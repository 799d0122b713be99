"""The rules of dates: working days, periods, the ladder. Property tests run over 2020 to 2035."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.registry.files import read_text
from data.registry.registry import Registry
from data.registry.schema import CalendarFile, Deadline, Period, ReportDutyEntry
from data.registry.workdays import Workdays
from data.registry.yaml_reader import parse_yaml
from data.rules.due_dates import last_day_on_time, occurrences, phase_end
from data.rules.ladder import (
    RUNGS,
    DueDate,
    compute_due_date,
    next_step,
    rung_day,
    schedule_rungs,
)
from data.rules.states import is_overdue
from tests.conftest import SHIPPED

CALENDAR = Workdays(
    parse_yaml(read_text(path), path.name, CalendarFile)
    for path in sorted((SHIPPED / "calendar").glob("*.yaml"))
)
DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))
KINDS = st.sampled_from(["report", "phase_end", "one_off"])


def duty(frequency: str, deadline: dict[str, object] | None = None) -> ReportDutyEntry:
    return ReportDutyEntry.model_validate(
        {
            "code": "BC.1",
            "clause": "mục 1",
            "from": ["Sở Y tế"],
            "to": "UBND tỉnh",
            "frequency": frequency,
            "deadline": deadline,
            "quote": "báo cáo",
        }
    )


def is_late(due: DueDate, day: date) -> bool:
    return is_overdue(due.judged, CALENDAR.on_or_before(day))


def dates_of(entry: ReportDutyEntry, *, coordinating: bool = False) -> list[tuple[str, date]]:
    found = occurrences(
        entry,
        issued_on=date(2020, 9, 14),
        coordinating=coordinating,
        since=date(2026, 1, 1),
        until=date(2026, 12, 31),
    )
    return [(item.period, item.due_on) for item in found]


# ---------------------------------------------------------------- working days


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 1, 2), False),
        (date(2026, 1, 10), True),
        (date(2026, 8, 22), True),
        (date(2026, 8, 31), False),
        (date(2026, 11, 23), True),
        (date(2026, 11, 24), False),
        (date(2026, 11, 13), True),
        (date(2026, 11, 14), False),
    ],
)
def test_the_calendar_of_2026_knows_swapped_days(day: date, working: bool) -> None:
    assert CALENDAR.is_working(day) is working


@given(DAYS, st.integers(-300, 300).filter(bool))
def test_adding_working_days_lands_on_the_day_that_counting_finds(day: date, count: int) -> None:
    there = CALENDAR.add(day, count)
    assert CALENDAR.is_working(there)
    if count > 0:
        assert CALENDAR.between(day, there) == count
    else:
        # The start itself is never counted, and the day reached is.
        assert CALENDAR.between(there - timedelta(days=1), day - timedelta(days=1)) == -count


@given(DAYS)
def test_nearest_working_days_enclose_a_day_with_nothing_between(day: date) -> None:
    before, after = CALENDAR.on_or_before(day), CALENDAR.on_or_after(day)
    assert before <= day <= after
    assert CALENDAR.is_working(before)
    assert CALENDAR.is_working(after)
    if CALENDAR.is_working(day):
        assert before == after == day
    else:
        assert CALENDAR.between(before, after) == 1


def test_an_unknown_year_counts_its_weekdays() -> None:
    assert not CALENDAR.is_known(2034)
    assert CALENDAR.is_working(date(2034, 1, 2))


# ---------------------------------------------------------------- the ladder


@given(DAYS, KINDS, st.booleans())
def test_rungs_are_in_order_on_working_days_and_never_twice(
    due_on: date, kind: str, strictly: bool
) -> None:
    due = compute_due_date(due_on, CALENDAR, strictly=strictly)
    steps = schedule_rungs(RUNGS[kind], due, CALENDAR)
    rungs = [rung for rung, _ in steps]
    days = [day for _, day in steps]
    assert rungs == sorted(set(rungs))
    assert days == sorted(set(days))
    assert all(CALENDAR.is_working(day) for day in days)
    assert sum(rung > 0 for rung in rungs) <= 12


@given(DAYS, KINDS)
def test_rungs_before_the_due_date_come_by_base_and_late_ones_after_judged(
    due_on: date, kind: str
) -> None:
    due = compute_due_date(due_on, CALENDAR)
    assert due.base <= due_on <= due.judged
    for rung, day in schedule_rungs(RUNGS[kind], due, CALENDAR):
        if rung <= 0:
            assert due.working_days_left(day, CALENDAR) == -rung
            assert not is_late(due, day)
        else:
            assert due.working_days_left(day, CALENDAR) == -rung
            assert is_late(due, day)


def test_a_saturday_deadline_is_based_on_friday_and_judged_on_monday() -> None:
    due = compute_due_date(date(2026, 11, 14), CALENDAR)
    assert (due.base, due.judged) == (date(2026, 11, 13), date(2026, 11, 16))
    assert not is_late(due, date(2026, 11, 16))
    assert is_late(due, date(2026, 11, 17))
    assert rung_day(1, due, CALENDAR) == date(2026, 11, 17)


def test_a_province_that_judges_strictly_counts_from_the_due_date_itself() -> None:
    due = compute_due_date(date(2026, 11, 14), CALENDAR, strictly=True)
    assert due.judged == date(2026, 11, 14)
    assert is_late(due, date(2026, 11, 16))


def test_lang_son_coordinator_is_reminded_last_on_monday_because_tuesday_is_off() -> None:
    due = compute_due_date(date(2026, 11, 24), CALENDAR)
    assert rung_day(0, due, CALENDAR) == date(2026, 11, 23)
    assert rung_day(1, due, CALENDAR) == date(2026, 11, 26)


@given(DAYS, KINDS, st.integers(-40, 400))
def test_the_next_step_is_the_last_rung_whose_day_has_come_and_after_it_one_to_come(
    due_on: date, kind: str, offset: int
) -> None:
    today = due_on + timedelta(days=offset)
    steps = schedule_rungs(RUNGS[kind], compute_due_date(due_on, CALENDAR), CALENDAR)
    reached = [(rung, day) for rung, day in steps if day <= today]
    latest = next_step(steps, today=today, sent=None, acknowledged_until=None)
    assert latest == (reached[-1] if reached else steps[0])
    sent = reached[-1][0] if reached else None
    coming = next_step(steps, today=today, sent=sent, acknowledged_until=None)
    assert coming == (steps[len(reached)] if len(reached) < len(steps) else None)


@given(DAYS, st.integers(1, 60))
def test_an_extension_moves_every_rung_later_and_adds_none(due_on: date, days: int) -> None:
    before = schedule_rungs(RUNGS["report"], compute_due_date(due_on, CALENDAR), CALENDAR)
    after = schedule_rungs(
        RUNGS["report"], compute_due_date(due_on + timedelta(days=days), CALENDAR), CALENDAR
    )
    assert [rung for rung, _ in before] == [rung for rung, _ in after]
    assert all(new >= old for (_, old), (_, new) in zip(before, after, strict=True))


# ---------------------------------------------------------------- periods


@given(st.integers(2020, 2035), st.integers(1, 12), st.integers(1, 28))
def test_before_a_day_is_due_one_day_earlier_than_on_it(year: int, month: int, day: int) -> None:
    before = Deadline(operator="before", month=month, day=day, raw="trước ngày")
    on = Deadline(operator="on", month=month, day=day, raw="vào ngày")
    assert last_day_on_time(on, year) - last_day_on_time(before, year) == timedelta(days=1)


def test_before_the_31st_of_each_month_is_the_whole_of_a_month_of_30_days() -> None:
    monthly = duty(
        "monthly", {"operator": "before", "month": 1, "day": 31, "raw": "trước ngày 31 hằng tháng"}
    )
    due = [day for _, day in dates_of(monthly)]
    assert date(2026, 6, 30) in due
    assert date(2026, 7, 30) in due
    assert date(2026, 2, 28) in due


def test_half_yearly_with_a_june_date_names_the_first_half_only() -> None:
    entry = duty("semiannual", {"operator": "before", "month": 6, "day": 10, "raw": "trước 10/6"})
    assert dates_of(entry) == [("2026-H1", date(2026, 6, 9))]


def test_a_duty_without_a_date_is_proposed_for_the_18th_or_by_the_coordinator_the_22nd() -> None:
    assert dates_of(duty("annual")) == [("2026", date(2026, 12, 18))]
    assert dates_of(duty("quarterly"), coordinating=True) == [
        ("2026-Q1", date(2026, 3, 22)),
        ("2026-Q2", date(2026, 6, 22)),
        ("2026-Q3", date(2026, 9, 22)),
        ("2026-Q4", date(2026, 12, 22)),
    ]


def test_every_three_years_counts_from_the_year_of_issue() -> None:
    assert dates_of(duty("every_3_years")) == [("2026", date(2026, 12, 18))]
    assert dates_of(duty("every_5_years")) == []


def test_an_ad_hoc_duty_makes_nothing() -> None:
    assert dates_of(duty("ad_hoc")) == []


@given(
    st.sampled_from(["annual", "semiannual", "quarterly", "monthly", "every_3_years"]),
    DAYS,
    st.integers(0, 900),
)
def test_occurrences_lie_within_the_window_and_their_periods_are_unique(
    frequency: str, since: date, length: int
) -> None:
    until = since + timedelta(days=length)
    found = list(
        occurrences(
            duty(frequency),
            issued_on=date(2020, 4, 21),
            coordinating=False,
            since=since,
            until=until,
        )
    )
    assert all(since <= item.due_on <= until for item in found)
    assert len({item.period for item in found}) == len(found)
    assert [item.due_on for item in found] == sorted(item.due_on for item in found)


@pytest.mark.parametrize(
    ("kind", "end", "expected"),
    [
        ("fixed", 2025, date(2025, 12, 31)),
        ("fixed_deadline_only", 2030, date(2030, 12, 31)),
        ("open_ended", None, None),
        ("recurring_annual", None, None),
        ("conditional", None, None),
        ("not_stated", None, None),
        ("missing", None, None),
    ],
)
def test_only_periods_with_an_end_fall_due(
    kind: str, end: int | None, expected: date | None
) -> None:
    start = 2020 if kind == "fixed" else None
    period = Period.model_validate({"raw": "", "kind": kind, "start_year": start, "end_year": end})
    assert phase_end(period) == expected


def test_the_shipped_calendars_cover_2020_to_2030(registry: Registry) -> None:
    assert all(registry.workdays.is_known(year) for year in range(2020, 2031))
    assert registry.workdays.is_confirmed(2026)
    assert not registry.workdays.is_confirmed(2028)
