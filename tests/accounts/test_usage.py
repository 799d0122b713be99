"""What accounts have used: counted by the province's months, warned of near a cap, shown by /donvi."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from data.accounts.usage import list_account_usage, load_month_usage
from data.clock import ZONE
from data.db.database import Database
from data.models import Account, Chat, Delivery, InboxEvent, Message
from jobs.delivery.usage import cap_usage
from tests.support.conversations import WITHOUT, Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # a Monday, 08:00 in the province


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("stc", "dong", "stc"),
        Seat("-9", "dong", "stc"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
    )


async def send(database: Database, *instants: datetime | None) -> None:
    """Have messages sent at these instants; None: not sent yet."""
    async with database.write() as connection:
        chat = (await connection.execute(select(Chat.id, Chat.account_id).limit(1))).one()
        await connection.execute(
            insert(Message),
            [
                {
                    "account_id": chat.account_id,
                    "chat_id": chat.id,
                    "priority": 2,
                    "template": "help",
                    "context": {},
                    "buttons": [],
                    "created_at": NOW,
                    "send_at": NOW,
                    "state": "sent" if at else "pending",
                    "sent_at": at,
                }
                for at in instants
            ],
        )


async def accounts(talk: Talk, chat: str = "coordinator") -> tuple[list[dict[str, Any]], str]:
    (answer,) = await talk.say(chat, "/donvi")
    found: Any = answer.answer.context["accounts"]
    assert ("Tài khoản gửi tin" in answer.plain) is bool(found)
    return found, answer.html


@pytest.mark.parametrize(
    ("used", "cap", "percent", "level"),
    [
        (0, 3000, 0, 0),
        (2099, 3000, 69, 0),
        (2100, 3000, 70, 70),
        (2549, 3000, 84, 70),
        (2550, 3000, 85, 85),
        (2850, 3000, 95, 95),
        (3100, 3000, 103, 95),
        (9_000_000, None, None, 0),
    ],
)
def test_a_cap_is_warned_of_from_70_85_and_95_per_cent_on(
    used: int, cap: int | None, percent: int | None, level: int
) -> None:
    assert cap_usage(used, cap) == {"used": used, "cap": cap, "percent": percent, "level": level}


async def test_a_month_begins_at_midnight_in_the_province(talk: Talk) -> None:
    async with talk.database.write() as connection:
        await connection.execute(update(Message).values(sent_at=None, state="pending"))
    await send(
        talk.database,
        datetime(2026, 10, 31, 23, 59, 59, tzinfo=ZONE),
        datetime(2026, 11, 1, 0, 0, tzinfo=ZONE),
        datetime(2026, 11, 9, 8, 0, tzinfo=ZONE),
        None,
    )
    async with talk.database.read() as connection:
        (november,) = await list_account_usage(connection, today=date(2026, 11, 9))
        (october,) = await list_account_usage(connection, today=date(2026, 10, 31))
    assert (november.sent, october.sent) == (2, 3)


async def try_unknown(database: Database, *instants: datetime) -> None:
    """Let attempts of the chat's messages end unknown at these instants."""
    async with database.write() as connection:
        message_id = await connection.scalar(select(func.min(Message.id)))
        rows = [
            {"message_id": message_id, "attempt": number, "at": at, "outcome": outcome}
            for number, at in enumerate(instants)
            for outcome in ("unknown", "transient", "sent")
        ]
        await connection.execute(insert(Delivery), rows)


async def test_what_may_have_been_sent_counts_as_sent_in_the_month_in_which_it_was_tried(
    talk: Talk,
) -> None:
    begun = datetime(2026, 11, 1, 0, 0, tzinfo=ZONE)
    await try_unknown(talk.database, begun, begun, begun - timedelta(seconds=1))
    async with talk.database.write() as connection:
        await connection.execute(insert(Account).values(channel="telegram", name="42"))
    async with talk.database.read() as connection:
        used = await list_account_usage(connection, today=date(2026, 11, 9))
        month = await load_month_usage(connection, talk.account_id, today=date(2026, 11, 9))
    sent = 3  # by the talk itself
    assert [each.sent for each in used] == [sent + 2, 0]
    assert month.sent == sent + 2


async def test_donvi_tells_chats_people_and_messages_of_each_account(talk: Talk) -> None:
    async with talk.database.write() as connection:
        await connection.execute(
            insert(Account).values(channel="telegram", name="42", title="@<b>", stopped_at=NOW)
        )
    found, shown = await accounts(talk)
    assert [(one["name"], one["chats"], one["people"]["used"]) for one in found] == [
        ("test", 3, 2),
        ("@<b>", 0, 0),
    ]
    assert "• test: 3 chat, 2 người; tháng 11 đã gửi 3 tin\n" in shown
    assert "• @&lt;b&gt; (đang dừng): 0 chat, 0 người; tháng 11 đã gửi 0 tin" in shown


async def test_a_chat_that_was_lost_or_let_go_is_linked_no_more(talk: Talk) -> None:
    await talk.happen("stc", "gone")
    found, _ = await accounts(talk)
    assert (found[0]["chats"], found[0]["people"]["used"]) == (2, 1)


async def test_near_a_cap_donvi_warns_in_words(talk: Talk) -> None:
    await send(talk.database, *[NOW] * 2547)
    talk.capabilities[talk.account_id] = replace(WITHOUT, monthly_messages=3000, most_people=2)
    found, shown = await accounts(talk)
    assert found[0]["messages"]["level"] == 85
    assert (
        "3 chat, 2/2 người (100 %); tháng 11 đã dùng 2.554/3.000 tin, 85 % (gửi 2.550, nhận 4)"
        "; sắp hết hạn mức tin của tháng; gần như hết hạn mức số người"
    ) in shown


async def test_of_one_agency_alone_no_accounts_are_told(talk: Talk) -> None:
    (answer,) = await talk.say("coordinator", "/donvi stc")
    assert "Tài khoản gửi tin" not in answer.html


@pytest.mark.parametrize(
    ("table", "at", "index"),
    [
        ("message", "sent_at", "ix_message_sent"),
        ("inbox_event", "received_at", "ix_inbox_event_account_id_received_at"),
    ],
)
@pytest.mark.sqlite  # whose planner needs no rows to choose an index
async def test_counting_reads_an_index_and_not_what_is_stored(
    database: Database, table: str, at: str, index: str
) -> None:
    async with database.read() as connection:
        plan = await connection.execute(
            text(
                f"EXPLAIN QUERY PLAN SELECT count(*) FROM {table}"
                f" WHERE account_id = 1 AND {at} >= '2026-11-01'"
            )
        )
        assert f"COVERING INDEX {index}" in " ".join(row[-1] for row in plan)


async def test_what_came_in_counts_from_midnight_in_the_province(talk: Talk) -> None:
    async with talk.database.write() as connection:
        await connection.execute(
            update(InboxEvent).values(received_at=datetime(2026, 10, 31, 23, 59, 59, tzinfo=ZONE))
        )
        first = select(func.min(InboxEvent.id)).scalar_subquery()
        await connection.execute(
            update(InboxEvent)
            .where(InboxEvent.id == first)
            .values(received_at=datetime(2026, 11, 1, tzinfo=ZONE), state="refused")
        )
        month = await load_month_usage(connection, talk.account_id, today=date(2026, 11, 9))
    assert (month.sent, month.received, month.used) == (3, 1, 4)
