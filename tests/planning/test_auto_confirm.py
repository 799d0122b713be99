"""Submitted obligations are confirmed after ten working days without a decision, and marked so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from data.db.database import Database
from data.models import Decision
from jobs.planning.auto_confirm import auto_confirm
from tests.support.conversations import Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # Monday
PLAN = "10/KH-UBND"


async def test_a_completion_is_confirmed_after_its_tenth_working_day_and_marked_so(
    database: Database,
) -> None:
    talk = await Talk(database, small_registry(), NOW).begin(Seat("stc", "dong", "stc"))
    row = await talk.obligation(PLAN, "stc", "BC.1", "2026")
    await talk.tap("stc", f"done:{row.id}")
    workdays = talk.registry.workdays
    # Ten working days after 9/11: 10 to 13, 16 to 20 and 23/11, which is still the decider's.
    during = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    assert await auto_confirm(database, workdays, now=during) == 0
    after = datetime(2026, 11, 23, 17, 20, tzinfo=UTC)  # past midnight in Vietnam
    assert await auto_confirm(database, workdays, now=after) == 1
    assert await auto_confirm(database, workdays, now=after) == 0
    now = await talk.obligation(PLAN, "stc", "BC.1", "2026")
    assert (now.state, now.confirmed_by, now.confirmed_at) == ("confirmed", "tự động", after)
    async with database.read() as connection:
        (decision,) = (await connection.execute(select(Decision))).all()
    assert (decision.kind, decision.decided_by, decision.person_id) == ("confirm", "tự động", None)
    assert decision.details["by_itself"] is True


async def test_what_was_returned_or_is_not_yet_done_is_never_confirmed_by_itself(
    database: Database,
) -> None:
    talk = await Talk(database, small_registry(), NOW).begin(
        Seat("stc", "dong", "stc"), Seat("coordinator", "dong", "skhcn", "coordinator")
    )
    row = await talk.obligation(PLAN, "stc", "BC.1", "2026")
    await talk.tap("stc", f"done:{row.id}")
    await talk.tap("coordinator", f"return:{row.id}")
    await talk.say("coordinator", "Thiếu phụ lục")
    later = NOW + timedelta(days=60)
    assert await auto_confirm(database, talk.registry.workdays, now=later) == 0
    assert (await talk.obligation(PLAN, "stc", "BC.1", "2026")).state == "open"
