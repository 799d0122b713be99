"""Killed without warning between an answer's arrival and its commit: handled on the next start, once."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, insert, select

from bot.accounts import WEBHOOK_PATH
from bot.app import opened
from bot.config import Settings, names
from data import contacts, lease
from data.clock import SystemClock
from data.database import Database
from data.models import Agency, Chat, InboxEvent, Message, Obligation, StatusReply
from jobs.channel import Channel
from tests.botapi import TOKEN, BotApi
from tests.test_app import free_port, read_until, started

PATIENCE = 60  # seconds, for a busy machine
FOCAL = 555


@dataclass
class Office:
    """A database with one focal point, who has something to answer."""

    url: str
    database: Database
    account_id: int
    obligation_id: int

    def press(self, number: int) -> dict[str, Any]:
        """Return her press of «Đã xong», as an update."""
        who = {"id": FOCAL, "is_bot": False, "first_name": "Hoa"}
        chat = {"id": FOCAL, "type": "private", "first_name": "Hoa"}
        message = {"message_id": 31, "date": 1_794_000_000, "chat": chat, "text": "việc"}
        press = {"id": "p1", "from": who, "chat_instance": "1", "message": message}
        press["data"] = f"done:{self.obligation_id}"
        return {"update_id": number, "callback_query": press}

    async def counted(self, *conditions: Any) -> int:
        async with self.database.read() as connection:
            return await connection.scalar(select(func.count()).where(*conditions)) or 0

    async def until_done(self) -> None:
        """Wait until the one update that came was handled and its answer was sent."""
        async with asyncio.timeout(PATIENCE):
            while not await self.counted(InboxEvent.state == "done"):
                await asyncio.sleep(0.05)
            while await self.counted(Message.template == "recorded", Message.state != "sent"):
                await asyncio.sleep(0.05)


@pytest.fixture
async def office(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Office]:
    for name in names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    url = f"sqlite+aiosqlite:///{tmp_path / 'var' / 'nhacviec.db'}"

    async def no_account(settings: Settings, *, stopping: asyncio.Event | None) -> list[Channel]:
        return []

    clock = SystemClock()
    settings = Settings.model_validate({"database_url": url})
    async with opened(settings, clock=clock, connecting=no_account) as app:
        now = await clock.now()
        async with app.database.write() as connection:
            account_id = await lease.register(connection, channel="telegram", name="4242")
            added = await connection.execute(
                insert(Chat)
                .values(account_id=account_id, address=str(FOCAL), kind="private")
                .returning(Chat.id)
            )
            chat_id = added.scalar_one()
            owed = await connection.execute(
                select(Obligation.id, Obligation.agency_id)
                .join(Agency, Agency.id == Obligation.agency_id)
                .where(
                    Agency.province == "gia-lai",
                    Agency.code == "so-y-te",
                    Obligation.state == "open",
                    Obligation.kind == "report",
                )
                .limit(1)
            )
            obligation_id, agency_id = owed.one()
            person_id = await contacts.know_person(
                connection, account_id, str(FOCAL), "Hoa", now=now
            )
            await contacts.enrol(
                connection,
                chat_id=chat_id,
                person_id=person_id,
                agency_id=agency_id,
                role="focal",
                now=now,
            )
    database = Database(url)
    yield Office(url, database, account_id, obligation_id)
    await database.dispose()


async def killed(office: Office, api: BotApi, how: str, update: dict[str, Any]) -> str:
    """Let a process listen as far as it goes, kill it, and return the last it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.listener", office.url, api.url, str(office.account_id), how),
        cwd=Path(__file__).parent.parent,
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if how == "stall":
            process.stdin.write(json.dumps(update).encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            said = await process.stdout.readline()
    finally:
        process.kill()
        process.stdin.close()
        await process.wait()
    return said.decode().strip()


async def as_said_once(office: Office, api: BotApi) -> None:
    answers = [text for text in api.texts(FOCAL) if "Đã ghi nhận" in text]
    assert len(answers) == 1
    assert "Trả lời: Đã xong" in answers[0]
    assert await office.counted(StatusReply.obligation_id == office.obligation_id) == 1
    assert await office.counted(InboxEvent.id > 0) == 1
    async with office.database.read() as connection:
        state = await connection.scalar(
            select(Obligation.state).where(Obligation.id == office.obligation_id)
        )
    assert state == "submitted"


@pytest.mark.slow
async def test_an_answer_that_was_stored_when_the_service_died_is_handled_on_the_next_start(
    office: Office, tmp_path: Path
) -> None:
    async with BotApi() as api:
        update = office.press(7001)
        api.push({"callback_query": update["callback_query"]}, update_id=7001)
        assert await killed(office, api, "fetch", update) == "stored"
        assert await office.counted(InboxEvent.state == "new") == 1
        assert api.texts(FOCAL) == []
        async with started(api, free_port(), tmp_path) as process:
            await read_until(process, "service.ready")
            await office.until_done()
        await as_said_once(office, api)


@pytest.mark.slow
async def test_an_answer_in_hand_when_the_service_died_counts_once_though_it_is_sent_again(
    office: Office, tmp_path: Path
) -> None:
    async with BotApi() as api:
        update = office.press(7001)
        said = await killed(office, api, "stall", update)
        assert said == "handled with 1 answers"
        assert await office.counted(InboxEvent.state == "new") == 1
        assert await office.counted(StatusReply.id > 0) == 0
        port = free_port()
        secret = Settings.model_validate({"telegram_token": TOKEN}).telegram_webhook_secret
        header = {"X-Telegram-Bot-Api-Secret-Token": secret}
        address = f"http://127.0.0.1:{port}"
        async with started(api, port, tmp_path, public_url=address) as process:
            await read_until(process, "service.ready")
            async with httpx.AsyncClient() as client:
                for _ in range(2):  # the platform got no answer to its first call
                    again = await client.post(address + WEBHOOK_PATH, json=update, headers=header)
                    assert again.status_code == 200
                    await office.until_done()
        await as_said_once(office, api)
