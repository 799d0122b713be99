"""The order within a chat, as a condition in SQL: what was put first leaves first, whatever happened to it.

Guarantees:
- A message that was tried and must be tried again holds up those put after it in its chat, of its priority.
- One that ended (sent, parked, skipped) holds nothing; nor does one that failed for about an hour.
- Asking costs a look into an index of the messages to be tried again, which are few.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, bindparam, exists, literal_column, or_

from data.models import Message

# About an hour of back-off. An outage may last longer; but a message that the platform never takes, and never
# refuses for good, must not silence its chat.
MOST_HOLDING_ATTEMPTS = 20

_EARLIER = Message.__table__.alias("earlier")


def is_held_back(*, now: str, today: str) -> ColumnElement[bool]:
    """Tell whether an earlier message of the chat is to be tried again first.

    now, today: the names of the statement's parameters. Broadcasts of other days are not sent: they hold nothing.
    """
    earlier = _EARLIER.c
    held = exists().where(
        earlier.chat_id == Message.chat_id,
        earlier.priority == Message.priority,
        earlier.id < Message.id,
        # Literals: a partial index is used only where its condition stands in the statement itself.
        earlier.state == literal_column("'pending'"),
        earlier.attempts > literal_column("0"),
        or_(earlier.attempts <= MOST_HOLDING_ATTEMPTS, earlier.send_at <= bindparam(now)),
        or_(earlier.broadcast_on.is_(None), earlier.broadcast_on == bindparam(today)),
    )
    return held.correlate(Message)
