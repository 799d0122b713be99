"""The accounts that are set: opening them, and how updates come in from them.

Promises that a refused token is told by its setting's name and ends the start only where no account is
left; that a platform out of reach holds nothing else up (it is tried again every minute); and that a
webhook is set only for a public address, and at Zalo only when the administrator asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.config import Settings, webhook_secret
from bot.conversation.commands import STRANGER_COMMANDS
from bot.errors import AdminError
from bot.web.routes import TELEGRAM_HEADER
from data.log import get_logger
from jobs.channel import Capabilities, Channel, DeliveryError, Unauthorised

if TYPE_CHECKING:
    from bot.channels.zalo.channel import ZaloBotChannel

WEBHOOK_PATH = "/telegram"
ZALO_PATH = "/zalo/{}"  # a path for each bot, by its name
ZALO_HEADER = "X-Bot-Api-Secret-Token"

_log = get_logger("accounts")


class StartRefused(AdminError):
    """The service must not start; str() is a Vietnamese sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """Where a platform posts to: the path here, and the header that holds the secret."""

    path: str
    header: str
    secret: str


def build_channels(settings: Settings) -> list[Channel]:
    """Return a channel for every account that is set, none of them open."""
    made: list[Channel] = []
    if settings.telegram_token is not None:
        from bot.channels.telegram.channel import TelegramChannel

        token = settings.telegram_token.get_secret_value()
        made.append(TelegramChannel(token, base_url=settings.telegram_base_url))
    return [*made, *build_zalo_channels(settings)]


def build_zalo_channels(settings: Settings) -> list[ZaloBotChannel]:
    """Return the channel of every Zalo bot that is set, none of them open."""
    if not settings.zalo_tokens:
        return []
    from bot.channels.zalo.channel import ZaloBotChannel

    return [
        ZaloBotChannel(
            token,
            base_url=settings.zalo_bot_base_url,
            monthly_messages=settings.zalo_bot_messages,
            most_people=settings.zalo_bot_people,
        )
        for token in settings.zalo_tokens
    ]


def webhook_address_for(settings: Settings, channel: Channel) -> WebhookAddress:
    """Return where an account's platform posts to; raises KeyError for one that is not set."""
    if channel.kind == "telegram":
        return WebhookAddress(WEBHOOK_PATH, TELEGRAM_HEADER, settings.telegram_webhook_secret)
    tokens = {token.partition(":")[0]: token for token in settings.zalo_tokens}
    path = ZALO_PATH.format(channel.name)
    return WebhookAddress(path, ZALO_HEADER, webhook_secret(tokens[channel.name]))


def capabilities_for_kind(settings: Settings, kind: str) -> Capabilities | None:
    """Return what accounts of a kind can do as they are set; None for a kind that is not built in."""
    from bot.channels import CHANNELS

    if kind not in CHANNELS:
        return None
    capabilities = CHANNELS[kind].capabilities
    if kind == "zalo_bot":
        people, messages = settings.zalo_bot_people, settings.zalo_bot_messages
        return replace(capabilities, most_people=people, monthly_messages=messages)
    return capabilities


async def connect_accounts(
    settings: Settings, *, stopping: asyncio.Event | None
) -> Sequence[Channel]:
    """Return the channel of every account that is set and not refused, open as far as can be.

    stopping: the service runs on, so one that is out of reach is opened later; None: at least one must
    be reached now. Raises StartRefused.
    """
    channels = build_channels(settings)
    ends = await asyncio.gather(*(open_account(each, settings) for each in channels))
    taken = [each for each, end in zip(channels, ends, strict=True) if end != "refused"]
    for channel in channels:
        if channel not in taken:
            await channel.close()
    if channels and not taken:
        await _close(taken)
        raise StartRefused(_refused_words(channels))
    if channels and "open" not in ends and stopping is None:
        await _close(taken)
        raise StartRefused(_unreachable_words(settings, taken))
    return taken


async def open_account(channel: Channel, settings: Settings) -> str:
    """Open one account and tell how it ended: "open", "unreachable" or "refused" (told in the log)."""
    try:
        await channel.open()
        await _greet(channel, settings)
    except Unauthorised:
        _log.error("account.refused", channel=channel.kind, name=channel.name)
        return "refused"
    except DeliveryError as error:
        _log.warning("account.unreachable", channel=channel.kind, why=str(error))
        return "unreachable"
    return "open"


async def _greet(channel: Channel, settings: Settings) -> None:
    """Tell the platform what it should know; at Zalo only look."""
    from bot.channels.telegram.channel import TelegramChannel
    from bot.channels.zalo.channel import ZaloBotChannel

    wanted = (
        settings.public_url + webhook_address_for(settings, channel).path
        if settings.public_url
        else ""
    )
    if isinstance(channel, TelegramChannel):
        if wanted:
            await channel.set_webhook(wanted, secret=settings.telegram_webhook_secret)
        if (
            await channel.commands() != STRANGER_COMMANDS
        ):  # else each of several processes would set them
            await channel.set_commands(STRANGER_COMMANDS)
    elif isinstance(channel, ZaloBotChannel) and await channel.webhook() != wanted:
        hint = "nhacviec zalo webhook set" if wanted else "nhacviec zalo webhook delete"
        _log.warning("account.webhook_differs", channel=channel.kind, bot=channel.title, hint=hint)


async def _close(channels: Sequence[Channel]) -> None:
    for channel in channels:
        await channel.close()


def _refused_words(channels: Sequence[Channel]) -> str:
    if {channel.kind for channel in channels} == {"telegram"}:
        return (
            "Telegram không nhận khoá của bot. Hãy kiểm tra NHACVIEC_TELEGRAM_TOKEN,"
            " hoặc lấy khoá mới từ @BotFather."
        )
    return (
        "Không nền tảng nào nhận khoá của bot. Hãy kiểm tra NHACVIEC_ZALO_BOT_TOKENS (khoá mới lấy ở"
        " Zalo Bot Creator) và NHACVIEC_TELEGRAM_TOKEN."
    )


def _unreachable_words(settings: Settings, channels: Sequence[Channel]) -> str:
    names = {"telegram": "TELEGRAM_BASE_URL", "zalo_bot": "ZALO_BOT_BASE_URL"}
    urls = {"telegram": settings.telegram_base_url, "zalo_bot": settings.zalo_bot_base_url}
    kinds = dict.fromkeys(channel.kind for channel in channels)
    return (
        f"Không nối được {', '.join(urls[kind] for kind in kinds)}. Hãy kiểm tra mạng,"
        f" hoặc đặt {', '.join(f'NHACVIEC_{names[kind]}' for kind in kinds)}."
    )
