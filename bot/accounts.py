"""The accounts that are set: opening them, and how updates come in from them.

Promises that a refused token ends the start with a sentence, that a platform out of reach is tried
again until it answers (or the caller gives up), and that a webhook is set only for a public address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from bot.config import Settings
from bot.conversation.offering import FOR_STRANGERS
from bot.refused import Refused
from jobs.channel import Channel, DeliveryError, Unauthorised

if TYPE_CHECKING:
    from bot.channels.telegram import TelegramChannel

WEBHOOK_PATH = "/telegram"
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0  # seconds between attempts to reach a platform

_log = structlog.get_logger(__name__)


class StartRefused(Refused):
    """The service must not start; str() is a Vietnamese sentence that says what to do."""


async def connect(settings: Settings, *, stopping: asyncio.Event | None) -> Sequence[Channel]:
    """Return an open channel for every account that is set; empty where none is, or once stopping.

    stopping: try a platform out of reach again and again until it is set; None: only once. Raises
    StartRefused.
    """
    if settings.telegram_token is None:
        return []
    from bot.channels.telegram import TelegramChannel

    token = settings.telegram_token.get_secret_value()
    channel = TelegramChannel(token, base_url=settings.telegram_base_url)
    pause = _FIRST_PAUSE
    while True:
        try:
            await _open(channel, settings)
        except Unauthorised:
            await channel.close()
            raise StartRefused(
                "Telegram không nhận khoá của bot. Hãy kiểm tra NHACVIEC_TELEGRAM_TOKEN,"
                " hoặc lấy khoá mới từ @BotFather."
            ) from None
        except DeliveryError as error:
            if stopping is None:
                await channel.close()
                raise StartRefused(
                    f"Không nối được {settings.telegram_base_url}. Hãy kiểm tra mạng,"
                    " hoặc đặt NHACVIEC_TELEGRAM_BASE_URL."
                ) from None
            _log.warning(
                "account.unreachable", channel=channel.kind, why=str(error), again_in=pause
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause)
            if stopping.is_set():
                await channel.close()
                return []
            pause = min(pause * 2, _LONGEST_PAUSE)
        else:
            return [channel]


async def _open(channel: TelegramChannel, settings: Settings) -> None:
    await channel.open()
    if settings.public_url is not None:
        secret = settings.telegram_webhook_secret
        await channel.set_webhook(settings.public_url + WEBHOOK_PATH, secret=secret)
    await channel.set_commands(FOR_STRANGERS)
