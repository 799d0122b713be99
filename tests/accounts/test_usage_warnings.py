"""Caps that come near: who hears of them, how often, and what gives way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, insert, select, update

from data.accounts import leases
from data.accounts.usage import load_month_usage
from data.clock import civil_date
from data.db.database import Database
from data.digests import kept_weeks
from data.models import AccountWarning, Chat, Identity, InboxEvent, Message, Obligation
from data.outbox.lost_accounts import account_lost
from jobs.channel import Capabilities
from jobs.morning.run import run_mornings
from tests.support.conversations import RENDERER, WITH_BUTTONS, WITHOUT, Seat, Talk, small_registry
from tests.support.databases import made_once
from tests.support.loaded_province import morning_of

REGISTRY = small_registry()  # BC.1 is due on 14/11/2026: rung −10 on 30/10, rung −5 on 6/11
ZALO = replace(WITHOUT, messenger="Zalo", monthly_messages=100, most_people=50)
BEGAN = date(2026, 10, 28)
LINE = "Tài khoản Zalo «test» "


@dataclass
class Office:
    """A small province on one account with caps; what is put is rendered, and sent unless kept back."""

    talk: Talk
    capabilities: dict[int, Capabilities] = field(default_factory=dict)

    async def use_up(self, count: int, day: date) -> None:
        """Have an account's messages of a month, both ways, be so many."""
        account_id = self.talk.account_id
        async with self.talk.database.write() as connection:
            month = await load_month_usage(connection, account_id, today=day)
            assert month.used <= count
            if missing := count - month.used:
                name = await connection.scalar(select(func.count(InboxEvent.id)))
                await connection.execute(
                    insert(InboxEvent),
                    [
                        {
                            "account_id": account_id,
                            "update_id": f"more-{name}-{number}",
                            "raw": b"",
                            "received_at": morning_of(day),
                            "state": "done",
                        }
                        for number in range(missing)
                    ],
                )

    async def morning(
        self, day: date, *, unsent: tuple[str, ...] = (), capabilities: Capabilities = WITHOUT
    ) -> dict[str, str]:
        """Run a morning; return what each chat was told. unsent: the chats whose messages never leave."""
        self.talk.now = morning_of(day)
        await run_mornings(
            self.talk.database, REGISTRY, now=self.talk.now, capabilities=self.capabilities
        )
        told: dict[str, str] = {}
        async with self.talk.database.write() as connection:
            rows = await connection.execute(
                select(Message, Chat.address)
                .join(Chat, Chat.id == Message.chat_id)
                .where(Message.broadcast_on == day, Message.state == "pending")
                .order_by(Message.id)
            )
            for row in rows.all():
                if row.address in unsent:
                    continue
                content = await RENDERER.content(
                    connection, row, today=civil_date(self.talk.now), workdays=REGISTRY.workdays
                )
                assert content is not None
                sent = RENDERER.render(
                    content, capabilities, repeated=False, plain=False, address="x"
                )
                told[row.address] = told.get(row.address, "") + sent.text
                await connection.execute(
                    update(Message)
                    .where(Message.id == row.id)
                    .values(state="sent", sent_at=self.talk.now)
                )
        return told

    async def morning_once(self, day: date) -> None:
        """Run a morning that is the same for every test, once a run."""
        await made_once(self.talk.database, f"warned {day}", lambda: self.morning(day))
        self.talk.now = morning_of(day)


async def leave_out_weeks(database: Database) -> None:
    """Let the weeks of these months be told already, so that mornings tell only what they are tested for."""
    async with database.write() as connection:
        for number in range(16):
            week_on = date(2026, 9, 28) + timedelta(days=7 * number)
            await kept_weeks.begin_week(connection, "dong", week_on, now=morning_of(BEGAN))


@pytest.fixture
async def office(database: Database) -> Office:
    talk = await Talk(database, REGISTRY, morning_of(BEGAN)).begin(
        Seat("stc", "dong", "stc"), Seat("coordinator", "dong", "skhcn", "coordinator")
    )
    await made_once(database, "weeks told", lambda: leave_out_weeks(database))
    office = Office(talk, {talk.account_id: ZALO})
    await office.morning_once(BEGAN + timedelta(days=1))  # what a start has to catch up on
    return office


@pytest.fixture
async def calm(office: Office) -> Office:
    """The same after rung −10, so that on 2/11 to 5/11 nothing is due."""
    await office.morning_once(date(2026, 10, 30))
    return office


def november(day: int) -> date:
    return date(2026, 11, day)


async def test_each_level_is_told_once_a_month_in_a_line_of_its_own(calm: Office) -> None:
    assert "coordinator" not in await calm.morning(november(2))
    await calm.use_up(72, november(3))
    told = (await calm.morning(november(3)))["coordinator"]
    assert told.splitlines() == [
        "Thứ Ba, ngày 03/11/2026: tình hình kênh nhận tin.",
        "",
        LINE + "đã dùng 72 % số tin tháng 11: 72/100 (gửi 0, nhận 72).",
        "",
        "Tin tự động; không thay văn bản.",
    ]
    assert "coordinator" not in await calm.morning(november(4))
    await calm.use_up(85, november(5))
    told = (await calm.morning(november(5)))["coordinator"]
    assert "đã dùng 85 % số tin tháng 11" in told
    assert "Nên thêm tài khoản" in told
    await calm.use_up(96, november(6))
    told = (await calm.morning(november(6)))["coordinator"]
    assert "đã dùng 96 % số tin tháng 11: 96/100" in told
    assert (
        "không hỏi nhiệm vụ không có hạn; nhiệm vụ sắp đến hạn, quá hạn và trả lời vẫn gửi." in told
    )
    assert "xin báo" not in (await calm.morning(november(9))).get("coordinator", "")
    # A new month begins anew.
    await calm.use_up(70, date(2026, 12, 1))
    assert "đã dùng 70 % số tin tháng 12" in (await calm.morning(date(2026, 12, 1)))["coordinator"]


async def test_it_stands_at_the_end_of_what_the_coordinator_is_told_anyway(calm: Office) -> None:
    await calm.use_up(75, november(6))
    told = (await calm.morning(november(6), capabilities=WITH_BUTTONS))["coordinator"]
    lines = [line for line in told.splitlines() if line]
    assert "Chưa có kênh nhận tin" in told  # Sở Xây dựng has no chat, and rung −5 is due
    assert lines[-2].startswith(LINE + "đã dùng 75 %")
    assert lines[-1].startswith("<i>Tin tự động, thay mặt Sở Khoa học và Công nghệ;")


async def test_only_coordinators_whose_province_is_served_hear_of_it(calm: Office) -> None:
    other = Talk(calm.talk.database, REGISTRY, calm.talk.now)
    async with calm.talk.database.write() as connection:
        other.account_id = await leases.ensure_account(connection, channel="local", name="other")
    await other.enrol("tay", "tay", "skhcn", "coordinator")
    await calm.use_up(80, november(3))
    told = await calm.morning(november(3))
    assert LINE in told["coordinator"]
    assert LINE not in told["tay"]  # what its own province owes, and no more
    assert "stc" not in told


async def test_a_line_that_never_left_is_told_the_next_morning_and_no_chat_hears_it_twice(
    calm: Office,
) -> None:
    await calm.talk.enrol("second", "dong", "skhcn", "coordinator")
    await calm.use_up(80, november(3))
    first = await calm.morning(november(3), unsent=("second",))
    assert LINE in first["coordinator"]
    again = await calm.morning(november(4))
    assert LINE in again["second"]
    assert "coordinator" not in again
    third = await calm.morning(november(5))
    assert not {"second", "coordinator"} & third.keys()


async def test_processes_side_by_side_tell_it_once(calm: Office) -> None:
    await calm.use_up(80, november(3))
    database, now = calm.talk.database, morning_of(november(3))
    await asyncio.gather(
        *(
            run_mornings(database, REGISTRY, now=now, capabilities=calm.capabilities)
            for _ in range(3)
        )
    )
    async with database.read() as connection:
        notes = await connection.scalar(select(func.count()).select_from(AccountWarning))
        put = await connection.scalars(
            select(Message.id).where(Message.broadcast_on == november(3))
        )
    assert (notes, len(put.all())) == (1, 1)


async def test_it_is_told_also_where_all_else_of_the_message_was_answered_meanwhile(
    calm: Office,
) -> None:
    await calm.use_up(80, november(6))
    calm.talk.now = morning_of(november(6))
    database = calm.talk.database
    await run_mornings(database, REGISTRY, now=calm.talk.now, capabilities=calm.capabilities)
    async with database.write() as connection:
        await connection.execute(update(Obligation).values(state="submitted"))
        row = (
            await connection.execute(
                select(Message)
                .join(Chat, Chat.id == Message.chat_id)
                .where(Message.broadcast_on == november(6), Chat.address == "coordinator")
            )
        ).one()
        assert row.context["silent"]
        content = await RENDERER.content(
            connection, row, today=november(6), workdays=REGISTRY.workdays
        )
    assert content is not None
    text = RENDERER.render(content, WITHOUT, repeated=False, plain=False, address="x").text
    assert LINE in text
    assert "nhờ chuyển giúp" not in text


async def test_people_are_warned_of_once_and_of_more_than_are_served(calm: Office) -> None:
    key = calm.talk.account_id
    calm.capabilities[key] = replace(ZALO, monthly_messages=None, most_people=2)
    told = (await calm.morning(november(2)))["coordinator"]
    assert LINE + "đã có 2/2 người (100 %). Nên thêm tài khoản" in told
    await calm.talk.enrol("third", "dong", "stc")
    told = (await calm.morning(november(3)))["coordinator"]
    assert LINE + "có 3 người, quá 2 người mà nền tảng phục vụ" in told
    assert "coordinator" not in await calm.morning(november(4))
    assert "⚠" not in (await calm.morning(date(2026, 12, 1))).get("coordinator", "")


async def test_of_a_stopped_account_nothing_is_warned(calm: Office) -> None:
    async with calm.talk.database.write() as connection:
        stopped = await leases.ensure_account(connection, channel="local", name="stopped")
        await leases.stop_account(connection, stopped, why="refused", now=calm.talk.now)
    calm.capabilities[stopped] = replace(ZALO, messenger="Zalo", most_people=1)
    home, calm.talk.account_id = calm.talk.account_id, stopped
    await calm.talk.enrol("else", "dong", "stc")
    await calm.use_up(99, november(3))
    calm.talk.account_id = home
    assert "coordinator" not in await calm.morning(november(3))


async def test_a_line_goes_on_in_the_next_chat_of_the_same_person_when_its_account_is_lost(
    calm: Office,
) -> None:
    database, home = calm.talk.database, calm.talk.account_id
    async with database.write() as connection:
        person = await connection.scalar(
            select(Identity.person_id).where(Identity.sender == "coordinator")
        )
        other = await leases.ensure_account(connection, channel="local", name="other")
        await connection.execute(
            insert(Identity).values(account_id=other, sender="coordinator", person_id=person)
        )
    calm.talk.account_id = other
    await calm.talk.enrol("coordinator", "dong", "skhcn", "coordinator")
    calm.talk.account_id = home
    await calm.use_up(80, november(3))
    calm.talk.now = morning_of(november(3))
    await run_mornings(database, REGISTRY, now=calm.talk.now, capabilities=calm.capabilities)
    async with database.write() as connection:
        put = Message.broadcast_on == november(3)
        assert list(await connection.scalars(select(Message.account_id).where(put))) == [home]
        await account_lost(connection, home, why="refused", detail="401", now=calm.talk.now)
        rows = await connection.execute(select(Message.account_id, Message.state).where(put))
        assert [tuple(row) for row in rows] == [(other, "pending")]


# ------------------------------------------------------------------ what gives way


async def test_near_the_cap_what_is_far_from_due_is_told_by_the_next_nearer_rung(
    office: Office,
) -> None:
    friday = date(2026, 10, 30)  # rung −10 of the report, and the question after the undated task
    await office.use_up(95, friday)
    told = await office.morning(friday)
    assert "stc" not in told
    assert "không nhắc nhiệm vụ còn từ 10 ngày làm việc trở lên" in told["coordinator"]
    assert (await office.talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")).rung == -5
    # The month is new: what has no nearer rung is asked now.
    told = await office.morning(november(2))
    assert "Tuyên truyền" in told["stc"]
    assert "BC.1" not in told["stc"]
    assert "stc" not in await office.morning(november(3))
    await office.use_up(99, november(6))
    assert "[BC.1]" in (await office.morning(november(6)))["stc"]


async def test_chats_on_another_account_hear_of_it_all_the_same(office: Office) -> None:
    home = office.talk.account_id
    async with office.talk.database.write() as connection:
        office.talk.account_id = await leases.ensure_account(
            connection, channel="local", name="other"
        )
    await office.talk.enrol("elsewhere", "dong", "stc")
    office.talk.account_id = home
    friday = date(2026, 10, 30)
    await office.use_up(97, friday)
    told = await office.morning(friday)
    assert "[BC.1]" in told["elsewhere"]
    assert "Tuyên truyền" in told["elsewhere"]
    assert "stc" not in told
    assert "stc" not in await office.morning(november(2))  # its agency was told
