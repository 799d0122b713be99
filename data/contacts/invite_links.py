"""Links by which an invitation code can be used: for each messenger, the bot to open.

Guarantees:
- Every bot is listed whose link carries the code; of bots where it must be typed, the one with most room.
- No bot is listed that is stopped or whose link is not known yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts.usage import AccountUsage, list_account_usage
from data.models import Account


class InviteCapabilities(Protocol):
    """Capabilities of a channel that decide how people join; jobs.channel.Capabilities fits."""

    @property
    def messenger(self) -> str: ...
    @property
    def start_links(self) -> bool: ...
    @property
    def most_people(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class InviteLink:
    """One way to use a code on a messenger.

    private: link that opens the bot's chat; "": every bot of the messenger is full. group: link that adds
    the bot to a group (None: there is none). send: words to type there ("": the link carries the code).
    """

    messenger: str
    bot: str
    private: str
    group: str | None
    send: str


async def list_invite_links(
    connection: AsyncConnection,
    code: str,
    *,
    group: bool,
    capabilities: Callable[[AccountUsage], InviteCapabilities | None],
    today: date,
) -> list[InviteLink]:
    """Return the links for a code, in the order in which the accounts were added.

    group False: the code is for a private chat alone (a leader's, a handover's). capabilities: of an account's
    channel; None leaves the account out.
    """
    bot_links = {
        row.id: row.link
        for row in await connection.execute(
            select(Account.id, Account.link).where(Account.link.is_not(None))
        )
    }
    links: list[InviteLink] = []
    typed: dict[str, list[tuple[AccountUsage, InviteCapabilities]]] = {}
    for usage in await list_account_usage(connection, today=today):
        channel = capabilities(usage)
        if channel is None or usage.stopped or usage.account_id not in bot_links:
            continue
        if channel.start_links:
            link = bot_links[usage.account_id]
            in_group = f"{link}?startgroup={code}" if group else None
            private = f"{link}?start={code}"
            links.append(InviteLink(channel.messenger, usage.name, private, in_group, ""))
        else:
            typed.setdefault(channel.messenger, []).append((usage, channel))
    for messenger, bots in typed.items():
        usage, channel = max(bots, key=lambda bot: (_room(*bot), -bot[0].account_id))
        if _room(usage, channel) > 0:
            private = bot_links[usage.account_id]
            links.append(InviteLink(messenger, usage.name, private, None, code))
        else:
            links.append(InviteLink(messenger, "", "", None, ""))
    return links


def _room(usage: AccountUsage, channel: InviteCapabilities) -> float:
    return float("inf") if channel.most_people is None else channel.most_people - usage.people
