"""What is kept of people goes when its time is over, and not before; answers and decisions stay."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from data.models import (
    Chat,
    Decision,
    Dialog,
    Enrolment,
    EvidenceContent,
    Identity,
    InboxEvent,
    Message,
    Person,
    StatusReply,
)
from data.privacy import retention
from data.progress import evidence
from jobs.housekeeping import tidy
from tests.support.database_scan import columns_with
from tests.support.round_trip import Whole

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SECURITY = Path(__file__).parents[2] / "SECURITY.md"


def test_security_md_states_the_periods_that_the_code_keeps() -> None:
    written = SECURITY.read_text(encoding="utf-8")
    table = written.partition("| what | kept for |")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| (.+?) \| (\d+) days? \|$", table, re.MULTILINE))
    assert rows == {what: str(kept.days) for what, kept in retention.RETENTION_PERIODS.items()}


@pytest.fixture
async def whole(database: Any) -> Whole:
    whole = await Whole(database, NOW).begin()
    whole.names["coordinator"] = "Trần Thị Theo Dõi"
    await whole.enrol("coordinator", "skhcn", "coordinator")
    whole.names["stc"] = "Nguyễn Văn Quý Hiển"
    await whole.enrol("stc", "stc")
    return whole


async def stored(whole: Whole, *what: Any) -> list[Any]:
    async with whole.database.read() as connection:
        return list((await connection.execute(select(*what))).all())


async def test_whoever_left_a_year_ago_is_nobody_and_their_answers_stay(whole: Whole) -> None:
    await whole.say("stc", "/viec")
    await whole.say("stc", "1 vướng: chờ Nguyễn Văn Quý Hiển ký")
    replies = await stored(whole, StatusReply.id, StatusReply.note, StatusReply.said)
    assert replies
    decisions = await stored(whole, func.count(Decision.id))
    async with whole.database.write() as connection:
        person = await connection.scalar(select(Identity.person_id).where(Identity.sender == "stc"))
        await connection.execute(
            update(Enrolment).where(Enrolment.person_id == person).values(ended_at=NOW)
        )
    kept = await tidy(whole.database, now=NOW + 365 * DAY)
    assert kept.people == 0
    gone = await tidy(whole.database, now=NOW + 366 * DAY)
    assert gone.people == 1
    assert (await tidy(whole.database, now=NOW + 367 * DAY)).people == 0
    # what they wrote themselves stays as they wrote it
    assert await columns_with(whole.database, "Quý Hiển") == ["status_reply.note"]
    assert await stored(whole, StatusReply.id, StatusReply.note, StatusReply.said) == replies
    assert await stored(whole, func.count(Decision.id)) == decisions
    names = {row.name for row in await stored(whole, Person.name)}
    assert names == {"Trần Thị Theo Dõi", None}  # who is enrolled still is somebody
    addresses = {row.address for row in await stored(whole, Chat.address)}
    assert "stc" not in addresses
    assert "coordinator" in addresses


async def test_of_a_stranger_nothing_is_left_after_ninety_days(whole: Whole) -> None:
    await whole.say("nguoi-la", "xin chào, tôi là người lạ")
    await whole.say("-nhom-la", "/viec", chat_title="Nhóm lạ", sender="x9")
    assert await columns_with(whole.database, "nguoi-la")
    assert (await tidy(whole.database, now=NOW + 90 * DAY)).chats == 0
    assert (await tidy(whole.database, now=NOW + 91 * DAY)).chats == 2
    for words in ("nguoi-la", "người lạ", "Nhóm lạ", "nhom-la", "x9"):
        assert await columns_with(whole.database, words) == []
    assert (await tidy(whole.database, now=NOW + 92 * DAY)).chats == 0
    await whole.say("nguoi-la", "lại là tôi")
    assert len([row for row in await stored(whole, Chat.address) if row.address == "nguoi-la"]) == 1


async def test_updates_lose_words_and_chat_after_a_month_and_parked_ones_after_three(
    whole: Whole,
) -> None:
    async with whole.database.write() as connection:
        latest = await connection.scalar(select(func.max(InboxEvent.id)))
        await connection.execute(
            update(InboxEvent)
            .where(InboxEvent.id == latest)
            .values(state="parked", raw=b"{hong", error="ValueError: lời của ai đó")
        )
    await tidy(whole.database, now=NOW + 31 * DAY)
    rows = await stored(whole, InboxEvent.id, InboxEvent.raw, InboxEvent.address, InboxEvent.error)
    held = [row.id for row in rows if row.raw or row.address or row.error]
    assert held == [latest]
    await tidy(whole.database, now=NOW + 91 * DAY)
    rows = await stored(whole, InboxEvent.raw, InboxEvent.address, InboxEvent.error)
    assert set(rows) == {(b"", None, None)}


async def test_what_our_answers_repeated_is_emptied_and_reminders_are_not(whole: Whole) -> None:
    await whole.say("stc", "/viec")
    await whole.say("stc", "1 vướng: chờ chữ ký đặc biệt")
    assert "message.context" in await columns_with(whole.database, "chữ ký đặc biệt")
    async with whole.database.write() as connection:
        first = await connection.scalar(select(func.min(Message.id)))
        await connection.execute(
            update(Message).where(Message.id == first).values(priority=2, context={"a": "b"})
        )
    await tidy(whole.database, now=NOW + 180 * DAY)
    assert "message.context" in await columns_with(whole.database, "chữ ký đặc biệt")
    gone = await tidy(whole.database, now=NOW + 181 * DAY)
    assert gone.words > 0
    assert "message.context" not in await columns_with(whole.database, "chữ ký đặc biệt")
    contexts = await stored(whole, Message.id, Message.context)
    assert [row.id for row in contexts if row.context] == [first]
    assert (await tidy(whole.database, now=NOW + 182 * DAY)).words == 0


async def test_a_question_that_expired_is_forgotten(whole: Whole) -> None:
    await whole.say("stc", "/viec")
    await whole.say("stc", "1 xin gia hạn đến 5/12/2026")
    assert (await stored(whole, func.count(Dialog.id)))[0][0] == 1
    await tidy(whole.database, now=NOW + DAY)
    assert (await stored(whole, func.count(Dialog.id)))[0][0] == 1
    await tidy(whole.database, now=NOW + 2 * DAY)
    assert (await stored(whole, func.count(Dialog.id)))[0][0] == 0


async def test_a_photo_goes_after_five_years_and_its_name_and_sum_stay(whole: Whole) -> None:
    photo = b"\xff\xd8\xff\xe0 nguoi trong anh"

    async def keep(at: datetime, obligation_id: int) -> None:
        async with whole.database.write() as connection:
            await evidence.store_evidence(
                connection, obligation_id=obligation_id, reply_id=None, name="anh.jpg",
                content=photo, person_id=None, chat_id=None, now=at,
            )  # fmt: skip

    await keep(NOW, 1)
    assert (await tidy(whole.database, now=NOW + 1825 * DAY)).evidence == 0
    assert (await tidy(whole.database, now=NOW + 1826 * DAY)).evidence == 1
    assert (await tidy(whole.database, now=NOW + 1827 * DAY)).evidence == 0
    async with whole.database.read() as connection:
        assert await evidence.list_evidence_names(connection, 1) == ["anh.jpg"]
    await keep(NOW + 1828 * DAY, 2)  # sent anew, it is kept anew
    assert await stored(whole, EvidenceContent.content) == [(photo,)]
    assert (await tidy(whole.database, now=NOW + 1829 * DAY)).evidence == 0
