"""The messengers that are built in, by the name that account.channel holds."""

from __future__ import annotations

from bot.channels.messenger import Messenger
from bot.channels.telegram.account import TelegramMessenger
from bot.channels.zalo.account import ZaloBotMessenger

MESSENGERS: dict[str, Messenger] = {
    messenger.kind: messenger for messenger in (TelegramMessenger(), ZaloBotMessenger())
}
