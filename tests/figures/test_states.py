"""The official states: what SQL and Python say of any obligation on any day of 2020 to 2035 is the same."""

from __future__ import annotations

import ast
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, insert, select, text
from sqlalchemy.engine import URL

from data.figures.states import (
    Figures,
    done_late_condition,
    late_condition,
    official_state_sql,
    open_on_time_condition,
    overdue_condition,
    total_columns,
)
from data.models import LIVE_STATES, Obligation
from data.rules.ladder import NEVER, compute_due_date
from data.rules.states import (
    OFFICIAL_STATES,
    combined_state,
    is_done_late,
    is_overdue,
    official_days_left,
    official_state,
    working_days_late,
    working_days_left,
)
from tests.rules.test_dates import CALENDAR, DAYS
from tests.support.sources import MODULES, path_name, source, tree

STATES = (*LIVE_STATES, "withdrawn", "superseded")
# Days that differ from their weekday, with those around them: Tết, swapped Saturdays, days in lieu.
ODD_DAYS = [
    day
    for odd in (date(2020, 1, 1) + timedelta(days=n) for n in range(366 * 11))
    if CALENDAR.reason(odd)
    for day in (odd - timedelta(days=1), odd, odd + timedelta(days=1), odd + timedelta(days=3))
    if day.year >= 2020
]
ANY_DAY = st.one_of(DAYS, st.sampled_from(ODD_DAYS))
NEAR = st.integers(-12, 12)  # days from today, where every rule changes its mind


@st.composite
def obligations(draw: st.DrawFn, today: date) -> dict[str, Any]:
    """Return the columns of an obligation that is due, and maybe done, near a day."""
    kind = draw(st.sampled_from(["report", "phase_end", "undated"]))
    due_on = today + timedelta(days=draw(NEAR))
    due = compute_due_date(due_on, CALENDAR, strictly=draw(st.booleans()), kind=kind)
    done_on = due_on + timedelta(days=draw(NEAR)) if draw(st.booleans()) else None
    return {
        "kind": kind,
        "due_on": due_on,
        "base_on": due.base,
        "judged_on": due.judged,
        "state": draw(st.sampled_from(STATES)),
        "done_on": done_on,
    }


@st.composite
def days_and_obligations(draw: st.DrawFn) -> tuple[date, list[dict[str, Any]]]:
    today = draw(ANY_DAY)
    return today, draw(st.lists(obligations(today), min_size=1, max_size=12))


@pytest.fixture
def engine(database_url: URL) -> Any:
    plain = database_url
    if database_url.get_backend_name() == "sqlite":
        plain = database_url.set(drivername="sqlite")
    engine = create_engine(plain)
    yield engine
    engine.dispose()


def insert_all(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if connection.dialect.name != "sqlite":  # whose own keys to plans and agencies are not checked
        connection.execute(text("SET session_replication_role = replica"))
    named = {"plan_id": 1, "agency_id": 1, "code": "1", "due_words": ""}
    values = [{**row, **named, "id": n, "period": str(n)} for n, row in enumerate(rows, 1)]
    connection.execute(insert(Obligation), values)


@pytest.mark.slow
def test_sql_and_python_tell_the_same_of_every_obligation_on_every_day(engine: Engine) -> None:
    @settings(max_examples=250)
    @given(days_and_obligations())
    def agree(example: tuple[date, list[dict[str, Any]]]) -> None:
        today, rows = example
        last_working_day = CALENDAR.on_or_before(today)
        with engine.connect() as connection:
            insert_all(connection, rows)
            found = connection.execute(
                select(
                    Obligation.state,
                    Obligation.base_on,
                    Obligation.judged_on,
                    Obligation.done_on,
                    official_state_sql(last_working_day).label("official"),
                    late_condition(last_working_day).label("late"),
                    overdue_condition(last_working_day).label("overdue"),
                    open_on_time_condition(last_working_day).label("on_time"),
                    done_late_condition().label("done_late"),
                ).order_by(Obligation.id)
            ).all()
            totals = connection.execute(
                select(*total_columns(last_working_day)).where(Obligation.state.in_(LIVE_STATES))
            ).one()
            connection.rollback()
        assert len(found) == len(rows)
        told = []
        for row in found:
            state = official_state(row, last_working_day=last_working_day)
            told.append(state)
            assert row.official == state
            assert bool(row.late) == (state == "open_late")
            assert bool(row.done_late) == (state == "done_late")
            is_open = row.state == "open"
            missed = is_overdue(row.judged_on, last_working_day)
            assert bool(row.overdue) == (is_open and missed)
            assert bool(row.on_time) == (is_open and not missed)
            if state is not None:
                left = official_days_left(row, today=today, workdays=CALENDAR)
                assert (left < 0) == state.endswith("late")
        assert Figures.from_totals(*(int(value or 0) for value in totals)) == Figures(
            *(told.count(state) for state in OFFICIAL_STATES),
            waiting=sum(row.state == "submitted" for row in found),
        )

    agree()


@given(ANY_DAY, NEAR, st.booleans())
def test_late_is_what_is_some_working_day_late(today: date, offset: int, strictly: bool) -> None:
    due = compute_due_date(today + timedelta(days=offset), CALENDAR, strictly=strictly)
    late = is_overdue(due.judged, CALENDAR.on_or_before(today))
    left = working_days_left(due.base, due.judged, today=today, workdays=CALENDAR)
    days_late = working_days_late(due.judged, today=today, workdays=CALENDAR)
    assert late == (left < 0) == (days_late > 0)
    if late:
        assert left == -days_late
    else:
        # On time is all that has had no working day since the day that is judged.
        assert not any(
            CALENDAR.is_working(due.judged + timedelta(days=n))
            for n in range(1, (today - due.judged).days + 1)
        )


@pytest.mark.parametrize(
    ("due_on", "today", "late"),
    [
        (date(2026, 11, 13), date(2026, 11, 14), False),  # a Friday, its Saturday
        (date(2026, 11, 13), date(2026, 11, 16), True),
        (date(2026, 2, 13), date(2026, 2, 22), False),  # the Friday before Tết, its last Sunday
        (date(2026, 2, 13), date(2026, 2, 23), True),
        (date(2026, 2, 18), date(2026, 2, 23), False),  # within Tết: judged on the first day after
        (date(2026, 2, 18), date(2026, 2, 24), True),
        (date(2026, 1, 9), date(2026, 1, 10), True),  # the Saturday worked instead of 2/1
        (date(2026, 1, 2), date(2026, 1, 4), False),
        (date(2026, 1, 2), date(2026, 1, 6), True),
    ],
)
def test_late_begins_on_the_next_working_day(due_on: date, today: date, late: bool) -> None:
    due = compute_due_date(due_on, CALENDAR)
    assert is_overdue(due.judged, CALENDAR.on_or_before(today)) is late


def test_what_never_falls_due_is_never_late() -> None:
    for day in ODD_DAYS:
        assert not is_overdue(NEVER, CALENDAR.on_or_before(day))
        assert not is_done_late(day, NEVER)


def test_what_was_done_on_a_saturday_after_its_friday_was_done_late_by_a_day() -> None:
    row = SimpleNamespace(
        state="submitted",
        base_on=date(2026, 11, 13),
        judged_on=date(2026, 11, 13),
        done_on=date(2026, 11, 14),
    )
    for today in (date(2026, 11, 14), date(2027, 3, 1)):
        assert official_state(row, last_working_day=CALENDAR.on_or_before(today)) == "open_late"
        assert official_days_left(row, today=today, workdays=CALENDAR) == -1


@pytest.mark.parametrize(
    ("parts", "done", "done_late", "open_late", "state"),
    [
        (0, 0, 0, 0, "open_on_time"),
        (2, 1, 1, 0, "open_on_time"),
        (2, 1, 0, 1, "open_late"),
        (2, 2, 0, 0, "done_on_time"),
        (2, 2, 1, 0, "done_late"),
    ],
)
def test_a_task_is_done_when_all_its_parts_are_and_late_when_one_is(
    parts: int, done: int, done_late: int, open_late: int, state: str
) -> None:
    combined = combined_state(parts=parts, done=done, done_late=done_late, open_late=open_late)
    assert combined == state


ONE_PLACE = {"data/rules/states.py", "data/figures/states.py"}


def test_no_other_module_compares_with_the_day_that_is_judged() -> None:
    for path in (path for path in MODULES if "judged" in source(path)):
        name = path_name(path)
        if name in ONE_PLACE or "migrations" in name:
            continue
        for node in ast.walk(tree(path)):
            is_count = (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "between"
            )
            if isinstance(node, ast.Compare) or is_count:
                words = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
                assert not words & {"judged_on", "judged"}, f"{name}:{node.lineno}"
