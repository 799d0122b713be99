"""An offer to take over belongs to the one code that was made with it, whatever numbers later codes get."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from data.contacts.invitations import create_handover_code, create_invitation, hash_code
from data.db.database import Database
from data.models import Decision, Enrolment, Identity, Invitation
from jobs.housekeeping import tidy
from tests.support.conversations import Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)


@pytest.fixture
async def talk(database: Database) -> Talk:
    seats = Seat("lan", "dong", "stc"), Seat("coordinator", "tay", "skhcn", "coordinator")
    return await Talk(database, small_registry(), NOW).begin(*seats)


async def offer_of(talk: Talk, chat: str) -> int:
    """Make a code by which somebody would be handed over; returns its number."""
    async with talk.database.write() as connection:
        person = await connection.scalar(select(Identity.person_id).where(Identity.sender == chat))
        assert person is not None
        code, _ = await create_handover_code(connection, person_id=person, now=NOW)
        number = await connection.scalar(
            select(Invitation.id).where(Invitation.code_hash == hash_code(code))
        )
    assert number is not None
    return number


async def living(talk: Talk) -> dict[str, list[int]]:
    """Return the agencies for which each sender is enrolled."""
    found: dict[str, list[int]] = {}
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(Identity.sender, Enrolment.agency_id)
            .join(Enrolment, Enrolment.person_id == Identity.person_id)
            .where(Enrolment.ended_at.is_(None))
            .order_by(Enrolment.id)
        )
        for row in rows:
            found.setdefault(row.sender, []).append(row.agency_id)
    return found


async def test_a_code_made_after_an_offer_expired_hands_nobody_over(talk: Talk) -> None:
    before = await living(talk)
    number = await offer_of(talk, "lan")
    assert (await tidy(talk.database, now=NOW + timedelta(days=60))).codes == 1
    talk.now = NOW + timedelta(days=61)
    await talk.enrol("binh", "tay", "sxd")
    async with talk.database.read() as connection:
        assert await connection.scalar(select(Invitation).where(Invitation.id == number)) is None
    assert await living(talk) == before | {"binh": [await talk.agency_id("tay", "sxd")]}


async def test_a_code_that_had_the_number_of_an_offer_would_still_be_a_plain_one(
    talk: Talk,
) -> None:
    """Whoever numbers rows by hand, or brings them from elsewhere, makes no handover."""
    before = await living(talk)
    number = await offer_of(talk, "lan")
    agency = await talk.agency_id("tay", "sxd")
    async with talk.database.write() as connection:
        await connection.execute(delete(Invitation).where(Invitation.id == number))
        code = await create_invitation(connection, agency_id=agency, role="focal", now=NOW)
        await connection.execute(
            update(Invitation).where(Invitation.code_hash == hash_code(code)).values(id=number)
        )
        # as decisions of before named the number
        await connection.execute(
            insert(Decision).values(
                kind="handover", plan_code="", subject=f"invitation:{number}",
                details={"enrolments": [1]}, person_id=1, decided_by="x", decided_at=NOW,
            )
        )  # fmt: skip
    await talk.say("binh", f"/start {code}")
    assert await living(talk) == before | {"binh": [agency]}


async def test_an_offered_code_hands_over_what_was_offered(talk: Talk) -> None:
    before = await living(talk)
    async with talk.database.write() as connection:
        code, _ = await create_handover_code(connection, person_id=1, now=NOW)
    await talk.say("binh", f"/start {code}")
    after = await living(talk)
    assert after["binh"] == before["lan"]
    assert "lan" not in after
