"""The menu of commands that a messenger shows in each chat.

Promises that an enrolled chat is offered what its highest role may use, that a chat whose last enrolment
ended loses its menu again, and that a menu is set once, until the role or the commands change. No
transaction is open while the network is used; a step ends soon where the platform or the pacing of
messages has no room. Which commands there are is not known here.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.enrolments import Role
from data.db.database import Database
from data.log import get_logger
from data.models import Account, Chat, Enrolment
from jobs.channel import Channel, DeliveryError, Gone, Moved, RateLimited, Rejected
from jobs.delivery.lease import AccountLease

log = get_logger("menus")

Commands = Sequence[tuple[str, str]]

ROLES: tuple[Role, ...] = ("coordinator", "leader", "focal")  # highest first
MOST_A_STEP = 20  # chats of an account
RETRY_AFTER = timedelta(hours=1)  # a chat that refused
_PATIENCE = 20.0  # seconds that a step waits for room between messages


@dataclass(slots=True)
class _MenuChat:
    """One address of an account, with all its topics."""

    address: str
    in_group: bool
    ids: list[int] = field(default_factory=list)
    roles: set[str] = field(default_factory=set)
    known: set[str | None] = field(default_factory=set)  # what its rows say it was offered

    @property
    def key(self) -> str | None:
        """Return which menu it should have; None for none of its own."""
        role = next((role for role in ROLES if role in self.roles), None)
        return None if role is None else menu_key(role, in_group=self.in_group)


class MenuUpdater:
    """The menus of all accounts of one process; menus: the commands by menu_key.

    tenures: by account, whether this process owns it; without, it is taken to own all.
    """

    def __init__(
        self,
        database: Database,
        channels: Mapping[int, Channel],
        menus: Mapping[str, Commands],
        *,
        account_leases: Mapping[int, AccountLease] | None = None,
    ) -> None:
        self._database = database
        self._channels = channels
        self._menus = menus
        self._account_leases = account_leases
        self._marks = {key: f"{key}:{_digest(commands)}" for key, commands in menus.items()}
        self._put_off: dict[tuple[int, str], datetime] = {}  # by account and address
        self._silent: dict[int, datetime] = {}  # accounts that the platform told to wait

    async def step(self, *, now: datetime) -> int:
        """Offer what changed since the last step, at most MOST_A_STEP chats an account; returns how many.

        What failed is tried again at a later step: a chat that refused after PUT_OFF, all else at the
        next. Never raises a DeliveryError.
        """
        changed = 0
        for account_id, channel in self._channels.items():
            if (
                self._account_leases is not None
                and not await self._account_leases[account_id].holds()
            ):
                continue  # its owner offers them
            if channel.capabilities.menus and self._silent.get(account_id, now) <= now:
                changed += await self._of_account(account_id, channel, now)
        return changed

    async def _of_account(self, account_id: int, channel: Channel, now: datetime) -> int:
        async with self._database.read() as connection:
            places = await _load_chats(connection, account_id, now=now)
        self._put_off = {place: until for place, until in self._put_off.items() if until > now}
        todo = [
            place
            for place in places
            if place.known != {self._mark(place.key)}
            and (account_id, place.address) not in self._put_off
        ]
        todo.sort(key=lambda place: place.known != {None})  # who has none yet comes first
        changed = 0
        give_up_at = asyncio.get_running_loop().time() + _PATIENCE
        for place in todo[:MOST_A_STEP]:
            if not await _reserve_slot(channel, place, give_up_at):
                continue
            try:
                commands = [] if place.key is None else self._menus[place.key]
                await channel.offer_menu(place.address, commands)
            except (Gone, Rejected, Moved) as error:
                self._put_off[account_id, place.address] = now + RETRY_AFTER
                log.info(
                    "menu.refused",
                    account=account_id,
                    chat=place.ids[0],
                    error=type(error).__name__,
                )
                continue
            except DeliveryError as error:
                if isinstance(error, RateLimited):
                    self._silent[account_id] = now + timedelta(seconds=error.retry_after)
                log.info("menus.held_up", account=account_id, error=type(error).__name__)
                break
            await self._record(place)
            changed += 1
        return changed

    async def _record(self, place: _MenuChat) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                update(Chat)
                # at another address by now it has no menu there
                .where(Chat.id.in_(place.ids), Chat.address == place.address)
                .values(menu=self._mark(place.key))
            )

    def _mark(self, key: str | None) -> str | None:
        return None if key is None else self._marks[key]


def menu_key(role: Role, *, in_group: bool) -> str:
    """Return the name of a role's menu: "focal", in a group "focal-group"."""
    return f"{role}-group" if in_group else role


async def _load_chats(
    connection: AsyncConnection, account_id: int, *, now: datetime
) -> list[_MenuChat]:
    """Return the living chats that have a menu or should; none while the account or they must rest."""
    rows = await connection.execute(
        select(Chat.id, Chat.address, Chat.kind, Chat.menu, Enrolment.role)
        .join(Account, Account.id == Chat.account_id)
        .outerjoin(Enrolment, and_(Enrolment.chat_id == Chat.id, Enrolment.ended_at.is_(None)))
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
    places: dict[str, _MenuChat] = {}
    for row in rows:
        place = places.setdefault(row.address, _MenuChat(row.address, row.kind == "group"))
        if row.id not in place.ids:
            place.ids.append(row.id)
            place.known.add(row.menu)
        if row.role is not None:
            place.roles.add(row.role)
    return list(places.values())


async def _reserve_slot(channel: Channel, place: _MenuChat, give_up_at: float) -> bool:
    """Take a place in the windows of pacing as a broadcast would; False where none comes free soon."""
    clock, chat_id, group = asyncio.get_running_loop().time, place.ids[0], place.in_group
    while True:
        at = clock()
        wait = channel.pacing.wait(chat_id, group=group, answer=False, at=at)
        if wait <= 0:
            channel.pacing.take(chat_id, group=group, at=at)
            return True
        if at + wait > give_up_at:
            return False
        await asyncio.sleep(wait)


def _digest(commands: Commands) -> str:
    return hashlib.sha256(repr([tuple(one) for one in commands]).encode()).hexdigest()[:8]
