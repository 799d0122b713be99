"""A request that was decided is decided once: a second decision is refused and changes nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

import pytest
from sqlalchemy import update

from data.db.database import Database
from data.models import Obligation
from data.progress import explanations, extensions
from tests.support.conversations import Talk
from tests.support.decision_world import NOW, NUMBER, seated

LATER, OTHER = date(2026, 11, 20), date(2026, 11, 18)
State = Literal["granted", "refused", "offered", "withdrawn"]


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await seated(database)


async def asked(talk: Talk) -> tuple[int, int]:
    """Ask for a later date of BC.3 of Sở Xây dựng; returns the ids of obligation and request."""
    row = await talk.obligation(NUMBER, "sxd", "BC.3", "2026")
    async with talk.database.write() as connection:
        request = await extensions.request_extension(
            connection,
            obligation_id=row.id,
            until=LATER,
            reason="chờ số liệu",
            reply_id=None,
            person_id=None,
            chat_id=None,
            now=NOW,
        )
    return int(row.id), request


async def decide(talk: Talk, request: int, state: State, until: date | None = None) -> None:
    async with talk.database.write() as connection:
        await extensions.decide_extension(
            connection, request, state, until=until, decision_id=None, now=talk.now
        )


async def standing(talk: Talk, request: int) -> tuple[Any, Any]:
    async with talk.database.read() as connection:
        row = await extensions.find_extension(connection, request)
    return row, await talk.obligation(NUMBER, "sxd", "BC.3", "2026")


@pytest.mark.parametrize("second", ["granted", "refused", "offered", "withdrawn"])
@pytest.mark.parametrize("first", ["granted", "refused", "withdrawn"])
async def test_a_decided_request_is_not_decided_again(
    talk: Talk, first: State, second: State
) -> None:
    _, request = await asked(talk)
    await decide(talk, request, first, LATER if first == "granted" else None)
    before = await standing(talk, request)
    talk.now += timedelta(hours=1)
    with pytest.raises(ValueError, match="decided already"):
        await decide(talk, request, second, OTHER)
    assert await standing(talk, request) == before


async def test_an_offered_date_is_still_decided(talk: Talk) -> None:
    _, request = await asked(talk)
    await decide(talk, request, "offered", OTHER)
    row, obligation = await standing(talk, request)
    assert (row.state, row.granted_until, obligation.extended_to) == ("offered", OTHER, None)
    talk.now += timedelta(hours=1)
    await decide(talk, request, "granted", OTHER)
    row, after = await standing(talk, request)
    assert (row.state, row.decided_at, after.extended_to) == ("granted", talk.now, OTHER)
    assert (after.revision, after.revised_on) == (obligation.revision + 1, date(2026, 11, 9))


async def test_a_date_that_is_granted_begins_its_reminders_and_escalation_anew(talk: Talk) -> None:
    row, request = await asked(talk)
    held = {"late_told": 2, "acknowledged_until": date(2026, 11, 12), "extension_asked_at": NOW}
    async with talk.database.write() as connection:
        await connection.execute(update(Obligation).where(Obligation.id == row).values(held))
    await decide(talk, request, "granted", LATER)
    _, after = await standing(talk, request)
    assert (after.late_told, after.acknowledged_until, after.extension_asked_at) == (0, None, None)


async def test_a_refusal_leaves_date_and_escalation(talk: Talk) -> None:
    row, request = await asked(talk)
    held = {"late_told": 2, "acknowledged_until": date(2026, 11, 12), "extension_asked_at": NOW}
    async with talk.database.write() as connection:
        await connection.execute(update(Obligation).where(Obligation.id == row).values(held))
    await decide(talk, request, "refused")
    _, after = await standing(talk, request)
    assert (after.late_told, after.acknowledged_until) == (2, date(2026, 11, 12))
    assert (after.extended_to, after.extension_asked_at) == (None, None)


async def test_a_request_that_is_unknown_is_not_decided(talk: Talk) -> None:
    with pytest.raises(ValueError, match="decided already"):
        await decide(talk, 12345, "granted", LATER)


async def test_an_explanation_is_recorded_once(talk: Talk) -> None:
    row = await talk.obligation(NUMBER, "sxd", "BC.3", "2026")
    async with talk.database.write() as connection:
        asked_id = await explanations.request_explanation(
            connection,
            obligation_id=row.id,
            agency_id=row.agency_id,
            question="vì sao chậm",
            asked_by="Sở Khoa học và Công nghệ",
            person_id=None,
            chat_id=None,
            now=NOW,
        )
        assert asked_id is not None
        for words, recorded in (("chờ số liệu", True), ("thiếu người", False)):
            assert recorded is await explanations.record_explanation(
                connection, asked_id, words=words, person_id=None, now=NOW
            )
        kept = await explanations.find_explanation(connection, asked_id)
    assert kept is not None
    assert (kept.state, kept.answer) == ("answered", "chờ số liệu")
