"""Command menus that a messenger shows in each chat, by the highest role enrolled there.

Guarantees:
- A menu is set once, until the role or the commands change; it is removed when the last enrolment ends.
- No transaction is open while the network is used.
- A step ends soon where the platform, or the pacing of messages, has no room.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.contacts.enrolments import Role
from data.db.database import Database
from data.log import get_logger
from data.models import Account, Chat, Enrolment
from jobs.channel import Channel, DeliveryError, Gone, Moved, RateLimited, Rejected
from jobs.delivery.lease import AccountLease

log = get_logger("menus")

MenuCommands = Sequence[tuple[str, str]]

ROLES: tuple[Role, ...] = ("coordinator", "leader", "focal")  # highest first
MOST_A_STEP = 20  # chats of an account
RETRY_AFTER = timedelta(hours=1)  # for a chat that refused
_PACING_SECONDS = 20.0  # that a step waits for room between messages


@dataclass(slots=True)
class _MenuChat:
    """One address of an account, with all its topics."""

    address: str
    in_group: bool
    ids: list[int] = field(default_factory=list)
    roles: set[str] = field(default_factory=set)
    offered: set[str | None] = field(default_factory=set)  # menus that its rows say it has

    @property
    def key(self) -> str | None:
        """Return the key of the menu that it should have; None for none of its own."""
        role = next((role for role in ROLES if role in self.roles), None)
        return None if role is None else menu_key(role, in_group=self.in_group)


class MenuUpdater:
    """The menus of all accounts of one process; menus: the commands by menu_key.

    account_leases: by account; None: this process owns all.
    """

    def __init__(
        self,
        database: Database,
        channels: Mapping[int, Channel],
        menus: Mapping[str, MenuCommands],
        *,
        account_leases: Mapping[int, AccountLease] | None = None,
    ) -> None:
        self._database = database
        self._channels = channels
        self._menus = menus
        self._account_leases = account_leases
        self._marks = {key: f"{key}:{_digest(commands)}" for key, commands in menus.items()}
        self._retry_at: dict[tuple[int, str], datetime] = {}  # by account and address
        self._silent_until: dict[int, datetime] = {}  # accounts that the platform told to wait

    async def step(self, *, now: datetime) -> int:
        """Offer the menus that changed, to at most MOST_A_STEP chats an account; returns their number.

        A chat that refused is tried again after RETRY_AFTER, any other failure at the next step. Never raises a
        DeliveryError.
        """
        changed = 0
        for account_id, channel in self._channels.items():
            if (
                self._account_leases is not None
                and not await self._account_leases[account_id].holds()
            ):
                continue  # the process that owns it offers them
            if channel.capabilities.menus and self._silent_until.get(account_id, now) <= now:
                changed += await self._update_account(account_id, channel, now)
        return changed

    async def _update_account(self, account_id: int, channel: Channel, now: datetime) -> int:
        async with self._database.read() as connection:
            chats = await _load_chats(connection, account_id, now=now)
        self._retry_at = {key: instant for key, instant in self._retry_at.items() if instant > now}
        outdated = [
            chat
            for chat in chats
            if chat.offered != {self._mark(chat.key)}
            and (account_id, chat.address) not in self._retry_at
        ]
        outdated.sort(key=lambda chat: chat.offered != {None})  # those without any menu first
        changed = 0
        give_up_at = asyncio.get_running_loop().time() + _PACING_SECONDS
        for chat in outdated[:MOST_A_STEP]:
            if not await _reserve_slot(channel, chat, give_up_at):
                continue
            about = {"account": account_id, "chat": chat.ids[0]}
            try:
                commands = [] if chat.key is None else self._menus[chat.key]
                await channel.offer_menu(chat.address, commands)
            except (Gone, Rejected, Moved) as error:
                self._retry_at[account_id, chat.address] = now + RETRY_AFTER
                log.info("menu.refused", **about, error=type(error).__name__)
                continue
            except DeliveryError as error:
                if isinstance(error, RateLimited):
                    self._silent_until[account_id] = now + timedelta(seconds=error.retry_after)
                log.info("menus.held_up", account=account_id, error=type(error).__name__)
                break
            await self._record(chat)
            changed += 1
        return changed

    async def _record(self, chat: _MenuChat) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                update(Chat)
                # A chat that moved meanwhile has no menu at its new address.
                .where(Chat.id.in_(chat.ids), Chat.address == chat.address)
                .values(menu=self._mark(chat.key))
            )

    def _mark(self, key: str | None) -> str | None:
        return None if key is None else self._marks[key]


def menu_key(role: Role, *, in_group: bool) -> str:
    """Return the name of a role's menu: "focal", in a group "focal-group"."""
    return f"{role}-group" if in_group else role


async def _load_chats(
    connection: AsyncConnection, account_id: int, *, now: datetime
) -> list[_MenuChat]:
    """Return the living chats that have a menu or should have one, without those that must rest."""
    rows = await connection.execute(
        select(Chat.id, Chat.address, Chat.kind, Chat.menu, Enrolment.role)
        .join(Account, Account.id == Chat.account_id)
        .outerjoin(
            Enrolment,
            and_(Enrolment.chat_id == Chat.id, Enrolment.living(on=civil_date(now))),
        )
        .where(
            Chat.account_id == account_id,
            Chat.state == "living",
            or_(Enrolment.id.is_not(None), Chat.menu.is_not(None)),
            Account.stopped_at.is_(None),
            or_(Account.halted_until.is_(None), Account.halted_until <= now),
            or_(Chat.halted_until.is_(None), Chat.halted_until <= now),
        )
        .order_by(Chat.id)
    )
    chats: dict[str, _MenuChat] = {}
    for row in rows:
        chat = chats.setdefault(row.address, _MenuChat(row.address, row.kind == "group"))
        if row.id not in chat.ids:
            chat.ids.append(row.id)
            chat.offered.add(row.menu)
        if row.role is not None:
            chat.roles.add(row.role)
    return list(chats.values())


async def _reserve_slot(channel: Channel, chat: _MenuChat, give_up_at: float) -> bool:
    """Take a slot in the pacing windows as a broadcast does; False where none is free soon."""
    clock, chat_id, group = asyncio.get_running_loop().time, chat.ids[0], chat.in_group
    while True:
        at = clock()
        wait = channel.pacing.wait(chat_id, group=group, answer=False, at=at)
        if wait <= 0:
            channel.pacing.take(chat_id, group=group, at=at)
            return True
        if at + wait > give_up_at:
            return False
        await asyncio.sleep(wait)


def _digest(commands: MenuCommands) -> str:
    return hashlib.sha256(repr([tuple(one) for one in commands]).encode()).hexdigest()[:8]
