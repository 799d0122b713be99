"""/nhac: remind at once the agencies that have not answered.

Guarantees:
- An agency gets at most one such reminder a day, and none about an obligation that it answered.
- The reminder waits for sending hours; the answer names the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, insert, select

from bot.conversation.context.access import may
from bot.conversation.context.lookup import ask_choice, list_choices, look_up_words
from bot.conversation.context.scope import agency_held_condition, load_scope
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from data.clock import civil_date
from data.contacts.recipients import Recipient, list_recipients
from data.models import JobRun, Obligation
from data.obligations import lists
from data.obligations.lists import list_ids_by_date
from data.outbox.messages import NOTICE, enqueue
from data.progress.history import in_duty_condition, in_task_condition
from data.rules.ladder import UNDATED
from jobs.channel import Answer
from jobs.delivery.sending_hours import next_sending_at
from jobs.rendering.reminder import REMINDER

URGE_JOB = "urge"
ITEMS_A_MESSAGE = 6  # the most urgent; /viec lists the rest
_MOST_ITEMS = 2000
_MOST_NAMES = 8


@dataclass(slots=True)
class _Outcome:
    """The agencies reminded, those reminded earlier today, those without a chat; items: those sent."""

    sent: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)
    items: int = 0


async def answer_nhac(turn: Turn) -> list[Answer]:
    """Answer /nhac AGENCY or CODE: remind the agencies that have not answered."""
    words = turn.words
    scope = await load_scope(turn, frozenset({"coordinator"}))
    if not words:
        return [_usage()]
    lookup = await look_up_words(turn, scope, words)
    rows = (*lookup.tasks, *lookup.duties)
    if lookup.plans:
        return [_usage()]
    if len(rows) + len(lookup.agencies) > 1:
        return [ask_choice("nhac", words, list_choices(lookup, lookup.visible_plans))]
    if not rows and not lookup.agencies:
        return [Answer("nothing_found", {"words": words, "command": "nhac"})]
    if rows:
        condition = in_task_condition(rows[0].id) if lookup.tasks else in_duty_condition(rows[0].id)
        what = f"{rows[0].title} [{rows[0].code}], Kế hoạch {rows[0].plan_number}"
    else:
        agency = lookup.agencies[0]
        condition = await agency_held_condition(turn, agency.province, agency.code)
        condition = condition & (Obligation.kind != UNDATED)  # a reminder of these needs their code
        what = agency.name
    condition = condition & Obligation.plan_id.in_(scope.plans)
    return [await _urge(turn, condition, what)]


def _usage() -> Answer:
    return Answer("usage", {"command": "nhac", "examples": ["Sở Tài chính", "1901 III.1a"]})


async def _urge(turn: Turn, condition: ColumnElement[bool], what: str) -> Answer:
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
    listed = [each for each in visible.values() if may(turn.caller, "nhac", each.subject)]
    waiting = [each for each in listed if not _has_answered(turn, each.row)]
    by_holder: dict[int, list[VisibleObligation]] = {}
    for each in waiting:
        if each.subject.holder_id is not None:
            by_holder.setdefault(each.subject.holder_id, []).append(each)
    reminded_today = await _list_reminded_today(turn, by_holder)
    outcome = _Outcome()
    send_at = next_sending_at(turn.now, turn.registry.workdays)
    sent_on = civil_date(send_at)  # who is enrolled then
    focal_points = await list_recipients(turn.connection, by_holder, today=sent_on)
    coordinators = await list_recipients(
        turn.connection, by_holder, roles=("coordinator",), today=sent_on
    )
    for holder_id, entries in by_holder.items():
        chats = focal_points.get(holder_id) or coordinators.get(holder_id)
        name = entries[0].holder
        if holder_id in reminded_today:
            outcome.already.append(name)
        elif not chats:
            outcome.unreachable.append(name)
        else:
            shown = entries[:ITEMS_A_MESSAGE]
            for recipient in chats:
                await _enqueue_reminder(turn, recipient, shown, send_at)
            await turn.connection.execute(
                insert(JobRun).values(
                    job=URGE_JOB, subject=str(holder_id), run_on=turn.today, finished_at=turn.now
                )
            )
            outcome.sent.append(name)
            outcome.items += len(shown)
    return Answer(
        "urged",
        {
            "what": what,
            "sent": outcome.sent[:_MOST_NAMES],
            "sent_count": len(outcome.sent),
            "items": outcome.items,
            "already": outcome.already[:_MOST_NAMES],
            "already_count": len(outcome.already),
            "unreachable": outcome.unreachable[:_MOST_NAMES],
            "unreachable_count": len(outcome.unreachable),
            "answered": len(listed) - len(waiting),
            "later_on": civil_date(send_at).isoformat() if send_at > turn.now else "",
        },
    )


def _has_answered(turn: Turn, row: Any) -> bool:
    """Tell whether an open item was answered: acknowledged of late, blocked, disputed, extension asked."""
    acknowledged = row.acknowledged_until is not None and row.acknowledged_until >= turn.today
    if row.kind == UNDATED and row.progress is not None:
        return True  # its question asks for nothing more
    flags = (row.blocked_at, row.disputed_at, row.extension_asked_at)
    return acknowledged or any(at is not None for at in flags)


async def _list_reminded_today(turn: Turn, holder_ids: Sequence[int] | dict[int, Any]) -> set[int]:
    rows = await turn.connection.execute(
        select(JobRun.subject).where(JobRun.job == URGE_JOB, JobRun.run_on == turn.today)
    )
    return {int(subject) for subject in rows.scalars()} & set(holder_ids)


async def _enqueue_reminder(
    turn: Turn, recipient: Recipient, entries: Sequence[VisibleObligation], send_at: Any
) -> None:
    first = entries[0]
    code = first.holder_code or ""
    home = turn.registry.provinces[first.row.province]
    await enqueue(
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
