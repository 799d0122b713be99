"""The way to the Bot API's server: proxies of the environment, connections, and how bodies are written."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator

import pytest

from bot.channels.telegram.channel import TelegramChannel
from jobs.channel import OutgoingMessage, Receipt, Transient
from tests.support.telegram_server import TOKEN, BotApi

ME = {"id": 4242, "is_bot": True, "first_name": "Nhắc", "username": "stub_bot"}
TAKEN = {"message_id": 7, "date": 1_790_000_000, "chat": {"id": 5, "type": "private"}}


class Proxy:
    """A proxy that answers every request itself, as the bot's own server would, and then hangs up.

    Asked for a tunnel it refuses.
    """

    def __init__(self) -> None:
        self.heads: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        result = TAKEN if "/sendMessage " in head else ME
        if head.startswith("CONNECT "):
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        body = json.dumps({"ok": True, "result": result}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    proxy = Proxy()
    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://lan:m%40t@127.0.0.1:{port}")
    yield proxy
    server.close()
    await server.wait_closed()


async def opened(url: str) -> TelegramChannel:
    channel = TelegramChannel(TOKEN, base_url=url, answer_seconds=5)
    await channel.open()
    return channel


async def test_a_proxy_of_the_environment_carries_requests_with_its_own_password(
    proxy: Proxy,
) -> None:
    channel = await opened("http://api.example")
    assert channel.title == "@stub_bot"
    await channel.close()
    (head,) = proxy.heads
    assert head.startswith(f"POST http://api.example/bot{TOKEN}/getMe ")
    assert f"Basic {b64encode(b'lan:m@t').decode()}" in head


async def test_a_proxy_that_refuses_a_tunnel_let_nothing_through(proxy: Proxy) -> None:
    with pytest.raises(Transient, match="ProxyError"):
        await opened("https://api.example")
    (head,) = proxy.heads
    assert head.startswith("CONNECT api.example:443 ")
    assert f"Basic {b64encode(b'lan:m@t').decode()}" in head


async def test_a_server_that_needs_no_proxy_is_asked_itself(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with BotApi() as api:
        await (await opened(api.url)).close()
    assert proxy.heads == []


async def test_a_proxy_that_is_not_there_means_that_nothing_was_sent(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{unused_tcp_port}")
    with pytest.raises(Transient):
        await opened("http://api.example")


async def test_after_all_connections_were_closed_new_ones_are_made() -> None:
    async with BotApi() as api:
        channel = await opened(api.url)
        await channel.close()
        await channel.open()
        receipt = await channel.send(OutgoingMessage(address="5", text="Kính gửi «Sở Nội vụ»"))
        await channel.close()
        (taken,) = api.messages
    assert (receipt.remote_id, taken.text) == (str(taken.message_id), "Kính gửi «Sở Nội vụ»")


async def test_a_connection_that_the_server_closed_meanwhile_costs_no_message(
    proxy: Proxy,
) -> None:
    channel = await opened("http://api.example")
    await asyncio.sleep(0.05)
    assert await channel.send(OutgoingMessage(address="5", text="một")) == Receipt("7")
    await channel.close()
    assert len(proxy.heads) == 2
