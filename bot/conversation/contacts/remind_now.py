"""/nhac: reminding now those who have not answered.

Promises that whoever has answered is left in peace, that an agency is urged once a day at most, and
that nothing goes out outside sending hours; what waits is told. Sends nothing itself.
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
from jobs.rendering.renderer import REMINDER

URGE_JOB = "urge"
ITEMS_A_MESSAGE = 6  # the most urgent; /viec has the rest
_MOST_ITEMS = 2000
_MOST_NAMES = 8


@dataclass(slots=True)
class _UrgeResult:
    """What became of each agency: sent, already (today), no chat; and how many need no urging."""

    sent: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)
    items: int = 0


async def answer_nhac(turn: Turn) -> list[Answer]:
    """Answer /nhac AGENCY or CODE: who has not answered is reminded now; tells how many."""
    words = turn.words
    scope = await load_scope(turn, frozenset({"coordinator"}))
    if not words:
        return [_usage()]
    found = await look_up_words(turn, scope, words)
    rows = (*found.tasks, *found.duties)
    if found.plans:
        return [_usage()]
    if len(rows) + len(found.agencies) > 1:
        return [ask_choice("nhac", words, list_choices(found, found.visible_plans))]
    if not rows and not found.agencies:
        return [Answer("nothing_found", {"words": words, "command": "nhac"})]
    if rows:
        condition = in_task_condition(rows[0].id) if found.tasks else in_duty_condition(rows[0].id)
        what = f"{rows[0].title} [{rows[0].code}], Kế hoạch {rows[0].plan_number}"
    else:
        agency = found.agencies[0]
        condition = await agency_held_condition(turn, agency.province, agency.code)
        condition = condition & (Obligation.kind != UNDATED)  # of these one is urged by its code
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
    known = [
        entry
        for entry in (await visible_obligations(turn, ids)).values()
        if may(turn.caller, "nhac", entry.subject)
    ]
    waiting = [entry for entry in known if not _has_answered(turn, entry.row)]
    by_holder: dict[int, list[VisibleObligation]] = {}
    for entry in waiting:
        if entry.subject.holder_id is not None:
            by_holder.setdefault(entry.subject.holder_id, []).append(entry)
    reached = await list_recipients(turn.connection, by_holder)
    steering = await list_recipients(turn.connection, by_holder, roles=("coordinator",))
    done = await _urged_today(turn, by_holder)
    result = _UrgeResult()
    send_at = next_sending_at(turn.now, turn.registry.workdays)
    for holder_id, entries in by_holder.items():
        chats = reached.get(holder_id) or steering.get(holder_id)
        name = entries[0].holder
        if holder_id in done:
            result.already.append(name)
        elif not chats:
            result.unreachable.append(name)
        else:
            shown = entries[:ITEMS_A_MESSAGE]
            for place in chats:
                await _enqueue_reminder(turn, place, shown, send_at)
            await turn.connection.execute(
                insert(JobRun).values(
                    job=URGE_JOB, subject=str(holder_id), run_on=turn.today, finished_at=turn.now
                )
            )
            result.sent.append(name)
            result.items += len(shown)
    return Answer(
        "urged",
        {
            "what": what,
            "sent": result.sent[:_MOST_NAMES],
            "sent_count": len(result.sent),
            "items": result.items,
            "already": result.already[:_MOST_NAMES],
            "already_count": len(result.already),
            "unreachable": result.unreachable[:_MOST_NAMES],
            "unreachable_count": len(result.unreachable),
            "answered": len(known) - len(waiting),
            "later_on": civil_date(send_at).isoformat() if send_at > turn.now else "",
        },
    )


def _has_answered(turn: Turn, row: Any) -> bool:
    """Tell whether an open item was answered: received lately, blocked, disputed or more time asked."""
    held = row.acknowledged_until is not None and row.acknowledged_until >= turn.today
    if row.kind == UNDATED and row.progress is not None:
        return True  # its state is all that was asked
    flags = (row.blocked_at, row.disputed_at, row.extension_asked_at)
    return held or any(at is not None for at in flags)


async def _urged_today(turn: Turn, holder_ids: Sequence[int] | dict[int, Any]) -> set[int]:
    rows = await turn.connection.execute(
        select(JobRun.subject).where(JobRun.job == URGE_JOB, JobRun.run_on == turn.today)
    )
    return {int(subject) for subject in rows.scalars()} & set(holder_ids)


async def _enqueue_reminder(
    turn: Turn, place: Recipient, entries: Sequence[VisibleObligation], send_at: Any
) -> None:
    first = entries[0]
    code = first.holder_code or ""
    home = turn.registry.provinces[first.row.province]
    await enqueue(
        turn.connection,
        account_id=place.account_id,
        chat_id=place.chat_id,
        template=REMINDER,
        context={
            "agency": first.holder,
            "agency_code": code,
            "asked": bool(code) and home.is_outside(code),
            "left_out": 0,
            "undecided": [entry.row.id for entry in entries if entry.holder_code is None],
            "silent": [],
        },
        items=[(entry.row.id, None) for entry in entries],
        priority=NOTICE,
        now=turn.now,
        send_at=send_at,
        agency_id=first.row.agency_id,
    )
