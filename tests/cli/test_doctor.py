"""`nhacviec doctor` against local servers of both platforms: what it finds, and that it only looks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.channels import MESSENGERS
from bot.cli.doctor.finding import CheckContext
from bot.cli.doctor.installation import check_calendar, judge_sqlite
from bot.cli.doctor.platforms import ask_platforms
from bot.cli.doctor.run import format_finding, run_checks
from bot.config import Settings, webhook_secret
from bot.health.finding import Finding
from bot.service.accounts import webhook_address_for
from data.accounts import leases
from data.clock import SteppedClock
from data.db.database import Database
from data.models import Account, Agency, Chat, Enrolment, InboxEvent, Message, Meta
from data.registry.schema import CalendarFile
from data.registry.workdays import Workdays
from tests.cli.test_cli import Terminal, terminal
from tests.service.test_app import service
from tests.support.loaded_province import morning_of
from tests.support.telegram_server import TOKEN, BotApi
from tests.support.zalo_server import TOKENS, ZaloApi

pytestmark = pytest.mark.slow  # the whole service

__all__ = ["terminal"]  # a fixture

NOW = morning_of(date(2026, 11, 25), 9)  # a Wednesday, within sending hours
PUBLIC = "https://nhacviec.tinh.example"
ZALO = TOKENS[0]


class Office:
    """Both platforms, a database, and settings for a bot on each."""

    def __init__(self, database: Database, telegram: BotApi, zalo: ZaloApi) -> None:
        self.database, self.telegram, self.zalo = database, telegram, zalo
        self.now = NOW

    def settings(self, **others: object) -> Settings:
        return Settings.model_validate(
            {
                "telegram_token": TOKEN,
                "telegram_base_url": self.telegram.url,
                "zalo_bot_tokens": ZALO,
                "zalo_bot_base_url": self.zalo.url,
                "database_url": self.database.url.render_as_string(hide_password=False),
                **others,
            }
        )

    async def account(self, channel: str, name: str, **values: object) -> int:
        """Register an account that a service owns now."""
        async with self.database.write() as connection:
            key = await leases.ensure_account(connection, channel=channel, name=name)
            await leases.take_lease(connection, key, "máy-1", now=self.now)
            if values:
                await connection.execute(update(Account).where(Account.id == key).values(**values))
        return key

    async def chat(self, account_id: int, address: str, **values: object) -> int:
        async with self.database.write() as connection:
            made = insert(Chat).values(
                account_id=account_id, address=address, kind="private", **values
            )
            return int((await connection.execute(made.returning(Chat.id))).scalar_one())

    async def message(self, account_id: int, chat_id: int, **values: object) -> None:
        given: dict[str, object] = {
            "account_id": account_id,
            "chat_id": chat_id,
            "priority": 2,
            "template": "reminder",
            "context": {},
            "buttons": [],
            "created_at": self.now,
            "send_at": self.now,
        }
        async with self.database.write() as connection:
            await connection.execute(insert(Message).values(given | values))

    async def found(self, settings: Settings | None = None) -> list[Finding]:
        return await run_checks(settings or self.settings(), SteppedClock(self.now))


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    async with BotApi() as telegram, ZaloApi() as zalo:
        yield Office(database, telegram, zalo)


def of(found: list[Finding], about: str) -> Finding:
    """Return the one finding about something."""
    (one,) = [finding for finding in found if finding.about == about]
    return one


# ------------------------------------------------------------------ the command


async def test_beside_a_running_service_everything_that_matters_is_well(
    office: Office, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = office.settings()
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setenv("NHACVIEC_TELEGRAM_BASE_URL", office.telegram.url)
    monkeypatch.setenv("NHACVIEC_ZALO_BOT_TOKENS", ZALO)
    monkeypatch.setenv("NHACVIEC_ZALO_BOT_BASE_URL", office.zalo.url)
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", settings.database_url)
    async with service(settings) as app:
        async with asyncio.timeout(20):
            while await owners_of(office.database) < len(app.accounts):
                await asyncio.sleep(0.02)
        async with asyncio.timeout(120):
            # After half past seven the service first composes the mornings of all provinces.
            while (await asyncio.to_thread(terminal.type, "doctor"))[0]:
                await asyncio.sleep(0.5)
        code, out, err = await asyncio.to_thread(terminal.type, "doctor")
        answer = await asyncio.to_thread(terminal.type, "doctor", "--json")
    assert (code, err) == (0, "")
    for words in (
        "✓ @nhacviec_test_bot (Telegram): khoá đúng",
        "✓ Bot Nhắc Việc 1 (Zalo): khoá đúng, số 7001",
        "✓ Bot Nhắc Việc 1 (Zalo), nhận tin: tự hỏi tin",
        "✓ Bot Nhắc Việc 1 (Zalo), dịch vụ: đang chạy",
        "✓ Bot Nhắc Việc 1 (Zalo), hạn mức: tháng",
        "✓ Đồng hồ: lệch",
        "✓ Sổ bộ: 5 kế hoạch",
        "✓ Tin đến giờ gửi",
        "✓ Chat",
    ):
        assert words in out
    assert "✗" not in out
    assert "0 phải sửa" in out
    report = json.loads(answer[1])
    assert report["ok"] is True
    assert set(report["findings"][0]) == {"level", "about", "found", "todo"}
    for secret in (TOKEN, ZALO, webhook_secret(TOKEN), webhook_secret(ZALO)):
        assert secret not in out + answer[1]
    assert not {"setWebhook", "deleteWebhook"} & set(office.zalo.methods())


async def owners_of(database: Database) -> int:
    async with database.read() as connection:
        owned = await connection.scalars(select(Account.id).where(Account.owner.is_not(None)))
        return len(owned.all())


def test_nothing_set_up_yet_is_told_step_by_step_and_nothing_is_made(
    terminal: Terminal, tmp_path: Path
) -> None:
    code, out, err = terminal.type("doctor")
    assert (code, err) == (1, "")
    assert "✗ Tài khoản: chưa đặt bot nào" in out
    assert "✗ Cơ sở dữ liệu: chưa có" in out
    assert not list(tmp_path.iterdir())


def test_a_line_holds_its_mark_what_was_found_and_what_to_do() -> None:
    finding = Finding("warn", "Đĩa", "còn 0.5 GB.", "Hãy giải phóng dung lượng.")
    assert format_finding(finding) == "! Đĩa: còn 0.5 GB. → Hãy giải phóng dung lượng."


# ------------------------------------------------------------------ platforms


async def test_a_refused_token_is_told_by_its_setting_and_the_other_bot_is_looked_at(
    office: Office,
) -> None:
    office.zalo.revoked.add(ZALO)
    found = await office.found()
    refused = of(found, "7001 (Zalo)")
    assert (refused.level, "NHACVIEC_ZALO_BOT_TOKENS" in refused.todo) == ("bad", True)
    assert of(found, "@nhacviec_test_bot (Telegram)").level == "ok"


async def test_without_network_it_says_so_and_looks_at_the_rest(
    office: Office, database: Database
) -> None:
    nowhere = "http://127.0.0.1:9"
    found = await office.found(
        office.settings(telegram_base_url=nowhere, zalo_bot_base_url=nowhere)
    )
    for about in ("4242 (Telegram)", "7001 (Zalo)"):
        assert of(found, about).level == "bad"
        assert nowhere in of(found, about).found
    assert of(found, "Đồng hồ").level == "warn"
    assert of(found, "Cơ sở dữ liệu").level == "ok"
    assert not [each for each in found if "nhận tin" in each.about]


@pytest.mark.slow  # waits as long as people would
async def test_a_platform_that_never_answers_does_not_hold_it_up(office: Office) -> None:
    office.zalo.misbehave("hang", method="getMe")
    office.telegram.misbehave("hang", method="getMe")
    async with asyncio.timeout(25):  # a send would wait for 30 seconds
        answers, skews = await ask_platforms(office.settings(), SteppedClock(NOW))
    assert [(each.name, each.fault) for each in answers] == [
        ("4242", "unreachable"),
        ("7001", "unreachable"),
    ]
    assert None not in [each.seconds for each in skews]  # the servers still tell the time


async def test_a_webhook_other_than_wanted_is_told_with_the_command_that_mends_it(
    office: Office,
) -> None:
    office.telegram.webhook = {"url": "https://else.example/telegram"}
    office.zalo.webhooks[office.zalo.bot_id(ZALO)] = {"url": "https://else.example/zalo"}
    found = await office.found()
    zalo = of(found, "Bot Nhắc Việc 1 (Zalo), nhận tin")
    assert (zalo.level, "https://else.example/zalo" in zalo.found) == ("bad", True)
    assert "nhacviec zalo webhook delete" in zalo.todo
    telegram = of(found, "@nhacviec_test_bot (Telegram), nhận tin")
    assert (telegram.level, "cần tự hỏi tin" in telegram.found) == ("warn", True)
    found = await office.found(office.settings(public_url=PUBLIC))
    assert "zalo webhook set" in of(found, "Bot Nhắc Việc 1 (Zalo), nhận tin").todo
    telegram = of(found, "@nhacviec_test_bot (Telegram), nhận tin")
    assert f"cần {PUBLIC}/telegram" in telegram.found


async def test_a_webhook_that_is_right_is_well_and_its_trouble_is_told_while_it_is_fresh(
    office: Office,
) -> None:
    settings = office.settings(public_url=PUBLIC)
    (bot,) = MESSENGERS["zalo_bot"].channels(settings)
    path = webhook_address_for(settings, bot).path
    await bot.close()
    office.telegram.webhook = {"url": f"{PUBLIC}/telegram"}
    office.zalo.webhooks[office.zalo.bot_id(ZALO)] = {"url": PUBLIC + path}
    office.telegram.webhook_trouble = {
        "last_error_date": int((NOW - timedelta(hours=2)).timestamp()),
        "last_error_message": "Wrong response from the webhook: 502 Bad Gateway",
    }
    found = await office.found(settings)
    assert of(found, "Bot Nhắc Việc 1 (Zalo), nhận tin").level == "ok"
    right, trouble = [each for each in found if each.about.endswith("(Telegram), nhận tin")]
    assert (right.level, trouble.level) == ("ok", "warn")
    assert "502 Bad Gateway" in trouble.found
    office.now = NOW + timedelta(days=2)
    found = await office.found(settings)
    assert of(found, "@nhacviec_test_bot (Telegram), nhận tin").level == "ok"


async def test_updates_that_pile_up_at_the_platform_are_told(office: Office) -> None:
    for number in range(100):
        office.telegram.push({"message": {"text": "xong"}}, update_id=number + 1)
    found = await office.found()
    waiting = [each.found for each in found if each.about.endswith("(Telegram), nhận tin")]
    assert waiting[-1] == "100 tin đang chờ ở nền tảng."


@pytest.mark.parametrize(
    ("ahead", "level", "words"),
    [(0, "ok", "lệch"), (75, "warn", "nhanh 7"), (-75, "warn", "chậm 7"), (-4000, "bad", "chậm")],
)
async def test_a_clock_that_goes_wrong_is_told_by_a_platforms_date(
    office: Office, ahead: int, level: str, words: str
) -> None:
    office.now = datetime.now(UTC) + timedelta(seconds=ahead)
    found = of(await office.found(), "Đồng hồ")
    assert (found.level, words in found.found) == (level, True)


# ------------------------------------------------------------------ what is remembered


async def test_a_service_that_does_not_run_is_told(office: Office) -> None:
    found = await office.found()
    assert "chưa chạy lần nào" in of(found, "Bot Nhắc Việc 1 (Zalo), dịch vụ").found
    await office.account("zalo_bot", "7001")
    assert of(await office.found(), "Bot Nhắc Việc 1 (Zalo), dịch vụ").level == "ok"
    office.now = NOW + timedelta(minutes=2)
    stopped = of(await office.found(), "Bot Nhắc Việc 1 (Zalo), dịch vụ")
    assert (stopped.level, "nhacviec run" in stopped.todo) == ("bad", True)


async def test_an_account_that_rests_and_one_that_was_refused_are_told_apart(
    office: Office,
) -> None:
    until = morning_of(date(2026, 12, 1), 0, 5)
    await office.account(
        "zalo_bot", "7001", stopped_at=NOW, stopped_why="spent: 429", stopped_until=until
    )
    await office.account("telegram", "4242", stopped_at=NOW, stopped_why="refused: 401")
    found = await office.found()
    rests = of(found, "Bot Nhắc Việc 1 (Zalo), dịch vụ")
    assert (rests.level, "nghỉ đến 01/12/2026" in rests.found) == ("warn", True)
    refused = of(found, "@nhacviec_test_bot (Telegram), dịch vụ")
    assert (refused.level, "refused: 401" in refused.found) == ("bad", True)


async def test_people_on_a_bot_that_is_set_no_longer_are_told(office: Office) -> None:
    old = await office.account("zalo_bot", "7009", title="Bot Cũ")
    await enrol(office, await office.chat(old, "z1"))
    left = of(await office.found(), "Bot Cũ (Zalo)")
    assert (left.level, "1 chat" in left.found) == ("warn", True)


@pytest.mark.parametrize(("sent", "level"), [(6, "ok"), (7, "warn"), (9, "warn"), (10, "warn")])
async def test_a_month_that_runs_out_is_told_against_its_cap(
    office: Office, sent: int, level: str
) -> None:
    key = await office.account("zalo_bot", "7001")
    chat = await office.chat(key, "z1")
    for _ in range(sent):
        await office.message(key, chat, state="sent", sent_at=NOW - timedelta(days=3))
    await office.message(key, chat, state="sent", sent_at=NOW - timedelta(days=40))
    found = of(await office.found(office.settings(zalo_bot_messages=10)), "7001 (Zalo), hạn mức")
    assert found.level == level
    assert f"tháng 11 đã dùng {sent}/10 ({sent * 10} %) tin" in found.found


async def test_a_bot_with_little_room_asks_for_another_but_nothing_is_broken(
    office: Office,
) -> None:
    key = await office.account("zalo_bot", "7001")
    async with office.database.write() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO person (id, created_at) VALUES (1, '2026-11-01'), (2, '2026-11-01')"
        )
    for person in (1, 2):
        await enrol(office, await office.chat(key, f"z{person}"), person=person)
    found = of(await office.found(office.settings(zalo_bot_people=2)), "7001 (Zalo), hạn mức")
    assert (found.level, "2/2 (100 %) người" in found.found) == ("warn", True)
    assert "bot mới" in found.todo


@pytest.mark.parametrize(
    ("waited", "level"),
    [(timedelta(minutes=9), "ok"), (timedelta(minutes=30), "warn"), (timedelta(hours=2), "bad")],
)
async def test_a_message_that_should_be_out_by_now_is_told(
    office: Office, waited: timedelta, level: str
) -> None:
    key = await office.account("zalo_bot", "7001")
    await office.message(key, await office.chat(key, "z1"), send_at=NOW - waited)
    assert of(await office.found(), "Tin đến giờ gửi").level == level


async def test_a_broadcast_that_waits_for_the_morning_by_rule_is_no_fault(office: Office) -> None:
    key = await office.account("zalo_bot", "7001")
    chat = await office.chat(key, "z1")
    await office.message(key, chat, broadcast_on=date(2026, 11, 25))
    office.now = morning_of(date(2026, 11, 25), 22)
    assert of(await office.found(), "Tin đến giờ gửi").level == "ok"
    await office.message(key, chat, priority=0, send_at=NOW)  # an answer goes at any hour
    assert of(await office.found(), "Tin đến giờ gửi").level == "bad"


async def test_what_ended_badly_this_week_is_counted_and_older_is_not(office: Office) -> None:
    key = await office.account("zalo_bot", "7001")
    chat = await office.chat(key, "z1")
    assert of(await office.found(), "7 ngày qua").level == "ok"
    for state, days in (("failed", 1), ("uncertain", 6), ("uncertain", 2), ("failed", 8)):
        await office.message(
            key, chat, state=state, error="400 no", claimed_at=NOW - timedelta(days=days)
        )
    async with office.database.write() as connection:
        for number, days in enumerate((1, 9)):
            await connection.execute(
                insert(InboxEvent).values(
                    account_id=key,
                    update_id=f"m:{number}",
                    raw=b"{}",
                    received_at=NOW - timedelta(days=days),
                    state="parked",
                )
            )
    found = [each for each in await office.found() if each.about == "7 ngày qua"]
    assert [each.level for each in found] == ["warn"] * 3
    assert [each.found.split()[0] for each in found] == ["1", "2", "1"]


async def test_chats_that_are_lost_are_told_by_their_agencies(office: Office) -> None:
    key = await office.account("zalo_bot", "7001")
    lost = await office.chat(key, "z1", state="gone", gone_at=NOW)
    await enrol(office, lost)
    await enrol(office, await office.chat(key, "z2", state="gone", gone_at=NOW), ended_at=NOW)
    found = of(await office.found(), "Chat")
    assert (found.level, found.found) == ("warn", "1 chat không gửi được nữa: Sở Một.")


async def test_what_to_do_about_a_lost_chat_follows_from_why_it_was_lost(office: Office) -> None:
    key = await office.account("telegram", "4242")
    for number, why in enumerate(("topic_closed: 400 x", "forbidden: 400 x", "gone: 403 x", None)):
        lost = await office.chat(key, f"-{number}", state="gone", gone_at=NOW, gone_why=why)
        await enrol(office, lost)
    found = [each for each in await office.found() if each.about == "Chat"]
    assert [(each.found.split()[0], each.todo.split(":")[0]) for each in found] == [
        ("2", "Người ấy đã chặn bot hoặc rời nhóm"),
        ("1", "Chủ đề nhận tin đã đóng"),
        ("1", "Nhóm không cho bot gửi tin"),
    ]


async def test_a_clock_that_was_set_back_is_told_and_is_bad_while_messages_wait_for_it(
    office: Office,
) -> None:
    key = await office.account("telegram", "4242")
    chat_id = await office.chat(key, "5")
    assert of(await office.found(), "Giờ đã lưu").level == "ok"
    ahead = NOW + timedelta(hours=6)
    await office.message(key, chat_id, state="sent", sent_at=ahead)
    found = of(await office.found(), "Giờ đã lưu")
    assert (found.level, found.found) == ("warn", "đồng hồ đã bị chỉnh lùi.")
    await office.message(key, chat_id, created_at=ahead, send_at=ahead)
    found = of(await office.found(), "Giờ đã lưu")
    assert found.level == "bad"
    assert found.found == "đồng hồ đã bị chỉnh lùi; 1 tin đang chờ theo giờ cũ."


@pytest.mark.sqlite  # on a server the lease is of the server's clock
async def test_a_service_that_died_while_the_clock_was_ahead_does_not_run(office: Office) -> None:
    key = await office.account("telegram", "4242")
    async with office.database.write() as connection:
        await leases.take_lease(connection, key, "máy-1", now=NOW + timedelta(hours=6))
    assert of(await office.found(), "@nhacviec_test_bot (Telegram), dịch vụ").level == "bad"


async def enrol(office: Office, chat_id: int, *, person: int | None = None, **values: Any) -> None:
    """Enrol a chat for the one agency of these tests."""
    async with office.database.write() as connection:
        agency = await connection.scalar(select(Agency.id))
        if agency is None:
            made = insert(Agency).values(
                province="dong",
                code="so-mot",
                name="Sở Một",
                short="Sở Một",
                kind="department",
                position=1,
                folded="so mot",
            )
            agency = (await connection.execute(made.returning(Agency.id))).scalar_one()
        await connection.execute(
            insert(Enrolment).values(
                chat_id=chat_id,
                person_id=person,
                agency_id=agency,
                role="focal",
                enrolled_at=NOW,
                **values,
            )
        )


# ------------------------------------------------------------------ the installation


async def test_a_registry_that_is_not_loaded_or_faulty_is_told(
    office: Office, tmp_path: Path
) -> None:
    found = of(await office.found(), "Sổ bộ")
    assert (found.level, "plan load" in found.todo) == ("warn", True)
    folder = tmp_path / "registry"
    for name in ("plans", "agencies", "calendar"):
        (folder / name).mkdir(parents=True)
    (folder / "plans" / "x.yaml").write_text("number: [", encoding="utf-8")
    found = of(await office.found(office.settings(registry_dir=folder)), "Sổ bộ")
    assert (found.level, "nhacviec check" in found.todo) == ("bad", True)


async def test_the_sandboxs_file_is_refused(office: Office) -> None:
    async with office.database.write() as connection:
        await connection.execute(insert(Meta).values(key="sandbox", value="1"))
    assert of(await office.found(), "Cơ sở dữ liệu").level == "bad"


async def test_a_file_that_is_no_database_is_told_once_and_the_rest_is_looked_at(
    office: Office, tmp_path: Path
) -> None:
    (tmp_path / "notes.db").write_text("not a database, only some notes of somebody" * 50)
    settings = office.settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/notes.db")
    found = await office.found(settings)
    assert "không phải cơ sở dữ liệu" in of(found, "Cơ sở dữ liệu").found
    assert of(found, "Bot Nhắc Việc 1 (Zalo)").level == "ok"
    assert of(found, "Đĩa").found.endswith("notes.db.")


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ((3, 6, 23), "ok"),
        ((3, 7, 0), "warn"),
        ((3, 40, 1), "warn"),
        ((3, 51, 2), "warn"),
        ((3, 51, 3), "ok"),
    ],
)
def test_versions_of_sqlite_that_can_damage_a_file_are_told(
    version: tuple[int, int, int], level: str
) -> None:
    assert judge_sqlite(version).level == level


@pytest.mark.parametrize(
    ("today", "level", "told"),
    [
        (date(2026, 3, 2), "ok", "năm 2027 còn là dự kiến."),
        (date(2026, 11, 25), "warn", "năm 2027, 2028 còn là dự kiến."),
        (date(2025, 3, 3), "ok", "mọi năm cần đến đã xác nhận."),
    ],
)
def test_a_year_that_nobody_confirmed_is_told_once_it_is_near(
    office_settings: Settings, today: date, level: str, told: str
) -> None:
    years = [
        CalendarFile(year=year, confirmed=True, source="x", days_off=[]) for year in (2025, 2026)
    ]
    case = CheckContext(office_settings, morning_of(today), Workdays(years), None, [], [])
    (found,) = check_calendar(case)
    assert (found.level, found.found) == (level, told)


@pytest.fixture
def office_settings() -> Settings:
    return Settings.model_validate({})
