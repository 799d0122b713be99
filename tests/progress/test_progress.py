"""What answers change, what is counted, and what can be taken back."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DatabaseError

from data.db.database import Database
from data.figures import reports as report_figures
from data.figures.agencies import load_agency_figures
from data.figures.plans import load_plan_figures
from data.figures.states import Figures
from data.figures.tasks import load_task_figures
from data.models import Account, Agency, Chat, InboxEvent, Obligation, Plan, StatusReply, Task
from data.obligations import lists
from data.progress import replies, undo
from data.progress.replies import ObligationNotOpen
from data.progress.undo import CannotUndo
from data.registry.registry import Registry
from data.rules.holders import Holders
from data.rules.states import official_state
from tests.support.conversations import small_registry
from tests.support.loaded_province import load_world, obligation

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # a Monday; reports are due Saturday 14/11
TODAY = date(2026, 11, 9)


class World:
    """The small registry loaded, one chat, and answers from it."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self.database = database
        self.registry = registry
        self.now = NOW
        self.chat_id = 0
        self.events: list[int] = []

    async def begin(self) -> World:
        await load_world(self.database, self.registry, now=NOW)
        async with self.database.write() as connection:
            account = await connection.execute(
                insert(Account).values(channel="local", name="a").returning(Account.id)
            )
            account_id = account.scalar_one()
            chat = await connection.execute(
                insert(Chat)
                .values(account_id=account_id, address="7", kind="private")
                .returning(Chat.id)
            )
            self.chat_id = chat.scalar_one()
            events = await connection.scalars(
                insert(InboxEvent).returning(InboxEvent.id, sort_by_parameter_order=True),
                [
                    {
                        "account_id": account_id,
                        "update_id": str(number),
                        "raw": b"",
                        "received_at": NOW,
                    }
                    for number in range(9)
                ],
            )
            self.events = list(events)
        return self

    async def owed(self, code: str = "BC.1", agency: str = "stc", period: str = "2026") -> Any:
        return await obligation(
            self.database, plan="dong-10-2026", agency=agency, code=code, period=period
        )

    async def record(self, said: replies.ReplyKind, event: int = 0, **more: Any) -> int | None:
        row = more.pop("of", None) or await self.owed()
        async with self.database.write() as connection:
            return await replies.record_reply(
                connection,
                obligation_id=row.id,
                said=said,
                person_id=None,
                chat_id=self.chat_id,
                event_id=self.events[event],
                now=self.now,
                today=TODAY,
                workdays=self.registry.workdays,
                **more,
            )

    async def undo(self, reply_id: int) -> list[Any]:
        async with self.database.write() as connection:
            return await undo.undo_reply(
                connection,
                reply_id=reply_id,
                person_id=None,
                chat_id=self.chat_id,
                event_id=self.events[8],
                now=self.now,
            )

    async def set(self, row: Any, **values: Any) -> None:
        async with self.database.write() as connection:
            await connection.execute(
                update(Obligation).where(Obligation.id == row.id).values(values)
            )


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database, small_registry()).begin()


# ------------------------------------------------------------------ recording


async def test_acknowledgement_holds_for_three_working_days(world: World) -> None:
    await world.record("acknowledge")
    row = await world.owed()
    assert (row.state, row.acknowledged_until) == ("open", date(2026, 11, 12))


async def test_completion_is_submitted_never_confirmed_and_stops_reminders(world: World) -> None:
    await world.record("completed")
    row = await world.owed()
    assert (row.state, row.done_on, row.remind_on, row.rung) == ("submitted", TODAY, None, None)


async def test_completion_is_dated_by_its_document(world: World) -> None:
    await world.record("completed", document="12/BC-STC", document_on=date(2026, 11, 6))
    assert (await world.owed()).done_on == date(2026, 11, 6)


async def test_a_completion_said_once_more_keeps_its_document_and_its_day(world: World) -> None:
    await world.record("completed", document="12/BC-STC", document_on=date(2026, 11, 6))
    await world.record("completed", note="xong rồi nhé")
    assert (await world.owed()).done_on == date(2026, 11, 6)
    async with world.database.read() as connection:
        replies = await connection.execute(
            select(StatusReply.document, StatusReply.document_on).order_by(StatusReply.id.desc())
        )
        assert tuple(replies.first() or ()) == ("12/BC-STC", date(2026, 11, 6))
    await world.record("completed", document="13/BC-STC")  # no day: the one that stands
    assert (await world.owed()).done_on == date(2026, 11, 6)


async def test_progress_after_a_completion_opens_it_again(world: World) -> None:
    await world.record("completed")
    await world.record("in_progress", percent=80)
    row = await world.owed()
    assert (row.state, row.percent, row.submitted_at, row.done_on) == ("open", 80, None, None)


async def test_saying_the_same_again_changes_nothing(world: World) -> None:
    for said in ("acknowledge", "in_progress", "extension", "completed"):
        assert await world.record(said) is not None
        assert await world.record(said, event=1) is None


async def test_another_percent_is_another_answer(world: World) -> None:
    assert await world.record("in_progress", percent=40) is not None
    assert await world.record("in_progress", percent=60) is not None
    assert (await world.owed()).percent == 60


@pytest.mark.parametrize("state", ["confirmed", "withdrawn", "superseded"])
async def test_what_is_closed_takes_no_answer(world: World, state: str) -> None:
    await world.set(await world.owed(), state=state)
    for said in ("acknowledge", "in_progress", "completed", "extension"):
        with pytest.raises(ObligationNotOpen) as refused:
            await world.record(said)
        assert refused.value.state == state


async def test_acknowledging_what_was_handed_in_does_not_open_it(world: World) -> None:
    await world.record("completed")
    with pytest.raises(ObligationNotOpen):
        await world.record("acknowledge")
    assert (await world.owed()).state == "submitted"


async def test_answers_cannot_be_changed_afterwards(world: World) -> None:
    await world.record("acknowledge")
    with pytest.raises(DatabaseError):
        async with world.database.write() as connection:
            await connection.execute(update(StatusReply).values(said="completed"))


# ------------------------------------------------------------------ taking back


async def test_undo_restores_the_state_before(world: World) -> None:
    await world.record("in_progress", percent=40)
    before = await world.owed()
    reply_id = await world.record("completed", event=1)
    assert reply_id is not None
    await world.undo(reply_id)
    after = await world.owed()
    kept = ("state", "percent", "progress", "acknowledged_until", "submitted_at", "done_on")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]


async def test_undo_takes_back_all_answers_of_one_event(world: World) -> None:
    await world.record("acknowledge", event=1)
    reply_id = await world.record("acknowledge", event=1, of=await world.owed("1", period="end"))
    assert reply_id is not None
    assert len(await world.undo(reply_id)) == 2
    assert (await world.owed()).acknowledged_until is None


async def test_undo_is_refused_after_twenty_four_hours(world: World) -> None:
    reply_id = await world.record("completed")
    assert reply_id is not None
    world.now = NOW + timedelta(hours=24, seconds=1)
    with pytest.raises(CannotUndo) as refused:
        await world.undo(reply_id)
    assert refused.value.why == "too_late"
    world.now = NOW + timedelta(hours=24)
    await world.undo(reply_id)


@pytest.mark.parametrize(
    "decision",
    [
        {"state": "confirmed"},
        {"state": "open", "returned_at": NOW + timedelta(hours=1)},
        {"extended_to": date(2026, 12, 1)},
    ],
)
async def test_undo_is_refused_once_a_coordinator_acted(
    world: World, decision: dict[str, Any]
) -> None:
    reply_id = await world.record("completed")
    assert reply_id is not None
    await world.set(await world.owed(), **decision)
    with pytest.raises(CannotUndo) as refused:
        await world.undo(reply_id)
    assert refused.value.why == "acted_on"


async def test_undo_twice_takes_one_answer_back(world: World) -> None:
    await world.record("acknowledge")
    reply_id = await world.record("completed", event=1)
    assert reply_id is not None
    await world.undo(reply_id)
    with pytest.raises(CannotUndo) as refused:
        await world.undo(reply_id)
    assert refused.value.why == "nothing"
    assert (await world.owed()).acknowledged_until == date(2026, 11, 12)


async def test_undo_is_refused_when_somebody_answered_since(world: World) -> None:
    reply_id = await world.record("acknowledge")
    assert reply_id is not None
    later = await world.record("completed", event=1)
    with pytest.raises(CannotUndo) as refused:
        await world.undo(reply_id)
    assert refused.value.why == "answered_since"
    assert later is not None
    await world.undo(later)
    await world.undo(reply_id)  # the later one no longer stands in the way


# ------------------------------------------------------------------ figures


@pytest.mark.parametrize(
    ("state", "done_on", "today", "expected"),
    [
        ("open", None, date(2026, 11, 16), "open_on_time"),  # judged on Monday 16/11
        ("open", None, date(2026, 11, 17), "open_late"),
        ("submitted", date(2026, 11, 16), date(2026, 12, 1), "open_on_time"),
        ("submitted", date(2026, 11, 17), date(2026, 11, 17), "open_late"),
        ("confirmed", date(2026, 11, 16), date(2026, 12, 1), "done_on_time"),
        ("confirmed", date(2026, 11, 17), date(2026, 12, 1), "done_late"),
        ("withdrawn", None, date(2026, 12, 1), None),
    ],
)
def test_official_state_is_reckoned_from_the_day_that_is_judged(
    state: str, done_on: date | None, today: date, expected: str | None
) -> None:
    owed_row = SimpleNamespace(state=state, done_on=done_on, judged_on=date(2026, 11, 16))
    last_working_day = small_registry().workdays.on_or_before(today)
    assert official_state(owed_row, last_working_day=last_working_day) == expected


def test_weekend_after_a_due_friday_is_not_late_yet() -> None:
    owed_row = SimpleNamespace(state="open", done_on=None, judged_on=date(2026, 11, 13))
    workdays = small_registry().workdays
    for today, expected in (
        (date(2026, 11, 15), "open_on_time"),
        (date(2026, 11, 16), "open_late"),
    ):
        assert official_state(owed_row, last_working_day=workdays.on_or_before(today)) == expected


async def plan_figures(world: World, today: date = TODAY) -> Any:
    async with world.database.read() as connection:
        plan_id = await connection.scalar(select(Plan.id).where(Plan.code == "dong-10-2026"))
        assert plan_id is not None
        found = await load_plan_figures(
            connection, [plan_id], today=today, workdays=world.registry.workdays
        )
        return found[plan_id]


async def test_task_of_two_agencies_is_counted_once_and_done_when_both_are(world: World) -> None:
    assert (await plan_figures(world)).tasks == Figures(open_on_time=4)
    assert (await plan_figures(world)).unassigned == 1
    first, second = await world.owed("2", "stc", "end"), await world.owed("2", "sxd", "end")
    await world.set(first, state="confirmed", done_on=TODAY)
    assert (await plan_figures(world)).tasks.done_on_time == 0
    await world.set(second, state="submitted", done_on=TODAY)
    assert (await plan_figures(world)).tasks.waiting == 1
    await world.set(second, state="confirmed", done_on=date(2027, 2, 1))
    assert (await plan_figures(world)).tasks == Figures(done_late=1, open_on_time=3)


async def test_task_is_late_when_one_of_its_agencies_is(world: World) -> None:
    await world.set(await world.owed("2", "stc", "end"), state="confirmed", done_on=TODAY)
    counted = (await plan_figures(world, date(2027, 1, 5))).tasks
    assert (counted.open_late, counted.open_on_time) == (2, 2)


async def test_undated_task_is_done_for_the_year_when_this_years_question_is_confirmed(
    world: World,
) -> None:
    await world.set(await world.owed("3", "stc", "2026"), state="confirmed", done_on=TODAY)
    assert (await plan_figures(world)).tasks.done_on_time == 1
    next_year = (await plan_figures(world, date(2027, 1, 5))).tasks
    assert (next_year.done_on_time, next_year.total) == (0, 4)


STATES_OF_PARTS = [
    *itertools.product(("open", "submitted", "confirmed"), repeat=2),
    ("withdrawn", "confirmed"),
    ("withdrawn", "superseded"),
]


@pytest.mark.parametrize("states", STATES_OF_PARTS)
@pytest.mark.parametrize("done_on", [date(2026, 12, 31), date(2027, 2, 1)])
@pytest.mark.parametrize("today", [TODAY, date(2027, 1, 5)])
async def test_plan_counts_each_task_as_the_task_itself_tells(
    world: World, states: tuple[str, str], done_on: date, today: date
) -> None:
    for agency, state in zip(("stc", "sxd"), states, strict=True):
        row = await world.owed("2", agency, "end")
        await world.set(row, state=state, done_on=None if state == "open" else done_on)
    async with world.database.read() as connection:
        tasks = await connection.execute(
            select(Task.id).join(Plan, Plan.id == Task.plan_id).where(Plan.code == "dong-10-2026")
        )
        told = await load_task_figures(
            connection, list(tasks.scalars()), today=today, workdays=world.registry.workdays
        )
    counted = await plan_figures(world, today)
    found = Counter(task.state for task in told.values())
    assert counted.tasks == Figures(
        done_on_time=found["done_on_time"],
        done_late=found["done_late"],
        open_on_time=found["open_on_time"],
        open_late=found["open_late"],
        waiting=sum(
            task.submitted > 0 and task.confirmed + task.submitted == task.parts
            for task in told.values()
        ),
    )
    assert counted.unassigned == sum(task.parts == 0 for task in told.values())


async def test_report_counts_received_of_expected_and_names_who_is_missing(world: World) -> None:
    await world.record("completed")

    async def next_report(today: date) -> list[report_figures.DutyFigures]:
        async with world.database.read() as connection:
            plan_id = await connection.scalar(select(Plan.id).where(Plan.code == "dong-10-2026"))
            assert plan_id is not None
            return await report_figures.load_duty_figures(
                connection, [plan_id], today=today, workdays=world.registry.workdays
            )

    (report,) = await next_report(TODAY)
    assert (report.received, report.expected, report.confirmed) == (1, 2, 0)
    assert (report.missing, report.left, report.is_late) == (("Sở Xây dựng",), 4, False)
    assert report.proposed is False
    past, coming = await next_report(date(2026, 11, 18))
    assert (past.period, past.is_late, past.left) == ("năm 2026", True, -2)
    assert (coming.period, coming.received) == ("năm 2027", 0)
    told = await next_report(date(2028, 1, 5))  # a year later both are still asked for
    assert [(report.period, report.is_late) for report in told] == [
        ("năm 2026", True),
        ("năm 2027", True),
    ]
    await world.record("completed", of=await world.owed(agency="sxd"))
    assert [report.period for report in await next_report(date(2026, 11, 18))] == ["năm 2027"]


async def held_by(world: World, code: str, today: date = TODAY) -> Any:
    holders = Holders(world.registry.provinces["dong"], on=today)
    async with world.database.read() as connection:
        return await lists.held_condition(connection, "dong", holders.owners_held_by(code))


async def test_agencys_figures_agree_with_the_state_of_each_obligation(world: World) -> None:
    await world.record("completed")
    condition = await held_by(world, "stc")
    async with world.database.read() as connection:
        counted = await load_agency_figures(
            connection, condition, today=TODAY, workdays=world.registry.workdays
        )
        rows = await connection.execute(
            select(Obligation).where(
                condition,
                Obligation.due_on <= lists.last_current_day(TODAY),
                lists.current_question_condition(TODAY),
            )
        )
        states = [
            official_state(row, last_working_day=world.registry.workdays.on_or_before(TODAY))
            for row in rows
        ]
    assert counted == Figures(
        done_on_time=states.count("done_on_time"),
        done_late=states.count("done_late"),
        open_on_time=states.count("open_on_time"),
        open_late=states.count("open_late"),
        waiting=1,
    )
    assert counted.total == 5


async def test_what_is_due_soon_stands_before_what_is_long_late(world: World) -> None:
    condition = await held_by(world, "stc")
    async with world.database.read() as connection:
        ids = await lists.list_current_ids(connection, condition, today=TODAY)
        rows = {row.id: row for row in await connection.execute(select(Obligation))}
    assert [rows[key].code for key in ids] == ["BC.1", "1", "2", "8"]


async def test_successor_has_the_work_of_the_agency_that_ended(world: World) -> None:
    condition = await held_by(world, "stc")
    async with world.database.read() as connection:
        owners = await connection.execute(
            select(Agency.code)
            .join(Obligation, Obligation.agency_id == Agency.id)
            .where(condition, Obligation.code == "8")
        )
        assert list(owners.scalars()) == ["skhdt"]


def test_every_agency_has_one_living_holder_or_falls_to_the_coordinator(registry: Registry) -> None:
    for day in (date(2024, 6, 1), date(2025, 4, 1), date(2026, 11, 9)):
        for home in registry.provinces.values():
            holders = Holders(home, on=day)
            for code in home.agencies:
                for kind in ("report", "phase_end"):
                    holder = holders.holder(code, kind)
                    if holder is not None:
                        assert (home.agencies[holder].valid_until or date.max) >= day
                    held = (
                        holders.owners_without_holder()
                        if holder is None
                        else holders.owners_held_by(holder)
                    )
                    assert code in (held.tasks if kind == "phase_end" else held.reports)
