"""Checks of the platforms: is each key accepted, is the webhook right, does the clock agree.

Guarantees: ends within seconds whatever the network does; no key is in a finding; changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx

from bot.channels import MESSENGERS
from bot.channels.http_client import tls_context
from bot.cli.doctor.finding import CheckContext, ClockSkew, PlatformAnswer
from bot.config import Settings
from bot.health.finding import Finding
from bot.service.accounts import build_channels, keys_settings, webhook_address_for
from data.clock import Clock, require_aware
from jobs.channel import Channel, DeliveryError, Unauthorised

PLATFORM_TIMEOUT_SECONDS = 6.0  # for all that one account, or one server, is asked
MOST_SKEW = 60
MANY_WAITING = 100
RECENT = timedelta(days=1)


async def ask_platforms(
    settings: Settings, clock: Clock
) -> tuple[list[PlatformAnswer], list[ClockSkew]]:
    """Ask every platform about every account that is set, all at once."""
    channels = build_channels(settings)
    servers = dict.fromkeys(MESSENGERS[each.kind].server(settings) for each in channels)
    answers = asyncio.gather(*(_ask_account(settings, channel) for channel in channels))
    skews = asyncio.gather(*(_measure_skew(server, clock) for server in servers))
    return list(await answers), list(await skews)


async def _ask_account(settings: Settings, channel: Channel) -> PlatformAnswer:
    messenger = MESSENGERS[channel.kind]
    wanted = webhook_address_for(settings, channel).url(settings.public_url)
    state = None
    fault: Literal["", "refused", "unreachable"] = ""
    detail = ""
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_SECONDS):
            await channel.open()
            state = await messenger.webhook_state(channel)
    except Unauthorised:
        fault = "refused"
    except (DeliveryError, TimeoutError) as error:
        fault = "unreachable"
        detail = f"{messenger.server(settings)} ({error or 'không trả lời'})"
    finally:
        await channel.close()
    return PlatformAnswer(channel.kind, channel.name, channel.title, wanted, fault, detail, state)


async def _measure_skew(server: str, clock: Clock) -> ClockSkew:
    """Compare the clock with the date that any answer of a server carries."""
    try:
        client = httpx.AsyncClient(verify=tls_context())
        async with asyncio.timeout(PLATFORM_TIMEOUT_SECONDS), client:
            answer = await client.get(server)
        given = require_aware(parsedate_to_datetime(answer.headers["Date"]))
    except (httpx.HTTPError, TimeoutError, KeyError, ValueError):
        return ClockSkew(server, None)
    return ClockSkew(server, (await clock.now() - given).total_seconds())


def check_accounts(case: CheckContext) -> Iterator[Finding]:
    """Tell whether each platform accepts the key, and under which name."""
    if not case.answers:
        todo = f"Hãy điền {keys_settings()} vào .env."
        yield Finding("bad", "Tài khoản", "chưa đặt bot nào.", todo)
    for each in case.answers:
        match each.fault:
            case "refused":
                todo = MESSENGERS[each.kind].refused_advice
                yield Finding("bad", each.label, "nền tảng không nhận khoá.", todo)
            case "unreachable":
                todo = "Hãy kiểm tra mạng và tường lửa; dịch vụ tự thử lại mỗi phút."
                yield Finding("bad", each.label, f"không nối được {each.detail}.", todo)
            case _:
                yield Finding("ok", each.label, f"khoá đúng, số {each.name}.")


def check_webhooks(case: CheckContext) -> Iterator[Finding]:
    """Compare where each platform sends updates with where it should, and tell how that goes."""
    for each in case.answers:
        state = each.webhook
        if state is None:
            continue
        about = f"{each.label}, nhận tin"
        if state.url != each.wanted:
            wrong = MESSENGERS[each.kind].judge_webhook(state.url, each.wanted)
            yield Finding(wrong.level, about, wrong.found, wrong.todo)
        elif each.wanted:
            yield Finding("ok", about, f"webhook đúng: {state.url}")
        else:
            yield Finding("ok", about, "tự hỏi tin, không có webhook.")
        recent = state.trouble_at is not None and case.now - state.trouble_at < RECENT
        if state.trouble and recent and state.url:
            yield Finding(
                "warn",
                about,
                f"lần gọi hỏng gần nhất: {state.trouble}",
                "Hãy kiểm tra dịch vụ đang chạy, máy chủ web và chứng chỉ https.",
            )
        if state.waiting >= MANY_WAITING:
            yield Finding(
                "warn",
                about,
                f"{state.waiting} tin đang chờ ở nền tảng.",
                "Hãy kiểm tra dịch vụ đang chạy: tin chờ quá 24 giờ có thể mất.",
            )


def check_platform_clocks(case: CheckContext) -> Iterator[Finding]:
    """Tell whether this machine's clock agrees with the platforms'."""
    known = [each for each in case.skews if each.seconds is not None]
    if not known:
        todo = "Hãy chạy lại khi có mạng và có bot."
        yield Finding("warn", "Đồng hồ", "chưa so được với giờ mạng.", todo)
        return
    worst = max(known, key=lambda each: abs(each.seconds or 0.0))
    seconds = round(worst.seconds or 0.0)
    if abs(seconds) <= MOST_SKEW:
        yield Finding("ok", "Đồng hồ", f"lệch {abs(seconds)} giây.")
        return
    way = "nhanh" if seconds > 0 else "chậm"
    yield Finding(
        "bad" if abs(seconds) > 10 * MOST_SKEW else "warn",
        "Đồng hồ",
        f"{way} {abs(seconds)} giây so với {worst.server}.",
        "Hãy bật đồng bộ giờ (timedatectl set-ntp true).",
    )


CHECKS = (check_accounts, check_webhooks, check_platform_clocks)
