"""The capabilities of an account's channel, found without opening the account."""

from __future__ import annotations

from bot.channels import MESSENGERS
from bot.channels.local import LocalChannel
from bot.config import Settings
from jobs.channel import Capabilities


def capabilities_for_kind(settings: Settings, kind: str) -> Capabilities | None:
    """Return the capabilities of a kind's accounts, with the caps that are set; None for an unknown kind."""
    if kind == LocalChannel.kind:
        return LocalChannel.capabilities
    return MESSENGERS[kind].capabilities(settings) if kind in MESSENGERS else None
