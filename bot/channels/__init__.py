"""The channels that are built in: one entry a messenger, by the name that account.channel holds."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from bot.channels.local import LocalChannel
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.zalo.channel import ZaloBotChannel

CHANNELS: dict[str, type[LocalChannel] | type[TelegramChannel] | type[ZaloBotChannel]] = {
    LocalChannel.kind: LocalChannel,
    TelegramChannel.kind: TelegramChannel,
    ZaloBotChannel.kind: ZaloBotChannel,
}

# httpcore imports sniffio at every lock, several times a request, to ask which loop it runs in; where that is
# missing Python searches the disk for it each time, a quarter of what a send costs. None: known to be missing.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]
