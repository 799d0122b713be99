"""Where a code can be used: for each messenger, the bot's link to open.

Promises every bot whose link brings the code along, and of those where the code must be typed the one
with most room, so that a bot fills no further than its platform serves; never one that is stopped or was
not reached yet. Knows no messenger: what a channel can do comes from the caller. Reads only.
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
    """What of a channel decides how people come in; jobs.channel.Capabilities fits."""

    @property
    def messenger(self) -> str: ...
    @property
    def start_links(self) -> bool: ...
    @property
    def most_people(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class InviteLink:
    """One way to use a code on a messenger.

    private: the link that opens the bot's chat; group: the one that adds the bot to a group (None: no
    such link). send: the words to send there ("": the link brings the code along). private "": every bot
    of the messenger has as many people as its platform serves.
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
    """Return where a code can be used, in the order in which the messengers were set.

    group False: the code is for a private chat alone (a leader's, a handover's). can: what an account's
    channel can do; None leaves the account out.
    """
    links = {
        row.id: row.link
        for row in await connection.execute(
            select(Account.id, Account.link).where(Account.link.is_not(None))
        )
    }
    found: list[InviteLink] = []
    typed: dict[str, list[tuple[AccountUsage, InviteCapabilities]]] = {}
    for use in await list_account_usage(connection, today=today):
        entry = capabilities(use)
        if entry is None or use.stopped or use.account_id not in links:
            continue
        if entry.start_links:
            link = links[use.account_id]
            added = f"{link}?startgroup={code}" if group else None
            found.append(InviteLink(entry.messenger, use.name, f"{link}?start={code}", added, ""))
        else:
            typed.setdefault(entry.messenger, []).append((use, entry))
    for messenger, bots in typed.items():
        use, entry = max(bots, key=lambda one: (_has_room(*one), -one[0].account_id))
        if _has_room(use, entry) > 0:
            found.append(InviteLink(messenger, use.name, links[use.account_id], None, code))
        else:
            found.append(InviteLink(messenger, "", "", None, ""))
    return found


def _has_room(use: AccountUsage, entry: InviteCapabilities) -> float:
    return float("inf") if entry.most_people is None else entry.most_people - use.people
