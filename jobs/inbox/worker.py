"""Handle stored updates, once each and in order within a chat.

Guarantees:
- The effect of an update and its answers are one transaction, whichever process stored it.
- A malformed or failing update is parked and stops no other.
- An update that may hold a one-use code is emptied once it was handled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from data import inbox
from data.clock import Clock
from data.contacts.codes import may_hold_code
from data.db.database import Database
from data.db.errors import DATABASE_ERRORS, describe_fault
from data.log import get_logger
from jobs.channel import Answer, Channel, Incoming
from jobs.delivery.lease import AccountLease
from jobs.inbox.albums import Lane, gather_album, merge_parts
from jobs.inbox.catching_up import HELD, HeldAnswers, Summarise, answer_as_one, wait_together
from jobs.inbox.effects import follow_chat, load_incoming_chat, queue_answers
from jobs.inbox.intake import fetch_attachments, poll_while_owned
from jobs.inbox.reading import expects_answer, parse_event

log = get_logger("inbox")

SORRY = "sorry"  # template

_BATCH = 200
_CONCURRENT_CHATS = 8
_POLL_SECONDS = 5.0  # for events that another process stored
_TYPING_SECONDS = 4.5  # until a platform hides the sign again


class Handler(Protocol):
    """Carry out an update in the given transaction and return its answers."""

    def __call__(
        self, connection: AsyncConnection, incoming: Incoming, *, event_id: int, now: datetime
    ) -> Awaitable[list[Answer]]: ...


class Inbox:
    """The inbox of all accounts of one process.

    answered: called after answers were put into the outbox; the dispatcher's wake. typing_after: seconds of
    handling after which the chat shows that an answer is being written. summarise: makes one answer of those
    to many messages at once; None: each is answered.
    """

    def __init__(
        self,
        database: Database,
        channels: Mapping[int, Channel],
        handle: Handler,
        clock: Clock,
        *,
        answered: Callable[[], None] = lambda: None,
        typing_after: float = 1.0,
        summarise: Summarise | None = None,
    ) -> None:
        self._database = database
        self._channels = channels
        self._handle = handle
        self._clock = clock
        self._answered = answered
        self._typing_after = typing_after
        self._summarise = summarise
        self._woken = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Handle new events now; call after store_updates()."""
        self._woken.set()

    async def run(self, *, polled_leases: Mapping[int, AccountLease] | None = None) -> None:
        """Poll and handle updates until cancelled.

        polled_leases: of the accounts without a webhook. Each is polled only while this process owns it: a
        platform gives an update to one of two pollers, or refuses both.
        """
        async with asyncio.TaskGroup() as group:
            for account_id, account_lease in (polled_leases or {}).items():
                group.create_task(
                    poll_while_owned(
                        self._database,
                        self._channels[account_id],
                        account_id,
                        self._clock,
                        account_lease,
                        stored=self._stored,
                    )
                )
            group.create_task(self._handle_for_ever())

    def _stored(self) -> None:
        self._woken.set()
        self._answered()  # a refused update has its answer already

    async def _handle_for_ever(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.handle_pending()
            except DATABASE_ERRORS as error:
                log.error("inbox.held_up", error=describe_fault(error))
            except Exception:  # one fault must not stop all accounts
                log.exception("inbox.failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._woken.wait()

    async def handle_pending(self) -> int:
        """Handle all new events and return their number; raises DatabaseUnusable, which loses none.

        1. Read the oldest new events of every account, and parse them into lanes, one a chat.
        2. Handle the lanes side by side, each in order.
        3. Repeat until no event is left, or all are being handled by other processes, which will poll again.
        """
        handled = 0
        while True:
            async with self._database.read() as connection:
                events = await inbox.list_new_events(connection, self._channels, limit=_BATCH)  # 1
            if not events:
                break
            lanes, ended = await self._parse_by_chat(events)
            slots = asyncio.Semaphore(_CONCURRENT_CHATS)
            results = await asyncio.gather(  # 2
                *(self._handle_lane(lane, slots) for lane in lanes), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result
                ended += result
            handled += ended
            if not ended:  # 3
                break
        if self._background:
            await asyncio.wait(self._background)
        return handled

    async def _parse_by_chat(self, events: Sequence[Row[Any]]) -> tuple[list[Lane], int]:
        """Parse raw events; returns them by chat, and the number of those that ended here.

        A malformed event ends as parked, one that needs no handling as done.
        """
        lanes: dict[tuple[int, str], Lane] = {}
        ended = 0
        for event in events:
            try:
                incoming = parse_event(self._channels, event)
            except Exception as error:  # even one that no parser expects
                why = str(error) if isinstance(error, ValueError) else type(error).__name__
                ended += await self._end(event, state="parked", error=f"malformed: {why}"[:500])
                _log_handled(event, "malformed")
                continue
            if incoming is None:
                ended += await self._end(event)
                _log_handled(event, "nothing")
            else:
                lane = (event.account_id, incoming.address)
                lanes.setdefault(lane, []).append((event, incoming))
        return list(lanes.values()), ended

    async def _handle_lane(self, lane: Lane, slots: asyncio.Semaphore) -> int:
        """Handle a chat's events in order, up to one that another process handles; returns how many ended."""
        ended = 0
        async with slots:
            held = HeldAnswers() if self._summarise is not None and wait_together(lane) else None
            while ended < len(lane):
                size = await gather_album(self._database, self._channels, lane, ended)
                events = [event for event, _ in lane[ended : ended + size]]
                incoming = merge_parts([part for _, part in lane[ended : ended + size]])
                typing = self._show_typing(incoming) if expects_answer(incoming) else None
                try:
                    if not await self._handle_events(events, incoming, held):
                        break
                finally:
                    if typing is not None:
                        typing.cancel()
                ended += size
            if held is not None and held.answers:
                await self._answer_as_one(lane[ended - 1][1], held)
        return ended

    async def _answer_as_one(self, incoming: Incoming, held: HeldAnswers) -> None:
        """Put one answer in place of the held ones; where that fails, they leave as they are."""
        assert self._summarise is not None
        now = await self._clock.now()
        try:
            async with self._database.write() as connection:
                await answer_as_one(connection, incoming, held, self._summarise, now=now)
        except DATABASE_ERRORS:
            raise
        except Exception:
            log.exception("answers.not_summarised", account=incoming.account_id)
        self._answered()

    async def _handle_events(
        self, events: Sequence[Row[Any]], incoming: Incoming, held: HeldAnswers | None
    ) -> bool:
        """Handle the events of one message, at most three times, else park them.

        Returns False where another process handles the first: the chat's later events must wait.
        """
        first = events[0]
        channel, now = self._channels[first.account_id], await self._clock.now()
        incoming = await fetch_attachments(self._database, channel, incoming, now=now)
        for attempt in range(first.attempts + 1, inbox.MOST_ATTEMPTS + 1):
            try:
                if not await self._carry_out(events, incoming, held):
                    return False
            except DATABASE_ERRORS:
                raise  # the database's fault, not the event's: it stays new
            except Exception as error:
                log.exception(
                    "update.failed", update=first.id, account=first.account_id, attempt=attempt
                )
                words = type(error).__name__
                if not may_hold_code(first.raw, incoming.text):
                    words = f"{words}: {error}"[:500]
                async with self._database.write() as connection:
                    await inbox.record_failure(connection, first.id, error=words)
            else:
                self._acknowledge(incoming)
                return True
        await self._park(events, incoming)
        return True

    async def _carry_out(
        self, events: Sequence[Row[Any]], incoming: Incoming, held: HeldAnswers | None
    ) -> bool:
        """Carry out a message in one transaction; returns False where another process handles it."""
        first, *parts = events
        now = await self._clock.now()
        async with self._database.write() as connection:
            forget = may_hold_code(first.raw, incoming.text)
            if not await inbox.finish_event(connection, first.id, now=now, forget=forget):
                return not await inbox.is_new_event(connection, first.id)
            for part in parts:
                await inbox.finish_event(connection, part.id, now=now, forget=forget)
            if incoming.kind in ("moved", "gone", "reopened"):
                await follow_chat(connection, incoming, now)
                answers: list[Answer] = []
            else:
                answers = await self._handle(connection, incoming, event_id=first.id, now=now)
            until = None if held is None else now + HELD
            message_ids = await queue_answers(connection, incoming, answers, now, held_until=until)
        if held is not None:
            held.add(first.id, answers, message_ids)
        _log_handled(first, "done", kind=incoming.kind, messages=message_ids)
        for part in parts:
            _log_handled(part, "done", kind=incoming.kind)
        self._answered()  # a chat that moved or was lost may have put notices, too
        return True

    def _acknowledge(self, incoming: Incoming) -> None:
        """End a press's spinner, once its effect is committed; in the background."""
        if incoming.action_id is not None:
            self._spawn(self._channels[incoming.account_id].acknowledge(incoming))

    def _show_typing(self, incoming: Incoming) -> asyncio.Task[None]:
        """Show that an answer is being written, where handling takes long; cancel the task at the end."""
        channel = self._channels[incoming.account_id]

        async def show() -> None:
            await asyncio.sleep(self._typing_after)
            while True:
                await channel.show_typing(incoming)
                await asyncio.sleep(_TYPING_SECONDS)

        return self._spawn(show())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def _park(self, events: Sequence[Row[Any]], incoming: Incoming) -> None:
        """Park a message after its attempts, and apologise to a chat that waits for an answer."""
        first, *parts = events
        now = await self._clock.now()
        async with self._database.write() as connection:
            forget = may_hold_code(first.raw, incoming.text)
            if not await inbox.park_event(connection, first.id, now=now, forget=forget):
                return
            for part in parts:
                await inbox.park_event(connection, part.id, now=now, forget=forget)
            chat = await load_incoming_chat(connection, incoming)
            waits = chat is not None and incoming.kind in ("text", "action", "other")
            answers = [Answer(SORRY)] if waits else []
            message_ids = await queue_answers(connection, incoming, answers, now)
        _log_handled(first, "parked", kind=incoming.kind, messages=message_ids)
        self._acknowledge(incoming)
        self._answered()

    async def _end(self, event: Row[Any], *, state: str = "done", error: str | None = None) -> bool:
        now = await self._clock.now()
        async with self._database.write() as connection:
            forget = may_hold_code(event.raw, "")
            return await inbox.finish_event(
                connection, event.id, now=now, state=state, error=error, forget=forget
            )


def _log_handled(
    event: Row[Any], outcome: str, *, kind: str | None = None, messages: Sequence[int | None] = ()
) -> None:
    """Log an update that has ended; messages: the ids of its answers."""
    answers = ",".join(str(each) for each in messages if each is not None) or None
    log.info(
        "update.ended",
        update=event.id,
        account=event.account_id,
        kind=kind,
        outcome=outcome,
        messages=answers,
    )
