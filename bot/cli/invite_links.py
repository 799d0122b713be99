"""The ways to use an invitation code: load them for the bots that are set, and print them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.capabilities import capabilities_for_kind
from bot.config import Settings
from data.contacts.invite_links import list_invite_links


async def load_invite_links(
    connection: AsyncConnection, settings: Settings, code: str, *, group: bool, today: date
) -> list[dict[str, Any]]:
    """Return each way to use a code, with the keys of data.contacts.invite_links.InviteLink."""
    links = await list_invite_links(
        connection,
        code,
        group=group,
        capabilities=lambda usage: capabilities_for_kind(settings, usage.channel),
        today=today,
    )
    return [asdict(link) for link in links]


def print_invite_links(links: Iterable[Mapping[str, Any]]) -> None:
    """Print each way to use a code."""
    for link in links:
        if not link["private"]:
            print(f"{link['messenger']}: các bot đã đủ người. Hãy thêm bot (.env.example).")
        elif link["send"]:
            print(f"{link['messenger']}: mở {link['private']} rồi gửi: {link['send']}")
        else:
            print(f"{link['messenger']} ({link['bot']}): mở {link['private']}")
            if link["group"]:
                print(f"{link['messenger']} ({link['bot']}), thêm vào nhóm: {link['group']}")
