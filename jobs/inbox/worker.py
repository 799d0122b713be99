"""The inbox at work: updates are fetched and stored, then handled once, in order within a chat.

Promises that an update is stored before the platform is told to forget it; that its effect and its
answers are one transaction, of one process, whichever stored it; that a malformed update or a failing one
is parked and stops nothing else; that what bears a secrecy mark is refused unstored, and that what may
hold a one-use code is not kept once it was handled. What an update means is the handler's business, except
where a chat moved or was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from data import inbox
from data.clock import Clock
from data.contacts.invitations import may_hold_code
from data.db.database import Database
from data.db.errors import DATABASE_ERRORS, describe_fault
from data.log import get_logger
from jobs.channel import Answer, Channel, Incoming
from jobs.delivery.lease import AccountLease
from jobs.inbox.effects import follow_chat, load_incoming_chat, queue_answers
from jobs.inbox.intake import fetch_attachments, poll_while_owned

log = get_logger("inbox")

Lane = list[tuple[Row[Any], Incoming]]  # what a chat said and nobody handled yet, oldest first

SORRY = "sorry"  # template

_BATCH = 200
_SIDE_BY_SIDE = 8  # chats
_LOOK_SECONDS = 5.0  # for what another process stored
_TYPING_LASTS = 4.5  # seconds until a platform takes it away again


class Handler(Protocol):
    """What turns an incoming thing into effects and answers, within the transaction it is given."""

    def __call__(
        self, connection: AsyncConnection, incoming: Incoming, *, event_id: int, now: datetime
    ) -> Awaitable[list[Answer]]: ...


class Inbox:
    """The incoming side of all accounts of one process.

    answered: called after answers were put into the outbox (the delivery's wake). typing_after: seconds
    after which somebody who waits is shown that the answer takes its time.
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
    ) -> None:
        self._database = database
        self._channels = channels
        self._handle = handle
        self._clock = clock
        self._answered = answered
        self._typing_after = typing_after
        self._woken = asyncio.Event()
        self._asides: set[asyncio.Task[None]] = set()  # nothing waits for them but the end

    def wake(self) -> None:
        """Look for new events now; call after store()."""
        self._woken.set()

    async def run(self, *, polled_leases: Mapping[int, AccountLease] | None = None) -> None:
        """Handle what comes in until cancelled.

        polled: the accounts that have no webhook. Each is polled while this process owns it: a platform
        gives an update to one of two who ask, or refuses both.
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
        self._answered()  # what was refused has its answer already

    async def _handle_for_ever(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.handle_pending()
            except DATABASE_ERRORS as error:
                log.error("inbox.held_up", error=describe_fault(error))
            except Exception:  # one fault must not end the listening of all accounts
                log.exception("inbox.failed")
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass

    # -------------------------------------------------------------- handling

    async def handle_pending(self) -> int:
        """Handle every stored event; returns how many. Raises DatabaseUnusable, and then none is lost."""
        handled = 0
        while True:
            async with self._database.read() as connection:
                events = await inbox.list_new_events(connection, self._channels, limit=_BATCH)
            if not events:
                break
            lanes, ended = await self._parse_by_chat(events)
            together = asyncio.Semaphore(_SIDE_BY_SIDE)
            ends = await asyncio.gather(
                *(self._handle_lane(lane, together) for lane in lanes),
                return_exceptions=True,
            )
            for end in ends:
                if isinstance(end, BaseException):
                    raise end
                ended += end
            handled += ended
            if (
                not ended
            ):  # all are in the hands of other processes, which look again when they are done
                break
        if self._asides:
            await asyncio.wait(self._asides)
        return handled

    async def _parse_by_chat(self, events: Sequence[Row[Any]]) -> tuple[list[Lane], int]:
        """Read raw events; returns them by chat, and how many were ended.

        Ended is what is malformed (parked) or says nothing to us (done).
        """
        lanes: dict[tuple[int, str], Lane] = {}
        ended = 0
        for event in events:
            try:
                incoming = self._channels[event.account_id].parse(event.account_id, event.raw)
                if incoming is not None:
                    _check_text(incoming)
            except Exception as error:  # also what no parser thought of: it is parked
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

    async def _handle_lane(self, events: Lane, together: asyncio.Semaphore) -> int:
        """Handle a chat's events in order, up to one that another process has; returns how many ended."""
        async with together:
            for place, (event, incoming) in enumerate(events):
                typing = self._show_typing(incoming) if _is_for_us(incoming) else None
                try:
                    if not await self._handle_one(event, incoming):
                        return place
                finally:
                    if typing is not None:
                        typing.cancel()
        return len(events)

    async def _handle_one(self, event: Row[Any], incoming: Incoming) -> bool:
        """Return False where another process is at it: what follows in the chat must wait."""
        incoming = await fetch_attachments(
            self._database, self._channels[event.account_id], incoming
        )
        for attempt in range(event.attempts + 1, inbox.MOST_ATTEMPTS + 1):
            try:
                if not await self._effect(event, incoming):
                    return False
            except DATABASE_ERRORS:
                raise  # the database's fault, not the event's: it stays new
            except Exception as error:
                log.exception(
                    "update.failed", update=event.id, account=event.account_id, attempt=attempt
                )
                words = type(error).__name__
                if not may_hold_code(event.raw, incoming.text):
                    words = f"{words}: {error}"[:500]
                async with self._database.write() as connection:
                    await inbox.record_failure(connection, event.id, error=words)
            else:
                self._acknowledge(incoming)
                return True
        await self._park(event, incoming)
        return True

    async def _effect(self, event: Row[Any], incoming: Incoming) -> bool:
        now = await self._clock.now()
        async with self._database.write() as connection:
            forget = may_hold_code(event.raw, incoming.text)
            if not await inbox.finish_event(connection, event.id, now=now, forget=forget):
                return not await inbox.is_new_event(connection, event.id)
            if incoming.kind in ("moved", "gone"):
                await follow_chat(connection, incoming, now)
                answers: list[Answer] = []
            else:
                answers = await self._handle(connection, incoming, event_id=event.id, now=now)
            put = await queue_answers(connection, incoming, answers, now) if answers else []
        _log_handled(event, "done", kind=incoming.kind, messages=put)
        # moved and gone may have put notices
        self._answered()
        return True

    def _acknowledge(self, incoming: Incoming) -> None:
        """End a press's spinner, now that what it did is committed; nothing waits for it."""
        if incoming.action_id is None:
            return
        self._spawn(self._channels[incoming.account_id].acknowledge(incoming))

    def _show_typing(self, incoming: Incoming) -> asyncio.Task[None]:
        """Show, where the handling takes long, that an answer is being written; cancel it at the end."""
        channel = self._channels[incoming.account_id]

        async def show() -> None:
            await asyncio.sleep(self._typing_after)
            while True:
                await channel.show_typing(incoming)
                await asyncio.sleep(_TYPING_LASTS)

        return self._spawn(show())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)
        return task

    async def _park(self, event: Row[Any], incoming: Incoming) -> None:
        """Give an event up after its attempts, and say sorry to who waits for an answer."""
        now = await self._clock.now()
        async with self._database.write() as connection:
            forget = may_hold_code(event.raw, incoming.text)
            if not await inbox.park_event(connection, event.id, now=now, forget=forget):
                return
            chat = await load_incoming_chat(connection, incoming)
            waits = chat is not None and incoming.kind in ("text", "action", "other")
            put = await queue_answers(connection, incoming, [Answer(SORRY)], now) if waits else []
        _log_handled(event, "parked", kind=incoming.kind, messages=put)
        self._acknowledge(incoming)
        self._answered()

    async def _end(self, event: Row[Any], *, state: str = "done", error: str | None = None) -> bool:
        now = await self._clock.now()
        async with self._database.write() as connection:
            forget = may_hold_code(event.raw, "")
            return await inbox.finish_event(
                connection, event.id, now=now, state=state, error=error, forget=forget
            )


def _check_text(incoming: Incoming) -> None:
    """Raise ValueError for words that are none, and for a chat's or sender's name that no table takes."""
    words = (incoming.sender_name, incoming.chat_title, incoming.text)
    of_files = [part for file in incoming.files for part in (file.ref, file.name)]
    if not all(isinstance(each, str) for each in (*words, *of_files)):
        raise ValueError("what should be words is none")
    for name, most in ((incoming.address, 80), (incoming.thread, 40), (incoming.sender, 80)):
        if len(name) > most or not name.isprintable():
            raise ValueError("the name of a chat or sender is none")


def _log_handled(
    event: Row[Any], outcome: str, *, kind: str | None = None, messages: Sequence[int] = ()
) -> None:
    """Write one line for an update that is through; messages: the answers, to follow them on."""
    answers = ",".join(map(str, messages)) or None
    log.info(
        "update.ended",
        update=event.id,
        account=event.account_id,
        kind=kind,
        outcome=outcome,
        messages=answers,
    )


def _is_for_us(incoming: Incoming) -> bool:
    """Tell whether somebody waits for an answer: not for what is only overheard in a group."""
    if incoming.kind not in ("text", "other"):
        return False
    meant = incoming.text.startswith("/") or incoming.reply_to is not None
    return incoming.chat_kind == "private" or meant
