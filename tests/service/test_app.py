"""The whole service on a local Bot API server: started, used and stopped as an administrator does."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import insert, select

from bot.__main__ import run_command_line
from bot.app import App, open_app
from bot.channels.telegram.account import WEBHOOK_PATH
from bot.config import Settings, list_setting_names, webhook_secret
from bot.service.accounts import StartRefused
from bot.web.routes import make_web_app
from data.clock import SystemClock
from data.db.database import Database
from data.db.errors import DatabaseUnusable
from data.db.upgrade import upgrade_schema
from data.models import Account, InboxEvent, Meta
from tests.conftest import SHIPPED
from tests.support.telegram_server import TOKEN, BotApi
from tests.support.zalo_server import TOKENS, ZaloApi

pytestmark = pytest.mark.slow  # the whole service

PATIENCE = 20  # seconds, for a busy machine


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list_setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


def settings_for(api: BotApi, **others: object) -> Settings:
    return Settings.model_validate(
        {"telegram_token": TOKEN, "telegram_base_url": api.url, "web_port": free_port(), **others}
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def service(settings: Settings) -> AsyncIterator[App]:
    """Run the service in this loop; stop it as a signal does."""
    stopping = asyncio.Event()
    async with open_app(settings, clock=SystemClock(), stopping=stopping) as app:

        async def serve() -> None:
            await stopping.wait()

        running = asyncio.create_task(app.run(stopping, serve))
        try:
            yield app
        finally:
            stopping.set()
            async with asyncio.timeout(PATIENCE):
                await running


async def until(what: object, *, api: BotApi) -> None:
    """Wait until a message with these words stands in some chat."""
    async with asyncio.timeout(PATIENCE):
        while not any(str(what) in message.text for message in api.messages):
            await asyncio.sleep(0.02)


def start_message(code: str, *, update_id: int = 7001) -> dict[str, object]:
    return {
        "message": {
            "message_id": update_id,
            "date": 1_794_000_000,
            "chat": {"id": 555, "type": "private", "first_name": "An"},
            "from": {"id": 555, "is_bot": False, "first_name": "An"},
            "text": f"/start {code}",
        }
    }


async def invited(database_url: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Make a code by the command, in a thread as it has a loop of its own."""
    words = ["invite", "--province", "gia-lai", "--agency", "so khcn", "--role", "focal"]
    capsys.readouterr()
    assert await asyncio.to_thread(run_command_line, words) == 0, database_url
    found = re.search(r"[0-9A-Z]{5}-[0-9A-Z]{5}", capsys.readouterr().out)
    assert found is not None
    return found[0]


async def test_a_code_from_the_command_enrols_a_chat_that_is_then_answered(
    api: BotApi, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(api)
    async with service(settings) as app:
        code = await invited(settings.database_url, capsys)
        api.push(start_message(code))
        await until("Sở Khoa học và Công nghệ", api=api)
        assert await app.menus.step(now=await app.clock.now()) == 1
    assert [command["command"] for command in api.commands] == ["help"]
    assert {command["command"] for command in api.menus[555]} >= {"viec", "status", "help"}


async def test_a_deep_link_is_printed_once_the_bot_is_known(
    api: BotApi, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_app(settings_for(api), clock=SystemClock()):
        pass
    capsys.readouterr()
    words = ["invite", "--province", "gia-lai", "--agency", "so khcn", "--role", "focal"]
    assert await asyncio.to_thread(run_command_line, words) == 0
    out = capsys.readouterr().out
    assert "https://t.me/nhacviec_test_bot?start=" in out
    assert "https://t.me/nhacviec_test_bot?startgroup=" in out


async def test_with_a_public_address_updates_come_by_webhook_with_its_secret(
    api: BotApi, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(api, public_url="https://bot.example.vn")
    async with service(settings) as app:
        assert api.webhook["url"] == "https://bot.example.vn/telegram"
        code = await invited(settings.database_url, capsys)
        web = make_web_app(app.database, app.clock, app.webhooks())
        transport = httpx.ASGITransport(app=web)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            update = {"update_id": 9001, **start_message(code)}
            refused = await client.post(WEBHOOK_PATH, json=update)
            assert refused.status_code == 403
            header = {"X-Telegram-Bot-Api-Secret-Token": api.webhook["secret_token"]}
            taken = await client.post(WEBHOOK_PATH, json=update, headers=header)
            assert taken.status_code == 200
        await until("Sở Khoa học và Công nghệ", api=api)


async def test_a_refused_token_ends_the_start_with_a_sentence(api: BotApi) -> None:
    wrong = "4242:another-token-that-nobody-gave-out"
    with pytest.raises(StartRefused, match="NHACVIEC_TELEGRAM_TOKEN") as refused:
        async with open_app(settings_for(api, telegram_token=wrong), clock=SystemClock()):
            pass
    assert wrong not in str(refused.value)


async def test_a_platform_out_of_reach_is_told_when_there_is_no_time_to_wait(api: BotApi) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(StartRefused, match="Không nối được"):
        async with open_app(settings_for(api, telegram_base_url=nobody), clock=SystemClock()):
            pass


async def test_a_platform_out_of_reach_is_opened_when_it_comes_back(api: BotApi) -> None:
    api.misbehave("server_error", method="getMe")
    async with open_app(settings_for(api), clock=SystemClock(), stopping=asyncio.Event()) as app:
        (channel,) = app.accounts.values()
        assert channel.link is None
        await app.jobs["accounts"]()
        assert channel.link == "https://t.me/nhacviec_test_bot"
        async with app.database.read() as connection:
            assert await connection.scalar(select(Account.link)) == channel.link


async def test_one_refused_token_leaves_the_other_accounts_at_work(api: BotApi) -> None:
    async with ZaloApi() as zalo:
        zalo.revoked.add(TOKENS[1])
        settings = settings_for(
            api, zalo_bot_tokens=",".join(TOKENS[:2]), zalo_bot_base_url=zalo.url
        )
        async with open_app(settings, clock=SystemClock()) as app:
            kinds = [(channel.kind, channel.name) for channel in app.accounts.values()]
            assert kinds == [("telegram", "4242"), ("zalo_bot", "7001")]
        assert zalo.webhooks == {}  # nothing is set behind the administrator's back


async def test_each_zalo_bot_has_a_webhook_of_its_own(api: BotApi) -> None:
    async with ZaloApi() as zalo:
        settings = settings_for(
            api,
            zalo_bot_tokens=" , ".join(TOKENS[:2]),
            zalo_bot_base_url=zalo.url,
            public_url="https://bot.example.vn",
        )
        async with open_app(settings, clock=SystemClock()) as app:
            web = make_web_app(app.database, app.clock, app.webhooks())
            transport = httpx.ASGITransport(app=web)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                update = zalo.message("u1", "message.text.received", text="xin chào")
                right = {"X-Bot-Api-Secret-Token": webhook_secret(TOKENS[1])}
                wrong = {"X-Bot-Api-Secret-Token": webhook_secret(TOKENS[0])}
                for headers, code in ((right, 200), (wrong, 403), ({}, 403)):
                    answer = await client.post("/zalo/7002", json=update, headers=headers)
                    assert answer.status_code == code
                again = {"ok": True, "result": update}
                assert (await client.post("/zalo/7002", json=again, headers=right)).is_success
            async with app.database.read() as connection:
                stored = await connection.scalars(select(InboxEvent.update_id))
                assert len(list(stored)) == 1  # flat and enveloped, it is the same update


async def test_the_database_of_the_sandbox_is_refused(api: BotApi, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'sandbox.db'}"
    database = Database(url)
    await upgrade_schema(database)
    async with database.write() as connection:
        await connection.execute(insert(Meta).values(key="sandbox", value="1"))
    await database.dispose()
    with pytest.raises(StartRefused, match="bản thử"):
        async with open_app(settings_for(api, database_url=url), clock=SystemClock()):
            pass
    assert api.requests == []


async def test_a_folder_that_is_missing_is_told_before_the_platform_is_asked(
    api: BotApi, tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/none/x.db"
    with pytest.raises(DatabaseUnusable, match="Chưa có thư mục"):
        async with open_app(settings_for(api, database_url=url), clock=SystemClock()):
            pass
    assert api.requests == []


async def test_a_running_service_takes_up_what_plan_load_changed(
    api: BotApi, tmp_path: Path
) -> None:
    async with open_app(settings_for(api), clock=SystemClock()) as app:
        assert not await app.registry.refresh(app.database)
        folder = tmp_path / "registry"
        (folder / "plans").mkdir(parents=True)
        for path in (*SHIPPED.glob("agencies/*.yaml"), *SHIPPED.glob("calendar/*.yaml")):
            target = folder / path.relative_to(SHIPPED)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(path.read_bytes())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NHACVIEC_REGISTRY_DIR", str(folder))
            assert await asyncio.to_thread(run_command_line, ["plan", "load", "--yes"]) == 0
        assert await app.registry.refresh(app.database)
        assert app.registry().plans == {}


def test_the_service_does_not_start_without_an_account(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert run_command_line(["run"]) == 1
    assert "nhacviec sandbox" in capsys.readouterr().err
    assert not list(folder.iterdir())


def test_a_port_in_use_is_told_before_anything_is_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN", TOKEN)
        monkeypatch.setenv("NHACVIEC_WEB_PORT", port)
        assert run_command_line(["run"]) == 1
    assert f"Cổng {port} đang có chương trình khác dùng" in capsys.readouterr().err
    assert not list(folder.iterdir())


def test_a_tick_at_another_time_is_refused_while_a_real_account_is_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN", TOKEN)
    later = datetime.now(UTC) + timedelta(minutes=6)
    assert run_command_line(["tick", "--now", later.isoformat(), "--send"]) == 1
    assert "lệch giờ thật 6 phút" in capsys.readouterr().err
    assert not list(folder.iterdir())


@asynccontextmanager
async def started(
    api: BotApi, port: int, folder: Path, **others: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command as a process of its own, which does not outlive the test; others: settings."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("NHACVIEC_")},
        "NHACVIEC_TELEGRAM_TOKEN": TOKEN,
        "NHACVIEC_TELEGRAM_BASE_URL": api.url,
        "NHACVIEC_WEB_PORT": str(port),
        **{f"NHACVIEC_{name.upper()}": value for name, value in others.items()},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from bot.__main__ import main; main(['run'])",
        cwd=folder,
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def read_until(process: asyncio.subprocess.Process, words: str) -> str:
    assert process.stderr is not None
    read = ""
    async with asyncio.timeout(3 * PATIENCE):
        while words not in read:
            line = await process.stderr.readline()
            assert line, read
            read += line.decode()
    return read


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_service_tells_what_it_holds_and_stops_cleanly_when_asked(
    number: signal.Signals, api: BotApi, folder: Path
) -> None:
    port = free_port()
    async with started(api, port, folder) as process:
        log = await read_until(process, "service.ready")
        assert "plans=5" in log
        assert "agencies=575" in log
        assert TOKEN not in log
        async with httpx.AsyncClient() as client, asyncio.timeout(PATIENCE):
            address = f"http://127.0.0.1:{port}/healthz"
            while (await client.get(address)).status_code != 200:
                await asyncio.sleep(0.1)
            feed = await client.get(f"http://127.0.0.1:{port}/lich/1-0.ics")
            assert (feed.status_code, feed.text) == (404, "Không có lịch này, hoặc đã ngừng.")
        process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            await read_until(process, "service.stopped")
            assert await process.wait() == 0
