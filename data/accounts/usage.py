"""Usage of each account: chats and people linked, messages sent and received this calendar month.

Guarantees:
- Counting costs as much as the month's messages, not all stored ones: an index serves each direction.
- An attempt of unknown outcome counts as sent: the platform may have taken it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import ColumnElement, and_, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import instant_at
from data.models import Account, Chat, Delivery, Enrolment, InboxEvent, Message


@dataclass(frozen=True, slots=True)
class AccountUsage:
    """One account; people: persons enrolled, because the members of a group are not known.

    sent: this month, with what may have been sent.
    """

    account_id: int
    channel: str
    name: str
    stopped: bool
    chats: int
    people: int
    sent: int


@dataclass(frozen=True, slots=True)
class MonthUsage:
    """Messages of an account since the 1st; platforms do not say which direction they count.

    sent: with those that may have been sent.
    """

    sent: int
    received: int

    @property
    def used(self) -> int:
        """Return the number of both directions."""
        return self.sent + self.received


async def load_month_usage(
    connection: AsyncConnection, account_id: int, *, today: date
) -> MonthUsage:
    """Return the numbers of messages that an account sent and received since the 1st of the month."""
    month_start = instant_at(today.replace(day=1), time.min)
    sent = await connection.scalar(select(_taken(Message.account_id == account_id, month_start)))
    received = await connection.scalar(
        select(func.count()).where(
            InboxEvent.account_id == account_id, InboxEvent.received_at >= month_start
        )
    )
    return MonthUsage(int(sent or 0), int(received or 0))


async def list_account_usage(connection: AsyncConnection, *, today: date) -> list[AccountUsage]:
    """Return every account with its living chats, its people and its messages sent since the 1st."""
    month_start = instant_at(today.replace(day=1), time.min)
    sent = _taken(Message.account_id == Account.id, month_start)
    rows = await connection.execute(
        select(
            Account.id,
            Account.channel,
            func.coalesce(Account.title, Account.name),
            Account.stopped_at.is_not(None),
            func.count(Enrolment.chat_id.distinct()),
            func.count(Enrolment.person_id.distinct()),
            sent.label("sent"),
        )
        .outerjoin(Chat, and_(Chat.account_id == Account.id, Chat.state == "living"))
        .outerjoin(Enrolment, and_(Enrolment.chat_id == Chat.id, Enrolment.living(on=today)))
        .group_by(Account.id)
        .order_by(Account.id)
    )
    return [AccountUsage(*row) for row in rows]


def _taken(of_account: ColumnElement[bool], since: datetime) -> ColumnElement[int]:
    """Count the messages that were sent since an instant, and the attempts of unknown outcome."""
    sent = select(func.count()).where(of_account, Message.sent_at >= since)
    unknown = (
        select(func.count())
        .select_from(Delivery)
        .join(Message, Message.id == Delivery.message_id)
        .where(
            of_account,
            # A literal: a partial index is used only where its condition stands in the statement itself.
            Delivery.outcome == literal_column("'unknown'"),
            Delivery.at >= since,
        )
    )
    parts = [part.correlate(Account).scalar_subquery() for part in (sent, unknown)]
    return parts[0] + parts[1]
