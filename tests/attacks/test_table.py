"""The table of who may do what, acted out on every channel: commands by role, buttons forged by anybody.

Each update is raw as its platform sends it, and read by that channel. What it did is rolled back, so that
every line of the table begins from the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from bot.channels import MESSENGERS
from bot.channels.local import LocalChannel
from bot.channels.local import make_local_update as local_update
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.zalo.channel import ZaloBotChannel
from bot.conversation.commands import COMMANDS
from bot.conversation.router import Router
from data.db.database import Database
from data.models import (
    CalendarFeed,
    Decision,
    Dialog,
    Enrolment,
    Explanation,
    ExtensionRequest,
    InboxEvent,
    Invitation,
    Obligation,
    ReportRequest,
    StatusReply,
    TargetValue,
)
from jobs.channel import Channel
from tests.support.conversations import TEMPLATES, Seat, Talk, small_registry
from tests.support.telegram_server import TOKEN
from tests.support.zalo_server import TOKENS

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
NUMBERS = count(10_000)
STC, SXD, COORDINATOR, LEADER, READER = "101", "102", "103", "104", "105"
TAY_STC, TAY_COORDINATOR, TAY_LEADER, STRANGER = "201", "203", "204", "999"
NAMES = {
    STC: "stc", SXD: "sxd", COORDINATOR: "coordinator", LEADER: "leader", READER: "reader",
    TAY_STC: "tay-stc", TAY_COORDINATOR: "tay-coordinator", TAY_LEADER: "tay-leader",
    STRANGER: "stranger",
}  # fmt: skip


# ------------------------------------------------------------------ raw updates


def telegram(chat: str, text: str, *, press: bool, group: str = "") -> bytes:
    sender = {"id": int(chat), "is_bot": False, "first_name": "Lan"}
    place = {"id": int(chat), "type": "private", "first_name": "Lan"}
    if group:
        place = {"id": int(group), "type": "supergroup", "title": "Nhóm"}
    message = {"message_id": 9, "date": 1_790_000_000, "from": sender, "chat": place, "text": text}
    given: dict[str, Any] = {"update_id": next(NUMBERS), "message": message}
    if press:
        query = {"id": "1", "from": sender, "chat_instance": "1", "data": text}
        given = {"update_id": next(NUMBERS), "callback_query": {**query, "message": message}}
    return json.dumps(given).encode()


def zalo(chat: str, text: str, *, press: bool, group: str = "") -> bytes:
    kind = {"chat_type": "GROUP" if group else "PRIVATE", "id": group or chat}
    message = {"from": {"id": chat, "display_name": "Lan"}, "chat": kind, "text": text}
    body = {"message_id": f"m{next(NUMBERS)}", "date": 1_790_000_000_000, **message}
    return json.dumps({"event_name": "message.text.received", "message": body}).encode()


def local(chat: str, text: str, *, press: bool, group: str = "") -> bytes:
    made = local_update(
        address=group or chat,
        chat_kind="group" if group else "private",
        kind="action" if press else "text",
        sender=chat,
        text=text,
    )
    return made.raw


Raw = Callable[..., bytes]
WAYS: dict[str, tuple[Channel, Raw]] = {
    "telegram": (TelegramChannel(TOKEN), telegram),
    "zalo_bot": (ZaloBotChannel(TOKENS[0]), zalo),
    "local": (LocalChannel(), local),
}


def test_the_table_covers_every_channel() -> None:
    assert set(WAYS) == set(MESSENGERS) | {"local"}


# ------------------------------------------------------------------ what happened


class _Undo(Exception):
    """Takes back what one line of the table did."""


KEPT = (
    StatusReply, Decision, ExtensionRequest, Explanation, TargetValue, Dialog, ReportRequest,
    Invitation, Enrolment, CalendarFeed,
)  # fmt: skip


async def state(connection: Any) -> list[Any]:
    rows: list[Any] = [
        await connection.scalar(select(func.count()).select_from(table)) for table in KEPT
    ]
    owed = select(Obligation.__table__).order_by(Obligation.id)
    rows += (await connection.execute(owed)).all()
    for table in (ExtensionRequest, Explanation, Enrolment, CalendarFeed):
        rows += (await connection.execute(select(table.__table__).order_by(table.id))).all()
    return rows


async def act(
    talk: Talk, way: str, chat: str, text: str, *, press: bool = False, group: str = ""
) -> tuple[list[str], str, bool]:
    """Return the answers' templates, all that they hold, and whether anything changed; takes it back."""
    channel, raw_of = WAYS[way]
    incoming = channel.parse(talk.account_id, raw_of(chat, text, press=press, group=group))
    if incoming is None:
        return [], "", False
    router = Router(lambda: talk.registry, TEMPLATES)
    seen: tuple[list[str], str, bool] = ([], "", False)
    try:
        async with talk.database.write() as connection:
            stored = await connection.execute(
                insert(InboxEvent)
                .values(account_id=talk.account_id, update_id=incoming.update_id, raw=b"", received_at=NOW)
                .returning(InboxEvent.id)
            )  # fmt: skip
            before = await state(connection)
            answers = await router.handle(
                connection, incoming, event_id=stored.scalar_one(), now=talk.now
            )
            held = json.dumps(
                [[a.context, [[b.label for b in row] for row in a.buttons]] for a in answers],
                ensure_ascii=False, default=str,
            )  # fmt: skip
            seen = ([a.template for a in answers], held, await state(connection) != before)
            raise _Undo
    except _Undo:
        return seen


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat(STC, "dong", "stc"),
        Seat(SXD, "dong", "sxd"),
        Seat(COORDINATOR, "dong", "skhcn", "coordinator"),
        Seat(LEADER, "dong", "ubnd", "leader", may_decide=True),
        Seat(READER, "dong", "ubnd", "leader"),
        Seat(TAY_STC, "tay", "stc"),
        Seat(TAY_COORDINATOR, "tay", "skhcn", "coordinator"),
        Seat(TAY_LEADER, "tay", "ubnd", "leader", may_decide=True),
        Seat("-300", "dong", "sxd"),
    )


# ------------------------------------------------------------------ commands

# Who may use each: f focal point, c coordinator, l leader, d a leader who may decide.
TABLE = {
    "help": "fcld", "viec": "fc", "thuongxuyen": "fc", "status": "fcld", "quahan": "fcld",
    "chuanop": "cld", "lydo": "cld",
    "sapden": "fcld", "nhiemvu": "fcld", "tim": "fcld", "lichsu": "fcld", "lich": "fc",
    "chitieu": "fcld", "donvi": "cld", "bieudo": "cld", "nhac": "c", "moi": "c", "thongbao": "c", "doi": "fcld", "kenh": "fcld",
    "xacnhan": "cld", "giahan": "cld", "giaitrinh": "cld", "cauhoi": "cld", "giao": "cld", "baocao": "cld",
    "mo": "cld", "han": "cld", "minhchung": "fc", "mau": "fcld",
}  # fmt: skip
AS = {STC: "f", SXD: "f", COORDINATOR: "c", LEADER: "d", READER: "l", STRANGER: "s",
      TAY_STC: "f", TAY_COORDINATOR: "c", TAY_LEADER: "d"}  # fmt: skip
# What a member of an enrolled group who is nobody to us may see there.
IN_A_GROUP = {"help", "viec", "thuongxuyen", "status", "quahan", "sapden", "nhiemvu", "tim", "lichsu",
              "lich", "chitieu"}  # fmt: skip
KEEPING = ("lich", "kenh", "doi", "minhchung")  # they keep a file, an address or a code
OF_THE_OTHER = {"1": "20", "2": "10"}  # a chat's province by its first digit → the other one's plan


def test_every_command_stands_in_the_table() -> None:
    assert set(TABLE) == set(COMMANDS)


@pytest.mark.parametrize("way", WAYS)
async def test_each_command_is_for_whom_the_table_says(talk: Talk, way: str) -> None:
    for command, roles in TABLE.items():
        for chat, role in AS.items():
            templates, held, changed = await act(talk, way, chat, f"/{command}")
            line = f"/{command} by {NAMES[chat]} on {way}: {templates}"
            if role == "s":
                assert (templates, held, changed) == (["stranger"], "[[{}, []]]", False), line
            else:
                assert ("not_allowed" not in templates) is (role in roles), line
                assert templates, line
                assert not changed or (role in roles and command in KEEPING), line


@pytest.mark.parametrize("way", WAYS)
async def test_no_command_reaches_into_another_province(talk: Talk, way: str) -> None:
    for command in TABLE:
        for chat in (STC, COORDINATOR, LEADER, TAY_COORDINATOR) if way == "telegram" else (LEADER,):
            number = OF_THE_OTHER[chat[0]]
            words = f"{number}/KH-UBND 1 vì sao chậm" if command == "giaitrinh" else number
            templates, held, changed = await act(talk, way, chat, f"/{command} {words}")
            line = f"/{command} {words} by {NAMES[chat]} on {way}: {templates} {held}"
            assert f"Kế hoạch số {number}" not in held, line
            assert f"{number}-2026" not in held, line
            assert not changed or command in KEEPING, line


@pytest.mark.parametrize("way", WAYS)
async def test_in_a_group_a_member_whom_nobody_knows_may_look(talk: Talk, way: str) -> None:
    for command in TABLE:
        templates, _, changed = await act(talk, way, STRANGER, f"/{command}", group="-300")
        if way == "zalo_bot":
            assert (templates, changed) == ([], False)  # its groups are not listened to
        else:
            assert ("not_allowed" not in templates) is (command in IN_A_GROUP), command
            assert not changed or command == "lich"
