"""The accounts that are set: their channels and webhooks, and opening them.

Guarantees:
- A refused key is named by its setting, and ends the start only where no account is left.
- A platform out of reach holds nothing else up; the service tries it again every minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

from bot.channels import MESSENGERS
from bot.channels.messenger import WebhookAddress
from bot.config import Settings
from bot.errors import AdminError
from data.log import get_logger
from jobs.channel import Channel, DeliveryError, Unauthorised

_log = get_logger("accounts")


class StartRefused(AdminError):
    """The service must not start; str() is a Vietnamese sentence that says what to do."""


def build_channels(settings: Settings) -> list[Channel]:
    """Return a channel for every account that is set, none of them open."""
    return [
        channel for messenger in MESSENGERS.values() for channel in messenger.channels(settings)
    ]


async def list_account_keys(settings: Settings) -> list[tuple[str, str]]:
    """Return messenger and number of every account that is set, also of those that a platform refuses."""
    keys = []
    for channel in build_channels(settings):
        keys.append((channel.kind, channel.name))
        await channel.close()
    return keys


def webhook_address_for(settings: Settings, channel: Channel) -> WebhookAddress:
    """Return where an account's platform posts to; raises KeyError for one that is not set."""
    return MESSENGERS[channel.kind].webhook(settings, channel.name)


def keys_settings() -> str:
    """Name the settings that hold bots' keys, any of which gives the service an account."""
    return " hoặc ".join(each.keys_setting for each in reversed(MESSENGERS.values()))


class AccountConnector(Protocol):
    """Opens the accounts that are set, as connect_accounts does."""

    async def __call__(
        self, settings: Settings, *, stopping: asyncio.Event | None
    ) -> Sequence[Channel]: ...


async def connect_accounts(
    settings: Settings, *, commands: Sequence[tuple[str, str]], stopping: asyncio.Event | None
) -> Sequence[Channel]:
    """Return the channel of every account that is set and not refused, open as far as can be.

    commands: those offered to strangers. stopping: the service runs on and opens an account out of reach
    later; None: at least one must be reached now. Raises StartRefused.
    """
    channels = build_channels(settings)
    results = await asyncio.gather(*(_open_account(each, settings, commands) for each in channels))
    accepted = []
    for channel, result in zip(channels, results, strict=True):
        if result == "refused":
            await channel.close()
        else:
            accepted.append(channel)
    if channels and not accepted:
        raise StartRefused(_refused_words(channels))
    if channels and "open" not in results and stopping is None:
        for channel in accepted:
            await channel.close()
        raise StartRefused(_unreachable_words(settings, accepted))
    return accepted


async def reopen_accounts(
    settings: Settings, channels: Iterable[Channel], commands: Sequence[tuple[str, str]]
) -> list[Channel]:
    """Try accounts that were out of reach again; return those that are open now.

    Channels of the sandbox need no opening, and are left out.
    """
    return [
        channel
        for channel in channels
        if channel.kind in MESSENGERS and await _open_account(channel, settings, commands) == "open"
    ]


async def _open_account(
    channel: Channel, settings: Settings, commands: Sequence[tuple[str, str]]
) -> Literal["open", "unreachable", "refused"]:
    """Open one account and greet its platform; failures are logged."""
    try:
        await channel.open()
        await MESSENGERS[channel.kind].greet(settings, channel, commands)
    except Unauthorised:
        _log.error("account.refused", channel=channel.kind, name=channel.name)
        return "refused"
    except DeliveryError as error:
        _log.warning("account.unreachable", channel=channel.kind, why=str(error))
        return "unreachable"
    return "open"


def _refused_words(channels: Sequence[Channel]) -> str:
    refused = [MESSENGERS[kind] for kind in dict.fromkeys(each.kind for each in channels)]
    if len(refused) == 1:
        return f"{refused[0].title} không nhận khoá của bot. {refused[0].refused_advice}"
    hints = " và ".join(each.keys_hint for each in reversed(refused))
    return f"Không nền tảng nào nhận khoá của bot. Hãy kiểm tra {hints}."


def _unreachable_words(settings: Settings, channels: Sequence[Channel]) -> str:
    silent = [MESSENGERS[kind] for kind in dict.fromkeys(each.kind for each in channels)]
    servers = ", ".join(each.server(settings) for each in silent)
    names = ", ".join(each.server_setting for each in silent)
    return f"Không nối được {servers}. Hãy kiểm tra mạng, hoặc đặt {names}."
