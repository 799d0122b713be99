"""Every secret of a run, looked for in everything that the run leaves: output, log, rows, files, answers.

The service is a process of its own that meets faults on purpose: refusals, garbage, silence, a database
that is not there. Each secret is looked for as it is, in addresses, in base64 and in hexadecimal.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest

from bot.config import Settings, webhook_secret
from bot.service.logs import configure_logging, redact
from tests.service.test_app import free_port, start_message
from tests.support.telegram_server import TOKEN, BotApi
from tests.support.zalo_server import TOKENS, ZaloApi

PATIENCE = 120
PASSWORD = "mật/khẩu+rất dài&của=máy chủ"


def forms_of(secret: str) -> set[str]:
    """Return how a secret may stand somewhere; of a bot's token its half after the number, too."""
    forms: set[str] = set()
    for part in {secret, secret.partition(":")[2] if secret[:1].isdigit() else secret} - {""}:
        raw = part.encode()
        forms |= {part, quote(part), quote(part, safe=""), quote_plus(part), raw.hex()}
        forms |= {base64.b64encode(raw).decode().rstrip("="), repr(part)[1:-1]}
    return forms


def found_in(text: str, secrets: tuple[str, ...]) -> list[str]:
    return [form for secret in secrets for form in forms_of(secret) if form in text]


async def run(
    words: list[str], environment: dict[str, str], folder: Path
) -> asyncio.subprocess.Process:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("NHACVIEC_")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"from bot.__main__ import main; main({words!r})",
        cwd=folder, env={**plain, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.mark.slow
async def test_no_secret_stands_in_anything_that_a_run_with_faults_leaves(
    api: BotApi, tmp_path: Path
) -> None:
    secrets = (TOKEN, webhook_secret(TOKEN), *TOKENS[:2], *map(webhook_secret, TOKENS[:2]))
    (tmp_path / "khoa.txt").write_text(f"{TOKEN}\n", encoding="utf-8")
    port = free_port()
    async with ZaloApi() as zalo:
        zalo.misbehave("unauthorised", method="getMe", times=1)
        environment = {
            "NHACVIEC_TELEGRAM_TOKEN_FILE": str(tmp_path / "khoa.txt"),
            "NHACVIEC_TELEGRAM_BASE_URL": api.url,
            "NHACVIEC_ZALO_BOT_TOKENS": ",".join(TOKENS[:2]),
            "NHACVIEC_ZALO_BOT_BASE_URL": zalo.url,
            "NHACVIEC_WEB_PORT": str(port),
            "NHACVIEC_LOG_LEVEL": "DEBUG",
        }
        for kind in ("garbage", "server_error", "dropped"):
            api.misbehave(kind, method="getUpdates")
        for kind in ("server_error", "bad_request", "garbage"):
            api.misbehave(kind)
        for number, text in ((7001, "xin chào"), (7002, TOKEN), (7003, "AAAAA-AAAAA")):
            message = start_message("x", update_id=number)
            message["message"]["text"] = text  # type: ignore[index]
            api.push(message, update_id=number)
        service = await run(["run"], environment, tmp_path)
        reading = asyncio.create_task(service.communicate())  # a pipe that nobody reads fills up
        answers: list[str] = []
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                async with asyncio.timeout(PATIENCE):
                    while not answers:
                        try:
                            answers.append((await client.get("/healthz")).text)
                        except httpx.HTTPError:
                            assert service.returncode is None
                            await asyncio.sleep(0.2)
                    while "sendMessage" not in api.methods():  # a stranger is answered
                        await asyncio.sleep(0.2)
                paths = ("/healthz", "/metrics", "/tep/1-2-3/x", "/lich/1-0.ics", "/nothing")
                answers += [(await client.get(path)).text for path in paths]
                hook = {"X-Telegram-Bot-Api-Secret-Token": webhook_secret(TOKEN)}
                answers.append((await client.post(f"/telegram/{TOKEN}", headers=hook)).text)
            service.terminate()
            async with asyncio.timeout(PATIENCE):
                output, _ = await reading
        finally:
            if service.returncode is None:
                service.kill()
                print((await reading)[0].decode())
        api.misbehave("unauthorised", method="getMe", times=9)
        doctor = await run(["doctor"], environment, tmp_path)
        told, _ = await doctor.communicate()
    left = {
        "log": output.decode(),
        "doctor": told.decode(),
        "web": "\n".join(answers),
        **{
            path.name: path.read_bytes().decode("utf-8", "replace")
            for path in sorted((tmp_path / "var").iterdir())
        },
    }
    assert "service.ready" in left["log"], left["log"][-3000:]
    # what somebody types is kept as it is typed, be it our own token: it is theirs to say
    left["nhacviec.db"] = left["nhacviec.db"].replace(f'"text":"{TOKEN}"', "")
    left["nhacviec.db"] = left["nhacviec.db"].replace(f'"text": "{TOKEN}"', "")
    left["nhacviec.db-wal"] = ""
    print({name: len(text) for name, text in left.items()}, "characters looked through")
    assert {name: found for name, text in left.items() if (found := found_in(text, secrets))} == {}


@pytest.mark.slow
async def test_a_database_that_is_not_there_is_told_without_its_password(tmp_path: Path) -> None:
    address = f"postgresql+psycopg://bot:{quote(PASSWORD, safe='')}@127.0.0.1:9/nhacviec"
    environment = {
        "NHACVIEC_DATABASE_URL": address,
        "NHACVIEC_TELEGRAM_TOKEN": TOKEN,
        "NHACVIEC_TELEGRAM_BASE_URL": "http://127.0.0.1:9",
        "NHACVIEC_LOG_LEVEL": "DEBUG",
        "NHACVIEC_WEB_PORT": str(free_port()),
    }
    for words in (["status"], ["doctor"]):
        process = await run(words, environment, tmp_path)
        output, _ = await process.communicate()
        assert process.returncode != 0
        text = output.decode()
        assert text.strip()
        assert found_in(text, (PASSWORD, address, TOKEN)) == [], words


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_a_secret_in_a_log_line_is_hidden_in_every_form(
    level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"postgresql+psycopg://bot:{quote(PASSWORD, safe='')}@db/nhacviec"
    settings = Settings.model_validate(
        {"database_url": address, "telegram_token": TOKEN, "log_level": level,
         "zalo_bot_tokens": ",".join(TOKENS[:2])}
    )  # fmt: skip
    configure_logging(settings)
    log = logging.getLogger("x")
    for secret in (*settings.secrets, PASSWORD):
        for form in sorted(forms_of(secret)):
            log.warning("giá trị %s trong %s", form, f"https://x.vn/bot{form}/getMe?a={form}")
            try:
                raise ConnectionError(f"https://x.vn/{form}")
            except ConnectionError:
                log.exception("hỏng")
            assert found_in(redact(f"«{form}»", settings), (secret,)) == []
    assert found_in(capsys.readouterr().err, (*settings.secrets, PASSWORD)) == []
