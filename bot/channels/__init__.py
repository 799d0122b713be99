"""The channels that are built in: one entry a messenger, by the name that account.channel holds."""

from __future__ import annotations

from bot.channels.local import LocalChannel
from bot.channels.telegram import TelegramChannel
from bot.channels.zalo_bot import ZaloBotChannel

CHANNELS: dict[str, type[LocalChannel] | type[TelegramChannel] | type[ZaloBotChannel]] = {
    LocalChannel.kind: LocalChannel,
    TelegramChannel.kind: TelegramChannel,
    ZaloBotChannel.kind: ZaloBotChannel,
}
