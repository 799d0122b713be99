"""Who is removed gets nothing more from that moment: pages, reports, files, questions, codes; the rest goes on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import pytest
from sqlalchemy import func, select, update

from data.clock import ZONE
from data.contacts.enrolments import end_enrolments
from data.db.database import Database
from data.files import DOCX, PNG, load_file, store_file
from data.models import (
    Chat,
    Dialog,
    Enrolment,
    Identity,
    Message,
    ReportRequest,
    StatusReply,
)
from data.outbox import messages as outbox
from data.outbox.messages import ANSWER, BROADCAST, NOTICE
from data.privacy import removal
from data.privacy.personal_data import erase_person
from data.reports.requests import claim_report_request
from jobs.morning.run import run_mornings
from tests.support.round_trip import Whole

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 9, 7, 30, tzinfo=ZONE)  # a Monday morning

HowRemoved = Literal["removed", "erased", "handed over"]
WAYS: tuple[HowRemoved, ...] = ("removed", "erased", "handed over")


@pytest.fixture
async def whole(database: Database) -> Whole:
    whole = await Whole(database, NOW).begin()
    await whole.enrol("coordinator", "skhcn", "coordinator")
    await whole.enrol("stc", "stc")
    return whole


async def stored(whole: Whole, *what: Any, where: Any = True) -> list[Any]:
    async with whole.database.read() as connection:
        return list((await connection.execute(select(*what).where(where))).all())


async def person_of(whole: Whole, sender: str) -> int:
    ((person_id,),) = await stored(whole, Identity.person_id, where=Identity.sender == sender)
    return int(person_id)


async def chat_of(whole: Whole, address: str) -> int:
    ((chat_id,),) = await stored(whole, Chat.id, where=Chat.address == address)
    return int(chat_id)


async def leave(whole: Whole, sender: str, how: HowRemoved, *, taker: str = "successor") -> None:
    if how == "handed over":
        told = await whole.say(sender, "/doi")
        code = told.split("/start ")[1].split("<")[0]
        await whole.say(taker, f"/start {code}")
        return
    person_id = await person_of(whole, sender)
    async with whole.database.write() as connection:
        if how == "removed":
            await removal.remove_person(connection, person_id, now=NOW)
        else:
            await erase_person(connection, person_id, now=NOW)


async def compose(whole: Whole) -> None:
    await run_mornings(whole.database, whole.registry, now=NOW)


async def heard(whole: Whole, address: str) -> list[str]:
    """Deliver what waits; returns what came to an address meanwhile."""
    before = len(whole.channel.sent)
    await whole.delivery.run_until_idle()
    return [text for to, text in whole.channel.sent[before:] if to == address]


async def pages_of(whole: Whole, chat_id: int) -> list[tuple[str, str | None]]:
    rows = await stored(
        whole,
        Message.state,
        Message.error,
        where=(Message.chat_id == chat_id) & (Message.priority == BROADCAST),
    )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("how", WAYS)
async def test_mornings_that_wait_do_not_reach_who_is_removed(
    whole: Whole, how: HowRemoved
) -> None:
    chat_id = await chat_of(whole, "stc")
    told = await whole.say("stc", "/doi") if how == "handed over" else ""
    await compose(whole)
    assert {state for state, _ in await pages_of(whole, chat_id)} == {"pending"}
    if how == "handed over":
        # The code was made before; only its use is left, and nothing is delivered in between.
        await whole.say("successor", f"/start {told.split('/start ')[1].split('<')[0]}")
    else:
        await leave(whole, "stc", how)
    assert "pending" not in {state for state, _ in await pages_of(whole, chat_id)}
    await whole.delivery.run_until_idle()
    texts = [text for to, text in whole.channel.sent if to == "stc"]
    assert not any("Tin tự động" in text for text in texts)


async def test_what_waits_for_who_hands_over_goes_to_who_takes_over(whole: Whole) -> None:
    told = await whole.say("stc", "/doi")
    await compose(whole)
    last = await whole.say("successor", f"/start {told.split('/start ')[1].split('<')[0]}")
    texts = [text for to, text in whole.channel.sent if to == "successor"]
    assert any("Tin tự động" in text for text in texts), last


async def test_what_waits_for_who_is_removed_goes_to_a_colleague_else_to_the_coordinator(
    whole: Whole,
) -> None:
    await compose(whole)
    await leave(whole, "stc", "removed")
    (to_coordinator, *_) = [
        text for text in await heard(whole, "coordinator") if "Sở Tài chính" in text
    ]
    assert "BC.1" in to_coordinator


async def test_a_colleague_who_was_told_the_same_is_not_told_twice(whole: Whole) -> None:
    await whole.enrol("stc-2", "stc")
    await compose(whole)
    await leave(whole, "stc", "removed")
    texts = await heard(whole, "stc-2")
    assert len([text for text in texts if "Tin tự động" in text]) == 1
    texts = [text for to, text in whole.channel.sent if to == "coordinator"]
    assert not any("Kính gửi: Sở Tài chính" in text for text in texts)


async def put(whole: Whole, address: str, priority: int, **more: Any) -> int:
    async with whole.database.write() as connection:
        message_id = await outbox.enqueue(
            connection,
            account_id=whole.account_id,
            chat_id=await chat_of(whole, address),
            template="sorry",
            context=more.pop("context", {}),
            priority=priority,
            now=NOW,
            **more,
        )
    assert message_id is not None
    return message_id


@pytest.mark.parametrize("how", WAYS[:2])
async def test_answers_and_notices_that_wait_are_withdrawn(whole: Whole, how: HowRemoved) -> None:
    waiting = [await put(whole, "stc", priority) for priority in (ANSWER, NOTICE)]
    others = [await put(whole, "coordinator", priority) for priority in (ANSWER, NOTICE)]
    await leave(whole, "stc", how)
    rows = await stored(whole, Message.state, where=Message.id.in_(waiting))
    assert {row.state for row in rows} == {"skipped"}
    rows = await stored(whole, Message.state, where=Message.id.in_(others))
    assert {row.state for row in rows} == {"pending"}


@pytest.mark.parametrize("how", WAYS)
async def test_reports_asked_for_are_not_made_and_those_made_cannot_be_had(
    whole: Whole, how: HowRemoved
) -> None:
    await whole.say("coordinator", "/baocao 10")
    chat_id = await chat_of(whole, "coordinator")
    async with whole.database.write() as connection:
        made = await store_file(connection, name="a.docx", mime=DOCX, content=b"a", now=NOW)
        shown = await store_file(connection, name="a.png", mime=PNG, content=b"a", now=NOW)
    for file in (made, shown):
        message_id = await put(whole, "coordinator", ANSWER, context={"attach": file})
        async with whole.database.write() as connection:
            await connection.execute(
                update(Message).where(Message.id == message_id).values(state="sent")
            )
    await leave(whole, "coordinator", how)
    rows = await stored(whole, ReportRequest.state, where=ReportRequest.chat_id == chat_id)
    assert [row.state for row in rows] == ["refused"]
    async with whole.database.write() as connection:
        assert await claim_report_request(connection, now=NOW) is None
        assert await load_file(connection, made) is None
        assert await load_file(connection, shown) is not None  # others are shown it, too


@pytest.mark.parametrize("how", WAYS[:2])
async def test_an_open_question_of_who_is_removed_is_closed_in_every_chat(
    whole: Whole, how: HowRemoved
) -> None:
    await whole.enrol("-5", "stc")
    await whole.say("stc", "BC.1 xin gia hạn")
    await whole.say("-5", "/viec", sender="stc")
    asked = await stored(whole, func.count(Dialog.id))
    assert asked[0][0] >= 1
    await leave(whole, "stc", how)
    assert await stored(whole, Dialog.id) == []


@pytest.mark.parametrize("how", WAYS[:2])
async def test_codes_of_who_is_removed_open_nothing(whole: Whole, how: HowRemoved) -> None:
    codes = []
    for text in ("/moi sxd", "/doi", "/kenh thêm", "/doi nghỉ đến 20/11"):
        told = await whole.say("coordinator", text)
        codes.append(told.split("/start ")[1].split("<")[0])
    await leave(whole, "coordinator", how)
    for number, code in enumerate(codes):
        assert "không dùng được" in await whole.say(f"new{number}", code)


async def test_of_a_shared_chat_only_what_is_the_persons_ends(whole: Whole) -> None:
    await whole.enrol("-5", "skhcn", "coordinator")
    await whole.say("-5", "/baocao 10", sender="coordinator")
    await whole.enrol("colleague", "skhcn", "coordinator")
    await whole.say("-5", "/baocao 10 excel", sender="colleague")
    await compose(whole)
    await leave(whole, "coordinator", "removed")
    rows = await stored(whole, ReportRequest.form, where=ReportRequest.state == "new")
    assert [row.form for row in rows] == ["xlsx"]
    states = {state for state, _ in await pages_of(whole, await chat_of(whole, "-5"))}
    assert states == {"pending"}
    assert await heard(whole, "-5")


async def test_a_group_that_is_removed_gets_nothing_more_and_its_members_do(whole: Whole) -> None:
    await whole.enrol("-5", "stc")
    await compose(whole)
    group = await chat_of(whole, "-5")
    async with whole.database.write() as connection:
        assert await removal.remove_group(connection, group, now=NOW) == 1
    assert "pending" not in {state for state, _ in await pages_of(whole, group)}
    assert await heard(whole, "-5") == []
    assert any("Tin tự động" in text for to, text in whole.channel.sent if to == "stc")


async def test_who_keeps_another_agency_keeps_what_waits_for_it(whole: Whole) -> None:
    await whole.enrol("sxd", "sxd")
    told = await whole.say("sxd", "/doi nghỉ đến 20/11")
    await whole.say("stc", f"/start {told.split('/start ')[1].split('<')[0]}")  # stands in there
    (stc,) = await stored(
        whole,
        Enrolment.agency_id,
        where=Enrolment.given_by_id.is_(None)
        & (Enrolment.person_id == await person_of(whole, "stc")),
    )
    (sxd,) = await stored(whole, Enrolment.agency_id, where=Enrolment.given_by_id.is_not(None))
    own = await put(whole, "stc", BROADCAST, agency_id=stc.agency_id)
    other = await put(whole, "stc", BROADCAST, agency_id=sxd.agency_id)
    notice = await put(whole, "stc", NOTICE, agency_id=sxd.agency_id)
    await leave(whole, "sxd", "removed")
    states = dict(
        await stored(whole, Message.id, Message.state, where=Message.id.in_((own, other, notice)))
    )
    assert states == {own: "pending", other: "failed", notice: "skipped"}


async def test_a_page_put_while_somebody_is_removed_is_not_sent(whole: Whole) -> None:
    person_id = await person_of(whole, "stc")
    async with whole.database.write() as connection:
        await end_enrolments(connection, Enrolment.person_id == person_id, now=NOW)
    page = await put(whole, "stc", BROADCAST)
    answer = await put(whole, "stc", ANSWER)
    await whole.delivery.run_until_idle()
    states = dict(
        await stored(whole, Message.id, Message.state, where=Message.id.in_((page, answer)))
    )
    assert states == {page: "skipped", answer: "sent"}


async def test_a_reminder_for_the_day_after_a_leave_is_not_sent_to_the_stand_in(
    whole: Whole,
) -> None:
    told = await whole.say("stc", "/doi nghỉ đến 15/11")
    await whole.say("standin", f"/start {told.split('/start ')[1].split('<')[0]}")
    saturday = datetime(2026, 11, 14, 20, 0, tzinfo=ZONE)
    whole.now = saturday
    whole.clock.move_to(saturday)
    await whole.say("coordinator", "/nhac stc")  # waits for Monday
    rows = await stored(
        whole,
        Chat.address,
        where=Chat.id.in_(select(Message.chat_id).where(Message.template == "reminder")),
    )
    assert [row.address for row in rows] == ["stc"]


async def test_answers_stay_on_record(whole: Whole) -> None:
    await whole.say("stc", "/viec")
    await whole.say("stc", "1 xong")
    before = await stored(whole, StatusReply.id, StatusReply.said, StatusReply.person_id)
    await leave(whole, "stc", "removed")
    assert await stored(whole, StatusReply.id, StatusReply.said, StatusReply.person_id) == before
    assert before
