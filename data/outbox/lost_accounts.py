"""What becomes of an account's messages when the account itself can send no more.

Promises that what waits there goes on in the same run in the next chats of the same people or agencies,
on other accounts; that what has none is told again by the next morning; and that the coordinators are
told once of each loss, in one message. Sends nothing itself; runs within the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts import leases
from data.clock import civil_date
from data.contacts.recipients import province_coordinators
from data.models import Account, Agency, Chat, Enrolment, Message
from data.outbox import lost_chats
from data.outbox import messages as outbox

REFUSED, SPENT, LIMITED = "refused", "spent", "limited"  # why; templates name them
_MOST_NAMES = 12


async def account_lost(
    connection: AsyncConnection,
    account_id: int,
    *,
    why: str,
    detail: str,
    now: datetime,
    until: datetime | None = None,
) -> None:
    """Stop an account (until an instant, or until it is mended) and let others carry what waits there.

    Answers stay: they are for who wrote there, and go out if the account goes on; so does what no morning
    would tell again. Harmless for an account that is stopped already.
    """
    if not await leases.stop_account(
        connection, account_id, why=f"{why}: {detail}"[:500], now=now, until=until
    ):
        return
    carried = 0
    silent: set[int] = set()  # enrolments' agencies with nobody to tell instead
    waiting = await connection.execute(
        select(Message.__table__)
        .where(
            Message.account_id == account_id,
            Message.state == "pending",
            Message.priority != outbox.ANSWER,
        )
        .order_by(Message.id)
    )
    for message in waiting.all():
        enrolments = await _enrolments(connection, message.chat_id)
        if await lost_chats.forward(connection, message, enrolments):
            carried += 1
        elif message.priority == outbox.BROADCAST and message.broadcast_on is not None:
            await lost_chats.park_message(connection, message.id, outbox.NOBODY_LEFT)
            silent.update(row.agency_id for row in enrolments)
    await _notify_coordinators(connection, account_id, why, silent, carried, until, now)


async def _notify_coordinators(
    connection: AsyncConnection,
    account_id: int,
    why: str,
    silent: Iterable[int],
    carried: int,
    until: datetime | None,
    now: datetime,
) -> None:
    """Tell the coordinators of every province that has people on the account."""
    account = (await connection.execute(select(Account).where(Account.id == account_id))).one()
    here = select(Enrolment.agency_id).join(Chat, Chat.id == Enrolment.chat_id)
    provinces = await connection.scalars(
        select(Agency.province)
        .where(
            Agency.id.in_(here.where(Chat.account_id == account_id, Enrolment.ended_at.is_(None)))
        )
        .distinct()
    )
    for province in provinces.all():
        names = await connection.scalars(
            select(Agency.name)
            .where(Agency.id.in_(sorted(silent)), Agency.province == province)
            .order_by(Agency.position)
        )
        silent_names = list(names)
        context = {
            "bot": account.title or account.name,
            "why": why,
            "carried": carried,
            "silent": silent_names[:_MOST_NAMES],
            "silent_more": max(0, len(silent_names) - _MOST_NAMES),
            "until": civil_date(until).isoformat() if until is not None else "",
        }
        steering = await province_coordinators(connection, province)
        for place in (place for every in steering.values() for place in every):
            await outbox.enqueue(
                connection,
                account_id=place.account_id,
                chat_id=place.chat_id,
                template="notice_account_lost",
                context=context,
                priority=outbox.NOTICE,
                now=now,
                dedupe_key=f"account_lost:{account_id}:{why}:{civil_date(now)}:{place.chat_id}",
            )


async def _enrolments(connection: AsyncConnection, chat_id: int) -> list[Any]:
    rows = await connection.execute(
        select(Enrolment.__table__)
        .where(Enrolment.chat_id == chat_id, Enrolment.ended_at.is_(None))
        .order_by(Enrolment.id)
    )
    return list(rows)
