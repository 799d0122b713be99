"""What happens to an outbox from outside its processes, for its stateful test: chats, people, mornings."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from data.accounts import leases
from data.clock import civil_date
from data.contacts.chats import wake_chat
from data.models import Chat
from data.outbox import lost_chats
from data.outbox import messages as outbox
from jobs.morning.unsent import replace_unsent
from tests.support.outbox_processes import ACCOUNTS, Processes


class Happenings(Processes):
    """Messages are put, chats lost and found, accounts mended, mornings begun."""

    def put(self, to: int, number: int) -> None:
        priority, is_secret = number % 3, number % 2 == 0
        key = f"k{number}" if number in (3, 4, 5) else None

        async def work() -> int | None:
            async with self.database.write() as connection:
                row = (await connection.execute(select(Chat).where(Chat.id == to))).one()
                return await outbox.enqueue(
                    connection,
                    account_id=row.account_id,
                    chat_id=to,
                    template="words",
                    context={"text": f"tin {len(self.oracle.rows)}"},
                    priority=priority,
                    now=self.now,
                    send_at=self.now + timedelta(seconds=90 * (number == 9)),
                    agency_id=1 if priority == 2 else None,
                    broadcast_on=civil_date(self.now) if priority == 2 else None,
                    dedupe_key=key,
                    secret=is_secret,
                )

        is_new = self.do(work()) is not None
        assert is_new == (key not in self.keys)
        self.keys |= {key} if key is not None else set()
        self.see({}, may_add=is_new)
        self.tell()

    def morning(self) -> None:
        """What earlier mornings left is replaced, and accounts whose rest is over go on."""
        today = civil_date(self.now)
        late = {
            key: {"skipped"}
            for key, row in self.oracle.rows.items()
            if row.broadcast_on is not None and row.broadcast_on < today
            if row.state == "pending" or (row.state, row.error) == ("failed", outbox.NOBODY_LEFT)
        }

        async def work() -> None:
            async with self.database.write() as connection:
                await replace_unsent(connection, "dong", today)
                await leases.resume_accounts(connection, now=self.now)

        self.do(work())
        self.see(late)
        assert {self.oracle.rows[key].state for key in late} <= {"skipped"}
        self.tell()

    def a_chat_is_lost_or_heard_from(self, which: int, *, back: bool) -> None:
        concerned = {} if back else self.waits(chat_id=which)

        async def work() -> None:
            async with self.database.write() as connection:
                if back:
                    await wake_chat(connection, which)
                else:
                    await lost_chats.chat_lost(connection, which, why="blocked", now=self.now)

        self.do(work())
        self.see(concerned, may_add=not back)
        self.tell()

    def mend(self, where: int) -> None:
        channel, name = ACCOUNTS[where]

        async def work() -> None:
            async with self.database.write() as connection:
                await leases.ensure_account(connection, channel=channel, name=name)

        self.do(work())
        self.see({})
        self.tell()
