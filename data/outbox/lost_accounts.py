"""Accounts that can send no more: stop them, forward their waiting messages, notify coordinators.

Guarantees:
- A reminder without another recipient fails as NOBODY_LEFT, so the next morning sends it again.
- Coordinators are notified once of each loss, in one message.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts import leases
from data.clock import civil_date
from data.contacts.recipients import province_coordinators
from data.models import Account, Agency, Chat, Enrolment, Message
from data.outbox import messages as outbox
from data.outbox.audience import drop_weekly_part, list_needed_rights, load_enrolments
from data.outbox.rerouting import end_message, forward, notify_coordinators

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
    """Stop an account (until an instant, or until it is mended) and forward what waits there.

    Answers stay, to be sent if the account goes on; so do messages that no morning would compose again.
    Harmless for an account that is stopped already.
    """
    if not await leases.stop_account(
        connection, account_id, why=f"{why}: {detail}"[:500], now=now, until=until
    ):
        return
    today = civil_date(now)
    forwarded = 0
    unreachable: set[int] = set()  # agencies without another recipient
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
        enrolments = await load_enrolments(connection, message.chat_id, today=today)
        message = await drop_weekly_part(connection, message)
        if await forward(connection, message, enrolments, today=today):
            forwarded += 1
        elif message.priority == outbox.BROADCAST and message.broadcast_on is not None:
            await end_message(connection, message.id, "failed", outbox.NOBODY_LEFT)
            needed = await list_needed_rights(connection, message, enrolments)
            unreachable.update(agency_id for agency_id, _ in needed)
    account = (await connection.execute(select(Account).where(Account.id == account_id))).one()
    for province in await _list_provinces(connection, account_id, today=today):
        names = list(
            await connection.scalars(
                select(Agency.name)
                .where(Agency.id.in_(sorted(unreachable)), Agency.province == province)
                .order_by(Agency.position)
            )
        )
        by_agency = await province_coordinators(connection, province, today=today)
        await notify_coordinators(
            connection,
            [recipient for recipients in by_agency.values() for recipient in recipients],
            template="notice_account_lost",
            context={
                "bot": account.title or account.name,
                "why": why,
                "carried": forwarded,
                "silent": names[:_MOST_NAMES],
                "silent_more": max(0, len(names) - _MOST_NAMES),
                "until": civil_date(until).isoformat() if until is not None else "",
            },
            loss=f"account_lost:{account_id}:{why}:{today}",
            now=now,
        )


async def _list_provinces(
    connection: AsyncConnection, account_id: int, *, today: date
) -> list[str]:
    """Return the provinces of the agencies that have chats on an account."""
    agency_ids = (
        select(Enrolment.agency_id)
        .join(Chat, Chat.id == Enrolment.chat_id)
        .where(Chat.account_id == account_id, Enrolment.living(on=today))
    )
    provinces = await connection.scalars(
        select(Agency.province).where(Agency.id.in_(agency_ids)).distinct()
    )
    return list(provinces)
