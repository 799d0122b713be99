"""Checks of the platforms: is each token taken, is the webhook right, does the clock go right.

Promises an end within seconds whatever the network does, and that no token is in a finding. Asks, and
sets nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from bot.channels.tls import tls_context
from bot.cli.doctor import CheckContext, ClockSkew, Finding, PlatformAnswer
from bot.config import Settings
from data.clock import Clock, require_aware
from jobs.channel import Channel, DeliveryError, Unauthorised

PLATFORM_TIMEOUT_SECONDS = 6.0  # seconds for all that one account, or one server, is asked
MOST_SKEW = 60
MANY_WAITING = 100
RECENT = timedelta(days=1)

_KEYS = {
    "telegram": "Hãy kiểm tra NHACVIEC_TELEGRAM_TOKEN, hoặc lấy khoá mới từ @BotFather.",
    "zalo_bot": "Hãy lấy khoá mới ở Zalo Bot Creator và sửa NHACVIEC_ZALO_BOT_TOKENS.",
}


# ------------------------------------------------------------------ asking


async def ask_platforms(
    settings: Settings, clock: Clock
) -> tuple[list[PlatformAnswer], list[ClockSkew]]:
    """Ask every platform about every account that is set, all at once."""
    from bot.service.accounts import build_channels

    channels = build_channels(settings)
    servers = list(dict.fromkeys(_server_of(settings, channel) for channel in channels))
    answers = asyncio.gather(*(_ask_account(settings, channel) for channel in channels))
    skews = asyncio.gather(*(_skew(server, clock) for server in servers))
    return list(await answers), list(await skews)


def _server_of(settings: Settings, channel: Channel) -> str:
    is_telegram = channel.kind == "telegram"
    return settings.telegram_base_url if is_telegram else settings.zalo_bot_base_url


async def _ask_account(settings: Settings, channel: Channel) -> PlatformAnswer:
    from bot.service.accounts import webhook_address_for

    wanted = (
        settings.public_url + webhook_address_for(settings, channel).path
        if settings.public_url
        else ""
    )
    told: dict[str, Any] = {}
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_SECONDS):
            await channel.open()
            told = await _webhook(channel)
    except Unauthorised:
        told = {"fault": "refused"}
    except (DeliveryError, TimeoutError) as error:
        server = _server_of(settings, channel)
        told = {"fault": "unreachable", "detail": f"{server} ({error or 'không trả lời'})"}
    finally:
        await channel.close()
    return PlatformAnswer(channel.kind, channel.name, channel.title, wanted, **told)


async def _webhook(channel: Channel) -> dict[str, Any]:
    from bot.channels.telegram.channel import TelegramChannel
    from bot.channels.zalo.channel import ZaloBotChannel

    if isinstance(channel, TelegramChannel):
        return await channel.webhook_info()
    if isinstance(channel, ZaloBotChannel):
        return {"url": await channel.webhook()}
    return {}


async def _skew(server: str, clock: Clock) -> ClockSkew:
    """Compare the clock with the date that any answer of a server carries."""
    try:
        client = httpx.AsyncClient(verify=tls_context())
        async with asyncio.timeout(PLATFORM_TIMEOUT_SECONDS), client:
            answer = await client.get(server)
        given = require_aware(parsedate_to_datetime(answer.headers["Date"]))
    except (httpx.HTTPError, TimeoutError, KeyError, ValueError):
        return ClockSkew(server, None)
    return ClockSkew(server, (await clock.now() - given).total_seconds())


# ------------------------------------------------------------------ judging


def check_accounts(case: CheckContext) -> Iterator[Finding]:
    """Tell whether each platform takes the token, and under which name."""
    if not case.answers:
        yield Finding(
            "bad",
            "Tài khoản",
            "chưa đặt bot nào.",
            "Hãy điền NHACVIEC_ZALO_BOT_TOKENS hoặc NHACVIEC_TELEGRAM_TOKEN vào .env.",
        )
    for each in case.answers:
        match each.fault:
            case "refused":
                todo = _KEYS.get(each.kind, "Hãy kiểm tra khoá.")
                yield Finding("bad", each.label, "nền tảng không nhận khoá.", todo)
            case "unreachable":
                todo = "Hãy kiểm tra mạng và tường lửa; dịch vụ tự thử lại mỗi phút."
                yield Finding("bad", each.label, f"không nối được {each.detail}.", todo)
            case _:
                yield Finding("ok", each.label, f"khoá đúng, số {each.name}.")


def check_webhooks(case: CheckContext) -> Iterator[Finding]:
    """Tell where each platform sends updates to against where it should, and how that goes."""
    for each in case.answers:
        if each.url is None:
            continue
        about = f"{each.label}, nhận tin"
        if each.url != each.wanted:
            yield _differs(about, each)
        elif each.wanted:
            yield Finding("ok", about, f"webhook đúng: {each.url}")
        else:
            yield Finding("ok", about, "tự hỏi tin, không có webhook.")
        recent = each.trouble_at is not None and case.now - each.trouble_at < RECENT
        if each.trouble and recent and each.url:
            yield Finding(
                "warn",
                about,
                f"lần gọi hỏng gần nhất: {each.trouble}",
                "Hãy kiểm tra dịch vụ đang chạy, máy chủ web và chứng chỉ https.",
            )
        if each.waiting >= MANY_WAITING:
            yield Finding(
                "warn",
                about,
                f"{each.waiting} tin đang chờ ở nền tảng.",
                "Hãy kiểm tra dịch vụ đang chạy: tin chờ quá 24 giờ có thể mất.",
            )


def _differs(about: str, each: PlatformAnswer) -> Finding:
    if each.kind == "zalo_bot":
        found = f"đang gửi đến {each.url}" if each.url else "chưa đặt webhook"
        command = "set" if each.wanted else "delete"
        cause = "" if each.wanted else " (hoặc đặt NHACVIEC_PUBLIC_URL)"
        return Finding(
            "bad", about, f"{found}.", f"Hãy chạy «nhacviec zalo webhook {command}»{cause}."
        )
    found = f"đang gửi đến {each.url}" if each.url else "chưa đặt webhook"
    needs = f", cần {each.wanted}" if each.wanted else ", cần tự hỏi tin"
    todo = "Hãy khởi động lại «nhacviec run»: dịch vụ tự sửa lúc bắt đầu."
    return Finding("warn", about, f"{found}{needs}.", todo)


def check_platform_clocks(case: CheckContext) -> Iterator[Finding]:
    """Tell whether this machine's clock agrees with the platforms'."""
    known = [each for each in case.skews if each.seconds is not None]
    if not known:
        yield Finding(
            "warn", "Đồng hồ", "chưa so được với giờ mạng.", "Hãy chạy lại khi có mạng và có bot."
        )
        return
    worst = max(known, key=lambda each: abs(each.seconds or 0.0))
    seconds = round(worst.seconds or 0.0)
    if abs(seconds) > MOST_SKEW:
        way = "nhanh" if seconds > 0 else "chậm"
        yield Finding(
            "bad" if abs(seconds) > 10 * MOST_SKEW else "warn",
            "Đồng hồ",
            f"{way} {abs(seconds)} giây so với {worst.server}.",
            "Hãy bật đồng bộ giờ (timedatectl set-ntp true).",
        )
    else:
        yield Finding("ok", "Đồng hồ", f"lệch {abs(seconds)} giây.")


CHECKS = (check_accounts, check_webhooks, check_platform_clocks)
