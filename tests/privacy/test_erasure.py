"""Who asks to be forgotten is named nowhere any more; what they did stays, as their agency's."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from data.clock import SteppedClock
from data.db.database import Database
from data.models import Chat, Decision, Download, Identity, Message, Obligation, Person, StatusReply
from data.privacy import personal_data
from jobs.reports.requests import ReportWorker
from tests.support.database_scan import bytes_hold, columns_with
from tests.support.databases import made_once
from tests.support.round_trip import Whole

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # a Monday, 08:00 in the province
THU, BAO = "Nguyễn Thị Hoài Thu", "Trần Văn Bảo"


@pytest.fixture
async def whole(database: Database) -> Whole:
    """Thu coordinates and confirms what Bảo reported; a leader has looked at all of it."""
    whole = await Whole(database, NOW).begin()
    whole.names = {"u9001x": THU, "u9002x": BAO, "u9003x": "Lê Minh"}

    async def scene() -> None:
        await whole.enrol("u9001x", "skhcn", "coordinator")
        await whole.enrol("u9002x", "stc")
        await whole.enrol("u9003x", "ubnd", "leader")
        await whole.say("u9002x", "/viec")
        await whole.say("u9002x", "BC.1 xong, báo cáo 12/BC-STC ngày 9/11/2026")
        await whole.say("u9001x", "/xacnhan")
        await whole.say("u9001x", "1")
        assert "hoàn thành" in whole.last("u9002x")
        await whole.say("u9001x", "/giaitrinh 2 Sở Tài chính: vì sao chậm")

    await made_once(database, "erasing", scene)
    return whole


async def person(database: Database, sender: str) -> int:
    async with database.read() as connection:
        found = await connection.scalar(select(Identity.person_id).where(Identity.sender == sender))
    assert found is not None
    return found


async def erase(database: Database, person_id: int) -> None:
    async with database.write() as connection:
        await personal_data.erase_person(connection, person_id, now=NOW)


async def one(database: Database, statement: Any) -> Any:
    async with database.read() as connection:
        return (await connection.execute(statement)).one()


async def test_a_name_is_copied_to_the_confirmation_alone_and_not_into_what_is_sent(
    whole: Whole,
) -> None:
    assert THU in await whole.say("u9003x", "/lichsu BC.1")
    assert BAO in await whole.say("u9003x", "/nhiemvu BC.1")
    assert await columns_with(whole.database, THU) == [
        "inbox_event.raw",
        "obligation.confirmed_by",
        "person.name",
    ]
    assert await columns_with(whole.database, BAO) == ["inbox_event.raw", "person.name"]


@pytest.mark.parametrize(("sender", "name"), [("u9001x", THU), ("u9002x", BAO)])
async def test_after_erasing_the_name_and_the_address_stand_nowhere(
    whole: Whole, sender: str, name: str
) -> None:
    for asked in ("/lichsu BC.1", "/nhiemvu BC.1", "/lichsu sở tài chính"):
        await whole.say("u9003x", asked)
    await erase(whole.database, await person(whole.database, sender))
    assert await columns_with(whole.database, name) == []
    assert await columns_with(whole.database, sender) == []
    assert not await bytes_hold(whole.database, name)


async def test_reports_that_name_an_erased_person_are_let_go_of_and_none_is_made_for_them(
    whole: Whole,
) -> None:
    await whole.say("u9002x", "/thuongxuyen")
    await whole.say("u9002x", "1 đang làm 60%")
    reports = ReportWorker(whole.database, lambda: whole.registry, SteppedClock(NOW))
    for words in ("/baocao 10", "/baocao 10 excel"):
        await whole.say("u9003x", words)
    assert await reports.step() == 2
    # The report that is signed names nobody; its notes and the sheet do.
    assert [BAO in words for words in await kept_words(whole.database)] == [False, True, True]
    await whole.say("u9001x", "/baocao 10")
    for sender in ("u9001x", "u9002x"):
        await erase(whole.database, await person(whole.database, sender))
    assert await kept_words(whole.database) == []
    assert await reports.step() == 0
    await whole.say("u9003x", "/baocao 10")
    assert await reports.step() == 1
    report, notes = await kept_words(whole.database)
    assert "Sở Tài chính" in notes
    assert BAO not in report + notes


async def kept_words(database: Database) -> list[str]:
    """Return all that stands in each Word or Excel file that is kept."""
    async with database.read() as connection:
        files = await connection.scalars(select(Download.content).order_by(Download.id))
        parts = [zipfile.ZipFile(io.BytesIO(content)) for content in files]
    return ["".join(each.read(name).decode() for name in each.namelist()) for each in parts]


async def test_what_an_erased_person_did_stays_as_their_agencys(whole: Whole) -> None:
    thu, bao = await person(whole.database, "u9001x"), await person(whole.database, "u9002x")
    for each in (thu, bao):
        await erase(whole.database, each)
    decision = await one(whole.database, select(Decision).where(Decision.kind == "confirm"))
    assert (decision.person_id, decision.decided_by) == (thu, "Sở Khoa học và Công nghệ")
    report = await one(
        whole.database, select(Obligation).where(Obligation.id == decision.details["obligation"])
    )
    assert (report.state, report.confirmed_by) == ("confirmed", "Sở Khoa học và Công nghệ")
    said = await one(whole.database, select(StatusReply).where(StatusReply.said == "completed"))
    assert (said.person_id, said.document) == (bao, "12/BC-STC")
    history = await whole.say("u9003x", "/lichsu BC.1")
    assert "được xác nhận hoàn thành" in history
    assert "Sở Tài chính: báo cáo đã hoàn thành" in history
    assert THU not in history
    assert BAO not in history


async def test_a_confirmation_of_somebody_else_keeps_its_name(whole: Whole) -> None:
    await erase(whole.database, await person(whole.database, "u9002x"))
    assert "obligation.confirmed_by" in await columns_with(whole.database, THU)


async def test_titles_of_groups_and_messages_that_name_the_person_let_go_of_the_name(
    whole: Whole,
) -> None:
    code = await whole.code("stc", "focal")
    await whole.say("-5", f"/start {code}", chat_title=f"Tổ {THU}")
    await whole.say("-6", "/help", chat_title="Tổ Nguyễn Thị Hoài Thuỷ")
    await whole.say("-5", "bị xoá khỏi nhóm", kind="gone")
    assert THU in whole.last("u9001x")  # the coordinator hears of a lost chat by its title
    await erase(whole.database, await person(whole.database, "u9001x"))
    assert await columns_with(whole.database, f"Tổ {THU} ") == []
    async with whole.database.read() as connection:
        titles = await connection.execute(
            select(Chat.address, Chat.title).where(Chat.kind == "group")
        )
        assert {row.address: row.title for row in titles} == {
            "-5": None,
            "-6": "Tổ Nguyễn Thị Hoài Thuỷ",
        }
        contexts = await connection.execute(
            select(Message.context).where(Message.template == "notice_chat_gone")
        )
        assert set(map(str, contexts.scalars())) == {"{}"}


async def test_a_short_name_takes_no_longer_words_with_it(whole: Whole) -> None:
    async with whole.database.write() as connection:
        chat = await connection.scalar(select(Chat.id).where(Chat.address == "u9003x"))
        values = {
            "account_id": whole.account_id,
            "chat_id": chat,
            "priority": 1,
            "template": "words",
            "buttons": [],
            "created_at": NOW,
            "send_at": NOW,
            "state": "sent",
        }
        await connection.execute(
            insert(Message),
            [{**values, "context": {"text": text}} for text in ("Bảo báo", "Bảolâm")],
        )
    bao = await person(whole.database, "u9002x")
    async with whole.database.write() as connection:
        await connection.execute(update(Person).where(Person.id == bao).values(name="Bảo"))
        await personal_data.erase_person(connection, bao, now=NOW)
    async with whole.database.read() as connection:
        kept = await connection.execute(
            select(Message.context).where(Message.template == "words").order_by(Message.id)
        )
        assert [row.get("text") for row in kept.scalars()] == [None, "Bảolâm"]


async def test_erasing_twice_is_harmless(whole: Whole) -> None:
    thu = await person(whole.database, "u9001x")
    await erase(whole.database, thu)
    await erase(whole.database, thu)
    async with whole.database.read() as connection:
        kept = await personal_data.collect_personal_data(connection, thu)
    assert kept is not None
    assert (kept["name"], kept["identities"], kept["raw_updates"]) == (None, [], 0)
    assert kept["decisions"] > 0
