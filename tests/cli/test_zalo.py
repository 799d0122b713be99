"""`nhacviec zalo webhook …` against a local server that speaks the Bot Platform."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.channels.zalo.webhook import OUTCOMES
from bot.config import webhook_secret
from tests.cli.test_cli import Terminal, terminal
from tests.support.zalo_server import TOKENS, ZaloApi

pytestmark = pytest.mark.slow

__all__ = ["terminal"]  # a fixture

PUBLIC = "https://nhacviec.tinh.example"
FIRST, SECOND = TOKENS[:2]
WANTED = f"{PUBLIC}/zalo/7001"


@pytest.fixture
async def zalo(monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> AsyncIterator[ZaloApi]:
    """A platform with two bots that are set here, in a folder without a database."""
    async with ZaloApi() as api:
        monkeypatch.setenv("NHACVIEC_ZALO_BOT_TOKENS", f"{FIRST},{SECOND}")
        monkeypatch.setenv("NHACVIEC_ZALO_BOT_BASE_URL", api.url)
        monkeypatch.setenv("NHACVIEC_PUBLIC_URL", PUBLIC)
        yield api


class Typed:
    """`nhacviec zalo webhook …`, in a thread as each command has a loop of its own."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        return await asyncio.to_thread(self._terminal.type, "zalo", "webhook", *words)

    async def json(self, *words: str) -> tuple[int, list[dict[str, Any]]]:
        code, out, err = await self(*words, "--json")
        assert err == ""
        return code, json.loads(out)


@pytest.fixture
def typed(terminal: Terminal) -> Typed:
    return Typed(terminal)


async def test_set_gives_each_bot_its_own_path_and_its_own_secret(
    zalo: ZaloApi, typed: Typed
) -> None:
    code, out, _ = await typed("set")
    assert code == 0
    assert out.count("Zalo gọi được địa chỉ này") == 2
    for token in (FIRST, SECOND):
        name = token.partition(":")[0]
        assert zalo.webhooks[zalo.bot_id(token)] == {
            "url": f"{PUBLIC}/zalo/{name}",
            "secret_token": webhook_secret(token),
        }
    assert not [
        secret for token in TOKENS for secret in (token, webhook_secret(token)) if secret in out
    ]


async def test_an_address_that_is_right_is_not_set_again(zalo: ZaloApi, typed: Typed) -> None:
    assert (await typed("set"))[0] == 0
    code, out, _ = await typed("set")
    assert (code, out.count("không đặt lại")) == (0, 2)
    assert zalo.methods().count("setWebhook") == 2


async def test_one_bot_alone_is_named_by_its_number(zalo: ZaloApi, typed: Typed) -> None:
    code, rows = await typed.json("set", "--bot", "7002")
    assert code == 0
    assert [(row["bot"], row["state"], row["outcome"]) for row in rows] == [
        ("7002", "set", "webhook.ok")
    ]
    assert list(zalo.webhooks) == [zalo.bot_id(SECOND)]
    code, out, err = await typed("set", "--bot", "99")
    assert (code, out) == (1, "")
    assert "7001, 7002" in err


@pytest.mark.parametrize("outcome", [each for each in OUTCOMES if each != "webhook.ok"])
async def test_what_the_platform_could_not_reach_is_told_with_what_to_do(
    zalo: ZaloApi, typed: Typed, outcome: str
) -> None:
    zalo.outcome = outcome.replace("5xx", "502")
    code, out, _ = await typed("set", "--bot", "7001")
    found, todo = OUTCOMES[outcome]
    assert code == 1
    assert f"đã đặt; {found}" in out
    assert todo in out
    assert WANTED in out  # the platform keeps it all the same


async def test_an_outcome_nobody_documented_is_told_as_it_is(zalo: ZaloApi, typed: Typed) -> None:
    zalo.outcome = "webhook.err.moon"
    code, out, _ = await typed("set", "--bot", "7001")
    assert (code, "«webhook.err.moon»" in out) == (1, True)


async def test_a_platform_that_does_not_try_the_address_is_believed(
    zalo: ZaloApi, typed: Typed
) -> None:
    zalo.outcome = ""
    code, out, _ = await typed("set", "--bot", "7001")
    assert code == 0
    assert "đã đặt." in out
    assert "nhắn thử" in out


@pytest.mark.parametrize("public", ["", "http://nhacviec.tinh.example"])
async def test_set_needs_a_public_https_address(
    zalo: ZaloApi, typed: Typed, monkeypatch: pytest.MonkeyPatch, public: str
) -> None:
    monkeypatch.setenv("NHACVIEC_PUBLIC_URL", public)
    monkeypatch.setenv("NHACVIEC_TELEGRAM_BASE_URL", "http://127.0.0.1:1")  # a server of one's own
    code, out, err = await typed("set")
    assert (code, out) == (1, "")
    assert "NHACVIEC_PUBLIC_URL=https://" in err
    assert zalo.requests == []


async def test_info_tells_none_set_and_another_address(
    zalo: ZaloApi, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    zalo.webhooks[zalo.bot_id(SECOND)] = {"url": "https://else.example/hook"}
    code, rows = await typed.json("info")
    assert code == 1
    assert [(row["state"], row["url"]) for row in rows] == [
        ("none", ""),
        ("other", "https://else.example/hook"),
    ]
    assert {row["wanted"] for row in rows} == {WANTED, f"{PUBLIC}/zalo/7002"}
    assert (await typed("set"))[0] == 0
    code, out, _ = await typed("info")
    assert (code, out.count("đã đặt đúng")) == (0, 2)
    monkeypatch.setenv("NHACVIEC_PUBLIC_URL", "")
    code, out, _ = await typed("info")
    assert (code, out.count("zalo webhook delete")) == (1, 2)


async def test_delete_takes_away_what_is_set_and_says_what_follows(
    zalo: ZaloApi, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await typed("set", "--bot", "7001")
    code, out, _ = await typed("delete")
    assert code == 0
    assert "đã gỡ webhook" in out
    assert "Hãy xoá NHACVIEC_PUBLIC_URL" in out
    assert "không có webhook, không phải làm gì" in out
    assert zalo.methods().count("deleteWebhook") == 1
    monkeypatch.setenv("NHACVIEC_PUBLIC_URL", "")
    code, rows = await typed.json("info")
    assert (code, [(row["state"], row["ok"]) for row in rows]) == (0, [("none", True)] * 2)


async def test_test_shows_what_the_platform_found(zalo: ZaloApi, typed: Typed) -> None:
    code, out, _ = await typed("test", "--bot", "7001")
    assert (code, "zalo webhook set" in out) == (1, True)
    assert "testWebhook" not in zalo.methods()
    await typed("set", "--bot", "7001")
    zalo.outcome = "webhook.err.tls"
    code, rows = await typed.json("test", "--bot", "7001")
    assert (code, rows[0]["outcome"], rows[0]["ok"]) == (1, "webhook.err.tls", False)
    assert "chứng chỉ" in rows[0]["found"]


async def test_a_platform_that_offers_no_test_any_more_is_no_fault(
    zalo: ZaloApi, typed: Typed
) -> None:
    await typed("set", "--bot", "7001")
    zalo.not_offered = frozenset({"testWebhook"})
    code, out, _ = await typed("test", "--bot", "7001")
    assert code == 0
    assert "không còn cho gọi thử" in out


async def test_a_refused_bot_does_not_keep_the_others_from_being_set(
    zalo: ZaloApi, typed: Typed
) -> None:
    zalo.revoked.add(FIRST)
    code, rows = await typed.json("set")
    assert code == 1
    assert [(row["bot"], row["state"]) for row in rows] == [("7001", "failed"), ("7002", "set")]
    assert "Zalo Bot Creator" in rows[0]["todo"]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("rate_limited", "hết lượt Zalo cho phép"),
        ("server_error", "không trả lời được (403"),
        ("dropped", "không trả lời được"),
        ("bad_request", "Zalo từ chối (400"),
    ],
)
async def test_a_set_that_failed_says_why_without_the_token(
    zalo: ZaloApi, typed: Typed, kind: str, told: str
) -> None:
    zalo.misbehave(kind, method="setWebhook")
    code, out, err = await typed("set", "--bot", "7001")
    assert (code, err) == (1, "")
    assert told in out
    assert FIRST not in out


async def test_without_a_zalo_bot_the_command_says_where_to_put_its_token(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for word in ("set", "info", "delete", "test"):
        monkeypatch.setenv("NHACVIEC_PUBLIC_URL", PUBLIC)
        code, out, err = await typed(word)
        assert (code, out) == (1, "")
        assert "NHACVIEC_ZALO_BOT_TOKENS" in err
