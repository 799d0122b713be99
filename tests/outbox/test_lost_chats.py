"""What waits in a lost chat goes on for the message's own agency and province alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from data.accounts.leases import ensure_account
from data.clock import ZONE
from data.contacts import enrolments
from data.contacts.chats import wake_chat
from data.db.database import Database
from data.models import Agency, Chat, Enrolment, Message, MessageItem, Obligation
from data.outbox import lost_chats
from data.outbox import messages as outbox
from data.outbox.lost_accounts import account_lost
from data.outbox.messages import BROADCAST, NOBODY_LEFT
from data.privacy import removal
from tests.support.conversations import Talk, small_registry
from tests.support.outbox_rows import chat

NOW = datetime(2026, 11, 9, 7, 30, tzinfo=ZONE)
WEEK = {"week_on": "2026-11-09", "parts": [], "lines": [], "coordinators": [], "cut": 1}
TODAY = NOW.date()

A, B, K = ("dong", "stc"), ("dong", "sxd"), ("dong", "skhcn")
A2, K2 = ("tay", "stc"), ("tay", "skhcn")


@dataclass
class Places:
    """Chats of two provinces by name, what each is enrolled for, and a message in one of them."""

    talk: Talk
    chats: dict[str, int] = field(default_factory=dict)
    persons: dict[str, int] = field(default_factory=dict)
    agencies: dict[tuple[str, str], int] = field(default_factory=dict)
    items: dict[tuple[str, str], int] = field(default_factory=dict)  # a report of each agency

    async def begin(self) -> Places:
        async with self.talk.database.read() as connection:
            rows = await connection.execute(select(Agency.id, Agency.province, Agency.code))
            self.agencies = {(row.province, row.code): row.id for row in rows}
            ids = await connection.execute(
                select(Obligation.agency_id, Obligation.id).where(
                    Obligation.code == "BC.1", Obligation.period == "2026"
                )
            )
            owed = {row.agency_id: row.id for row in ids}
        self.items = {key: owed[at] for key, at in self.agencies.items() if at in owed}
        return self

    async def seat(
        self, name: str, *of: tuple[tuple[str, str], Any], person: str = "", group: bool = False
    ) -> int:
        """Enrol a chat, by default of a person of its own."""
        database = self.talk.database
        kind = "group" if group else "private"
        self.chats[name] = await chat(database, self.talk.account_id, name, kind=kind)
        who = person or name
        async with database.write() as connection:
            if not group and who not in self.persons:
                self.persons[who] = await enrolments.ensure_person(
                    connection, self.talk.account_id, who, who, now=NOW
                )
            for agency, role in of:
                await enrolments.enrol(
                    connection,
                    chat_id=self.chats[name],
                    person_id=None if group else self.persons[who],
                    agency_id=self.agencies[agency],
                    role=role,
                    now=NOW,
                )
        return self.chats[name]

    async def put(
        self,
        name: str,
        of: tuple[str, str] | None,
        *items: tuple[str, str],
        template: str = "reminder",
        **context: Any,
    ) -> int:
        async with self.talk.database.write() as connection:
            message_id = await outbox.enqueue(
                connection,
                account_id=self.talk.account_id,
                chat_id=self.chats[name],
                template=template,
                context={"undecided": [], "silent": [], **context},
                items=[(self.items[each], -5) for each in items],
                priority=BROADCAST,
                now=NOW,
                agency_id=None if of is None else self.agencies[of],
                broadcast_on=TODAY,
            )
        assert message_id is not None
        return message_id

    async def lose(self, name: str) -> None:
        async with self.talk.database.write() as connection:
            await lost_chats.chat_lost(connection, self.chats[name], why="blocked", now=NOW)

    async def told(self) -> dict[str, set[tuple[str, str]]]:
        """Return by chat which agencies' reports wait there; a message without items tells of ()."""
        names = {key: name for name, key in self.chats.items()}
        agencies = {key: name for name, key in self.agencies.items()}
        async with self.talk.database.read() as connection:
            rows = await connection.execute(
                select(Message.chat_id, Obligation.agency_id, Message.agency_id.label("named"))
                .outerjoin(MessageItem, MessageItem.message_id == Message.id)
                .outerjoin(Obligation, Obligation.id == MessageItem.obligation_id)
                .where(Message.state == "pending", Message.priority == BROADCAST)
            )
            found: dict[str, set[tuple[str, str]]] = {}
            for row in rows:
                told = found.setdefault(names[row.chat_id], set())
                about = row.agency_id or row.named
                if about is not None:
                    told.add(agencies[about])
            return found

    async def state(self, message_id: int) -> tuple[str, str | None]:
        async with self.talk.database.read() as connection:
            row = (
                await connection.execute(
                    select(Message.state, Message.error).where(Message.id == message_id)
                )
            ).one()
        return row.state, row.error


@pytest.fixture
async def places(database: Database) -> Places:
    return await Places(await Talk(database, small_registry(), NOW).begin()).begin()


async def test_what_is_one_agencys_goes_to_that_agencys_other_chat(places: Places) -> None:
    await places.seat("both", (A, "focal"), (B, "focal"))
    await places.seat("a", (A, "focal"))
    await places.seat("b", (B, "focal"))
    await places.put("both", A, A)
    await places.lose("both")
    assert await places.told() == {"a": {A}}


async def test_what_is_one_provinces_stays_in_it(places: Places) -> None:
    await places.seat("both", (A2, "focal"), (A, "focal"))
    await places.seat("a2", (A2, "focal"))
    await places.seat("k2", (K2, "coordinator"))
    await places.seat("k", (K, "coordinator"))
    await places.put("both", A, A)
    await places.lose("both")
    assert await places.told() == {"k": {A}}


async def test_a_page_of_two_agencies_goes_on_in_two_parts(places: Places) -> None:
    await places.seat("both", (A, "focal"), (B, "focal"))
    await places.seat("a", (A, "focal"))
    await places.seat("b", (B, "focal"))
    message_id = await places.put("both", A, A, B, agency="Sở Tài chính và Sở Xây dựng")
    await places.lose("both")
    assert await places.told() == {"a": {A}, "b": {B}}
    assert await places.state(message_id) == ("skipped", "split among its agencies")
    async with places.talk.database.read() as connection:
        rows = await connection.execute(
            select(Chat.address, Message.context, MessageItem.position)
            .join(Chat, Chat.id == Message.chat_id)
            .join(MessageItem, MessageItem.message_id == Message.id)
            .where(Message.state == "pending")
        )
        greeted = {row.address: (row.context["agency"], row.position) for row in rows}
    assert greeted == {"a": ("Sở Tài chính", 1), "b": ("Sở Xây dựng", 1)}


async def test_a_page_of_two_provinces_goes_to_each_ones_own_coordinator(places: Places) -> None:
    await places.seat("both", (A, "focal"), (A2, "focal"))
    await places.seat("k", (K, "coordinator"))
    await places.seat("k2", (K2, "coordinator"))
    await places.put("both", A, A, A2)
    await places.lose("both")
    assert await places.told() == {"k": {A}, "k2": {A2}}


async def test_ones_own_second_chat_gets_the_page_whole(places: Places) -> None:
    await places.seat("first", (A, "focal"), (B, "focal"), person="an")
    await places.seat("second", (A, "focal"), (B, "focal"), person="an")
    await places.seat("a", (A, "focal"))
    message_id = await places.put("first", A, A, B)
    await places.lose("first")
    assert await places.told() == {"second": {A, B}}
    assert (await places.state(message_id))[0] == "pending"


async def test_ones_own_second_chat_gets_nothing_of_an_agency_it_is_not_enrolled_for(
    places: Places,
) -> None:
    await places.seat("first", (A, "focal"), (B, "focal"), person="an")
    await places.seat("second", (A, "focal"), person="an")
    await places.put("first", B, B)
    await places.lose("first")
    assert await places.told() == {}


async def test_what_came_to_an_agency_with_others_work_is_its_own(places: Places) -> None:
    await places.seat("both", (A, "focal"), (K, "focal"))
    await places.seat("a", (A, "focal"))
    await places.seat("k", (K, "coordinator"))
    holders = {str(places.items[B]): ["stc", "Sở Tài chính"]}
    await places.put("both", B, B, agency="Sở Tài chính", agency_code="stc")
    await places.put("both", B, A, B, agency_code="skhcn", holders=holders)
    await places.lose("both")
    assert await places.told() == {"a": {A, B}}


async def test_who_leaves_a_group_takes_no_work_of_others_with_them(places: Places) -> None:
    """The group of Sở Tài chính, to which the work of Sở Xây dựng came, keeps its reminder."""
    await places.seat("-group", (A, "focal"), group=True)
    await places.seat("k", (K, "coordinator"))
    await places.put("-group", B, B, agency="Sở Tài chính", agency_code="stc")
    async with places.talk.database.write() as connection:
        person_id = await enrolments.ensure_person(
            connection, places.talk.account_id, "an", "an", now=NOW
        )
        await enrolments.enrol(
            connection,
            chat_id=places.chats["-group"],
            person_id=person_id,
            agency_id=places.agencies[A],
            role="focal",
            now=NOW,
        )
        assert await removal.remove_person(connection, person_id, now=NOW) == 1
    assert await places.told() == {"-group": {B}}


@pytest.mark.parametrize("key", ["silent", "escalated"])
async def test_a_list_of_others_goes_only_to_who_coordinates_the_same(
    places: Places, key: str
) -> None:
    await places.seat("k", (K, "coordinator"))
    await places.seat("focal", (K, "focal"))
    await places.seat("other", (A, "coordinator"))
    first = await places.put("k", B, **{key: [places.items[B]]})
    await places.lose("k")
    assert await places.told() == {}
    assert await places.state(first) == ("failed", NOBODY_LEFT)  # the next morning tells it again
    async with places.talk.database.write() as connection:
        await wake_chat(connection, places.chats["k"])
    await places.seat("colleague", (K, "coordinator"))
    await places.put("k", B, **{key: [places.items[B]]})
    await places.lose("k")
    assert set(await places.told()) == {"colleague"}


async def test_a_week_of_two_agencies_goes_only_to_who_may_read_both(places: Places) -> None:
    await places.seat("both", (A, "focal"), (B, "focal"))
    await places.seat("a", (A, "focal"))
    week = await places.put("both", A, week=WEEK)
    await places.lose("both")
    assert await places.told() == {}
    assert (await places.state(week))[0] == "failed"


async def test_a_week_stays_behind_where_the_items_above_it_go_on(places: Places) -> None:
    await places.seat("both", (A, "focal"), (B, "focal"))
    await places.seat("a", (A, "focal"))
    message_id = await places.put("both", A, A, shown=1, week=WEEK)
    await places.lose("both")
    assert set(await places.told()) == {"a"}
    async with places.talk.database.read() as connection:
        context = await connection.scalar(select(Message.context).where(Message.id == message_id))
    assert context is not None
    assert context["week"] is None


async def test_an_enrolment_that_is_over_today_gets_nothing_passed_on(places: Places) -> None:
    await places.seat("lost", (A, "focal"))
    await places.seat("standin", (A, "focal"))
    async with places.talk.database.write() as connection:
        await connection.execute(
            Enrolment.__table__.update()
            .where(Enrolment.chat_id == places.chats["standin"])
            .values(until_on=date(2026, 11, 8))
        )
    await places.put("lost", A, A)
    await places.lose("lost")
    assert await places.told() == {}


async def test_each_provinces_coordinators_hear_of_the_loss_of_their_own_agencies(
    places: Places,
) -> None:
    await places.seat("-both", (A, "focal"), (A2, "focal"), group=True)
    await places.seat("k", (K, "coordinator"))
    await places.seat("k2", (K2, "coordinator"))
    await places.lose("-both")
    async with places.talk.database.read() as connection:
        rows = await connection.execute(
            select(Chat.address, Message.context)
            .join(Chat, Chat.id == Message.chat_id)
            .where(Message.template == "notice_chat_gone")
        )
        named = {row.address: row.context["agencies"] for row in rows}
        provinces = {
            row.address: row.province
            for row in await connection.execute(
                select(Chat.address, Agency.province)
                .join(Enrolment, Enrolment.chat_id == Chat.id)
                .join(Agency, Agency.id == Enrolment.agency_id)
            )
        }
    assert named == {"k": ["Sở Tài chính"], "k2": ["Sở Tài chính"]}
    assert (provinces["k"], provinces["k2"]) == ("dong", "tay")


async def test_what_waits_on_a_lost_account_keeps_to_its_agency(places: Places) -> None:
    talk = places.talk
    home = talk.account_id
    async with talk.database.write() as connection:
        talk.account_id = await ensure_account(connection, channel="zalo_bot", name="77")
    await places.seat("both", (A, "focal"), (B, "focal"))
    talk_account, talk.account_id = talk.account_id, home
    await places.seat("b", (B, "focal"))
    talk.account_id = talk_account
    message_id = await places.put("both", A, A)
    async with talk.database.write() as connection:
        await account_lost(connection, talk_account, why="refused", detail="401", now=NOW)
    assert await places.told() == {}
    assert await places.state(message_id) == ("failed", NOBODY_LEFT)


# ------------------------------------------------------------------ any chats whatever

AGENCIES = [A, B, K, A2, K2]
RIGHTS = st.sets(
    st.tuples(st.sampled_from(AGENCIES), st.sampled_from(["focal", "coordinator"])),
    min_size=1,
    max_size=3,
)
REPORTS = st.lists(st.sampled_from([A, B, A2]), max_size=3, unique=True)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    lost=RIGHTS,
    others=st.lists(st.tuples(RIGHTS, st.booleans(), st.booleans()), max_size=4),
    items=REPORTS,
    named=st.sampled_from([*AGENCIES, None]),
    lists=st.sampled_from([None, "silent", "escalated"]),
    with_week=st.booleans(),
)
async def test_nobody_is_ever_told_of_an_agency_that_is_not_theirs(
    places: Places,
    lost: set[Any],
    others: list[Any],
    items: list[Any],
    named: Any,
    lists: str | None,
    with_week: bool,
) -> None:
    async with places.talk.database.write() as connection:
        for table in (MessageItem, Message, Enrolment):
            await connection.execute(delete(table))
        await connection.execute(delete(Chat))
    places.chats.clear()
    own = {agency for agency, _ in lost}
    items = [each for each in items if each in own]
    if items:
        named = items[0]
    await places.seat("lost", *sorted(lost), person="an")
    rights: dict[str, set[Any]] = {}
    for number, (held, is_own, group) in enumerate(others):
        name = f"-{number}" if group else f"{number}"
        rights[name] = held
        await places.seat(name, *sorted(held), person="an" if is_own else "", group=group)
    context: dict[str, Any] = {} if lists is None else {lists: [places.items[B]]}
    tells_more = bool(context) or (with_week and not items)
    if with_week:
        context |= {"week": WEEK, "shown": len(items)}
    await places.put("lost", named, *items, **context)
    await places.lose("lost")
    for name, told in (await places.told()).items():
        held = {agency for agency, _ in rights[name]}
        coordinated = {agency[0] for agency, role in rights[name] if agency in (K, K2)}
        if tells_more or not items:
            about = own if named is None else {each for each in own if each[0] == named[0]}
            if not tells_more and named in own:
                about = {named}
            assert about <= held, (name, about, held)
        for agency in told & own:
            assert agency in held or agency[0] in coordinated, (name, agency)
