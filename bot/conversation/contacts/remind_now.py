"""/nhac: remind at once the agencies that have not answered; several are shown first.

Guarantees:
- An agency gets at most one such reminder a day, and none about an obligation that it answered.
- The reminder waits for sending hours; the answer names the day.
- Nobody is reminded in the name of a body that ended and has no successor yet: these are counted apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from bot.conversation.context.access import may
from bot.conversation.context.arguments import (
    asked_condition,
    list_argument_choices,
    read_arguments,
)
from bot.conversation.context.lookup import ask_choice, refuse_unknown
from bot.conversation.context.preview import Deed, do_or_preview
from bot.conversation.context.scope import load_scope
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from data.clock import civil_date
from data.contacts.recipients import Recipient, list_recipients
from data.figures.states import judged_condition
from data.job_runs import list_finished_subjects, record_run
from data.models import Message, Obligation
from data.obligations import lists
from data.obligations.lists import list_ids_by_date
from data.outbox.messages import NOTICE, enqueue
from data.registry.agency_kinds import AgencyGroup, group_of_kind
from data.rules.ladder import UNDATED
from jobs.channel import Answer
from jobs.delivery.sending_hours import next_sending_at
from jobs.rendering.items import load_listed_rows
from jobs.rendering.reminder import REMINDER, reminder_context

URGE_JOB = "urge"
ITEMS_A_MESSAGE = 6  # the most urgent; /viec lists the rest
_MOST_ITEMS = 2000
_MOST_NAMES = 8


@dataclass(slots=True)
class _Urged:
    """The agencies reminded, those reminded earlier today, those without a chat; items: how many were sent."""

    sent: list[VisibleObligation] = field(default_factory=list)  # one of each agency
    already: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)
    items: int = 0
    exactly: list[Any] = field(default_factory=list)
    first: int | None = None  # a message


async def answer_nhac(turn: Turn) -> list[Answer]:
    """Answer /nhac [PLAN | CODE | AGENCY] [KIND]: remind the agencies that have not answered.

    Several are shown first.
    """
    scope = await load_scope(turn, frozenset({"coordinator"}))
    if not turn.words:
        return [_usage()]
    asked = await read_arguments(turn, scope, turn.words)
    if not asked.is_one:
        return [ask_choice("nhac", turn.words, list_argument_choices(asked))]
    if asked.is_empty:
        return [refuse_unknown("nhac", turn.words, scope, asked.plans)]
    condition = await asked_condition(turn, scope, asked)
    if not asked.coded:
        # Undated questions and what was due before tracking: a reminder of these needs their code.
        condition &= judged_condition()
    group = asked.group

    async def urge() -> Deed | list[Answer]:
        return await _urge(turn, condition, group, asked.name())

    return await do_or_preview(turn, "nhac", urge)


def _usage() -> Answer:
    examples = ["Sở Tài chính", "1901 III.1a", "BC.1 các xã", "1901"]
    return Answer("usage", {"command": "nhac", "examples": examples})


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Who has not answered: the obligations by holder, and the chats of holders that have any.

    answered: how many obligations were answered; undecided: how many wait for a successor of their agency.
    send_at: when a reminder goes out.
    """

    by_holder: dict[int, list[VisibleObligation]]
    chats: dict[int, list[Recipient]]
    answered: int
    undecided: int
    send_at: datetime


async def count_to_remind(
    turn: Turn, condition: ColumnElement[bool], group: AgencyGroup | None
) -> int:
    """Return how many agencies /nhac would remind now of the obligations of a condition; changes nothing."""
    waiting = await _find_waiting(turn, condition, group)
    reminded = await list_finished_subjects(
        turn.connection, URGE_JOB, map(str, waiting.chats), turn.today
    )
    return len(waiting.chats) - len(reminded)


async def _find_waiting(
    turn: Turn, condition: ColumnElement[bool], group: AgencyGroup | None
) -> _Waiting:
    due = condition & (Obligation.state == "open")
    due = (
        due
        & (Obligation.base_on <= lists.last_current_day(turn.today))
        & lists.current_question_condition(turn.today)
    )
    ids = await list_ids_by_date(
        turn.connection, due, by=[Obligation.base_on], offset=0, limit=_MOST_ITEMS
    )
    visible = await visible_obligations(turn, ids)
    listed = [
        each
        for each in visible.values()
        if may(turn.caller, "nhac", each.subject) and _is_of_group(turn, each, group)
    ]
    waiting = [each for each in listed if not _has_answered(turn, each.row)]
    decided = [each for each in waiting if each.holder_code is not None]
    by_holder: dict[int, list[VisibleObligation]] = {}
    for each in decided:
        if each.subject.holder_id is not None:
            by_holder.setdefault(each.subject.holder_id, []).append(each)
    send_at = next_sending_at(turn.now, turn.registry.workdays)
    sent_on = civil_date(send_at)  # who is enrolled then
    coordinators = await list_recipients(
        turn.connection, by_holder, roles=("coordinator",), today=sent_on
    )
    focal_points = await list_recipients(turn.connection, by_holder, today=sent_on)
    chats = {**coordinators, **focal_points}
    return _Waiting(
        by_holder, chats, len(listed) - len(waiting), len(waiting) - len(decided), send_at
    )


async def _urge(
    turn: Turn, condition: ColumnElement[bool], group: AgencyGroup | None, what: str
) -> Deed | list[Answer]:
    waiting = await _find_waiting(turn, condition, group)
    send_at = waiting.send_at
    urged = _Urged()
    for holder_id, entries in sorted(
        waiting.by_holder.items()
    ):  # in one order: two who urge wait in turn
        chats = waiting.chats.get(holder_id)
        name = entries[0].holder
        if not chats:
            urged.unreachable.append(name)
        elif not await record_run(
            turn.connection, URGE_JOB, str(holder_id), turn.today, now=turn.now
        ):
            urged.already.append(name)
        else:
            shown = entries[:ITEMS_A_MESSAGE]
            messages = [await _enqueue_reminder(turn, to, shown, send_at) for to in chats]
            urged.sent.append(entries[0])
            urged.exactly.append(
                [holder_id, [each.id for each in shown], [to.chat_id for to in chats]]
            )
            urged.items += len(shown)
            urged.first = urged.first or messages[0]
    later_on = civil_date(send_at).isoformat() if send_at > turn.now else ""
    about = {
        "what": what,
        "group": group or "",
        "later_on": later_on,
        "answered": waiting.answered,
        "undecided": waiting.undecided,
    }
    sent = [each.holder for each in urged.sent]
    context: dict[str, object] = {
        **about,
        "sent": sent[:_MOST_NAMES],
        "sent_count": len(sent),
        "items": urged.items,
        "already": urged.already[:_MOST_NAMES],
        "already_count": len(urged.already),
        "unreachable": urged.unreachable[:_MOST_NAMES],
        "unreachable_count": len(urged.unreachable),
    }
    if not sent:
        return [Answer("urged", context)]
    return Deed(
        [Answer("urged", context)],
        "urge",
        about,
        [(each.row.province, each.holder_code, each.holder) for each in urged.sent],
        [later_on, urged.exactly],
        letter=await _load_letter(turn, urged.first, civil_date(send_at)),
        silent=urged.unreachable,
        told=urged.already,
        is_small=len(sent) <= 1,
    )


async def _load_letter(turn: Turn, message_id: int | None, today: date) -> Answer | None:
    """Return a reminder as its readers see it on a day."""
    if message_id is None:
        return None
    rows = await turn.connection.execute(select(Message).where(Message.id == message_id))
    listed = await load_listed_rows(turn.connection, [message_id])
    context = await reminder_context(
        turn.connection, rows.one(), listed[message_id], today, turn.registry.workdays
    )
    return None if context is None else Answer(REMINDER, context)


def _is_of_group(turn: Turn, each: VisibleObligation, group: AgencyGroup | None) -> bool:
    if group is None or each.holder_code is None:
        return group is None
    return group == group_of_kind(
        turn.registry.provinces[each.row.province].agencies[each.holder_code].kind
    )


def _has_answered(turn: Turn, row: Any) -> bool:
    """Tell whether an open item was answered: acknowledged of late, blocked, disputed, extension asked."""
    acknowledged = row.acknowledged_until is not None and row.acknowledged_until >= turn.today
    if row.kind == UNDATED and row.progress is not None:
        return True  # its question asks for nothing more
    flags = (row.blocked_at, row.disputed_at, row.extension_asked_at)
    return acknowledged or any(at is not None for at in flags)


async def _enqueue_reminder(
    turn: Turn, recipient: Recipient, entries: Sequence[VisibleObligation], send_at: Any
) -> int:
    first = entries[0]
    code = first.holder_code or ""
    home = turn.registry.provinces[first.row.province]
    message_id = await enqueue(
        turn.connection,
        account_id=recipient.account_id,
        chat_id=recipient.chat_id,
        template=REMINDER,
        context={
            "agency": first.holder,
            "agency_code": code,
            "asked": bool(code) and home.is_outside(code),
            "undecided": [entry.id for entry in entries if entry.holder_code is None],
            "silent": [],
        },
        items=[(entry.id, None) for entry in entries],
        priority=NOTICE,
        now=turn.now,
        send_at=send_at,
        agency_id=first.row.agency_id,
    )
    assert message_id is not None  # there is no dedupe_key
    return message_id
