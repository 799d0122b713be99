"""/thongbao: a message of the coordinator to a plan's agencies, shown first, sent once, counted afterwards.

Guarantees:
- A plan has one announcement a day, and one more that corrects it ("Đính chính …").
- A chat gets it once, whatever agencies it is enrolled for; it waits for sending hours.
- It bears the coordinating agency's name; its words are shown as they were typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from bot.conversation.context.arguments import read_arguments
from bot.conversation.context.preview import Deed, do_or_preview
from bot.conversation.context.scope import CallerScope, load_scope
from bot.conversation.context.turn import Turn
from data.clock import civil_date, civil_time
from data.contacts.recipients import list_recipients
from data.job_runs import record_run
from data.models import LIVE_STATES, Agency, Obligation
from data.obligations.lists import last_current_day
from data.outbox.announcements import (
    ANNOUNCE,
    announcement_key,
    count_outcomes,
    list_announcements,
)
from data.outbox.messages import NOTICE, enqueue
from data.progress.decisions import record_decision
from data.registry.agency_kinds import AgencyGroup, group_of_kind
from data.secrecy import is_marked_secret
from data.text import fold
from jobs.channel import Answer
from jobs.delivery.sending_hours import next_sending_at

ANNOUNCEMENT = "announcement"  # template
SHORTEST, LONGEST = 10, 1000  # characters of an announcement
_LATEST = 5
_MOST_NAMES = 8
_LONGEST_HEAD = 80  # characters before the colon
_CORRECTS = "dinh chinh"
_SEPARATOR = re.compile(r"\s*[:\n]\s*")
_CODE = re.compile(r".*\d.*|.*\..*")
_MISSING = re.compile(r"\s+(?:cac (?:noi|co quan) )?chua (?:bao cao|nop)(?: bao cao)?(?=\s|$)")


@dataclass(frozen=True, slots=True)
class _Order:
    """An announcement: the plan, the report whose missing agencies are meant or None, a group, the words."""

    plan: Any
    duty: Any
    group: AgencyGroup | None
    text: str


async def answer_thongbao(turn: Turn) -> list[Answer]:
    """Answer /thongbao PLAN [CODE] [KIND]: WORDS; alone: what became of the latest announcements."""
    words = _full_words(turn)
    scope = await load_scope(turn, frozenset({"coordinator"}))
    if not words:
        return [await _show_latest(turn, scope)]
    order = await _parse(turn, scope, words)
    if order is None:
        examples = ["1901 Đề nghị cập nhật số liệu trước ngày 15/12/2026", "1901 các xã: nội dung",
                    "1901 BC.1: nội dung (gửi nơi chưa báo cáo)"]  # fmt: skip
        return [Answer("usage", {"command": "thongbao", "examples": examples})]
    if is_marked_secret(order.text):
        return [Answer("refused_secret")]
    if not SHORTEST <= len(order.text) <= LONGEST:
        return [_refusal(order, "length", length=len(order.text))]

    async def announce() -> Deed | list[Answer]:
        return await _announce(turn, order)

    return await do_or_preview(turn, "thongbao", announce, words=words)


def _full_words(turn: Turn) -> str:
    """Return the words after the command, which the router cuts, as they were typed."""
    typed = turn.incoming.text.strip().split(None, 1)
    full = typed[1].strip() if len(typed) > 1 else ""
    return full if turn.words and full.startswith(turn.words) else turn.words


async def _parse(turn: Turn, scope: CallerScope, words: str) -> _Order | None:
    """Read whom and what: the words before a colon or line, else the plan's number and maybe a report's code."""
    parts = _SEPARATOR.split(words, 1)
    if len(parts) == 2 and len(parts[0]) <= _LONGEST_HEAD:
        order = await _parse_head(turn, scope, parts[0], parts[1])
        if order is not None:
            return order
    tokens = words.split(None, 2)
    if len(tokens) == 3 and _CODE.fullmatch(tokens[1]):
        order = await _parse_head(turn, scope, " ".join(tokens[:2]), tokens[2])
        if order is not None:
            return order
    first, _, text = words.partition(" ")
    return await _parse_head(turn, scope, first, text)


async def _parse_head(turn: Turn, scope: CallerScope, head: str, text: str) -> _Order | None:
    asked = await read_arguments(turn, scope, _without_missing(head))
    if asked.found.tasks or asked.found.agencies:
        return None
    plans = [scope.plans[plan.id] for plan in asked.found.plans if plan.id in scope.plans]
    duties = [row for row in asked.found.duties if row.plan_id in scope.plans]
    if len(duties) == 1:
        return _Order(scope.plans[duties[0].plan_id], duties[0], asked.group, text.strip())
    if asked.found.is_empty and asked.group is not None:
        plans = list(scope.plans.values())
    return _Order(plans[0], None, asked.group, text.strip()) if len(plans) == 1 else None


def _without_missing(head: str) -> str:
    """Return the words without "chưa báo cáo", "các nơi chưa nộp", which a report's code says already."""
    words, folded = head.split(), f" {fold(head)}"
    found = _MISSING.search(folded)
    if found is None:
        return head
    start = len(folded[: found.start()].split())
    return " ".join((*words[:start], *words[start + len(found[0].split()) :]))


async def _announce(turn: Turn, order: _Order) -> Deed | list[Answer]:
    coordinator = next(
        e for e in turn.caller.enrolments
        if e.role == "coordinator" and e.agency_id == order.plan.coordinator_id
    )  # fmt: skip
    agencies = await _list_agencies(turn, order, coordinator.province)
    send_at = next_sending_at(turn.now, turn.registry.workdays)
    sent_on = civil_date(send_at)
    focal = await list_recipients(turn.connection, agencies, today=sent_on)
    others = await list_recipients(turn.connection, agencies, roles=("coordinator",), today=sent_on)
    chats: dict[int, tuple[int, list[int]]] = {}  # by chat: its account, the agencies it stands for
    for agency_id in agencies:
        for to in focal.get(agency_id) or others.get(agency_id) or ():
            if to.chat_id != turn.chat.id:
                chats.setdefault(to.chat_id, (to.account_id, []))[1].append(agency_id)
    reached = {agency_id for _, ids in chats.values() for agency_id in ids}
    silent = [
        row.name
        for agency_id, row in agencies.items()
        if not (focal.get(agency_id) or others.get(agency_id))
    ]
    if not chats:
        return [_refusal(order, "nobody", silent=len(silent))]
    corrects = fold(order.text).startswith(_CORRECTS)
    subject = f"{order.plan.id}{':sua' if corrects else ''}"
    if not await record_run(turn.connection, ANNOUNCE, subject, turn.today, now=turn.now):
        return [_refusal(order, "again" if corrects else "today")]
    later_on = sent_on.isoformat() if send_at > turn.now else ""
    announcement_id = await record_decision(
        turn.connection,
        ANNOUNCE,
        plan_code=order.plan.code,
        subject=order.duty.code if order.duty is not None else "",
        details={
            "text": order.text,
            "group": order.group or "",
            "chats": len(chats),
            "agencies": len(reached),
            "silent": len(silent),
        },
        person_id=turn.caller.person_id,
        decided_by=coordinator.agency,
        now=turn.now,
    )
    letters = [
        await _enqueue(turn, order, announcement_id, chat_id, account_id,
                       [agencies[key] for key in ids], coordinator.agency, send_at)
        for chat_id, (account_id, ids) in sorted(chats.items())
    ]  # fmt: skip
    about = {
        "plan_number": order.plan.number,
        "report": f"{order.duty.title} [{order.duty.code}]" if order.duty is not None else "",
        "group": order.group or "",
        "by": coordinator.agency,
        "chats": len(chats),
        "later_on": later_on,
    }
    context: dict[str, object] = {
        **about,
        "sent_count": len(reached),
        "silent": silent[:_MOST_NAMES],
        "silent_count": len(silent),
    }
    return Deed(
        [Answer("announced", context)],
        ANNOUNCE,
        about,
        [(row.province, row.code, row.name) for key, row in agencies.items() if key in reached],
        [
            order.text,
            order.plan.id,
            sorted((key, ids) for key, (_, ids) in chats.items()),
            later_on,
        ],
        letter=letters[0],
        silent=silent,
    )


async def _enqueue(
    turn: Turn,
    order: _Order,
    announcement_id: int,
    chat_id: int,
    account_id: int,
    agencies: list[Any],
    by: str,
    send_at: Any,
) -> Answer:
    context: dict[str, Any] = {
        "agencies": [row.name for row in agencies],
        "by": by,
        "plan_number": order.plan.number,
        "text": order.text,
    }
    await enqueue(
        turn.connection,
        account_id=account_id,
        chat_id=chat_id,
        template=ANNOUNCEMENT,
        context=context,
        priority=NOTICE,
        now=turn.now,
        send_at=send_at,
        agency_id=agencies[0].id,
        dedupe_key=announcement_key(announcement_id, chat_id),
    )
    return Answer(ANNOUNCEMENT, context)


async def _list_agencies(turn: Turn, order: _Order, province: str) -> dict[int, Any]:
    """Return the agencies that hold what is meant, by id in the official order; of a report those who still owe it."""
    condition: ColumnElement[bool] = Obligation.plan_id == order.plan.id
    if order.duty is None:
        condition &= Obligation.state.in_(LIVE_STATES)
    else:
        condition &= (
            (Obligation.duty_id == order.duty.id)
            & (Obligation.state == "open")
            & (Obligation.base_on <= last_current_day(turn.today))
        )
    rows = await turn.connection.execute(
        select(Agency.code, Obligation.kind)
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(condition)
        .distinct()
    )
    holders = {turn.holders(province).holder(row.code, row.kind) for row in rows} - {None}
    found = await turn.connection.execute(
        select(Agency.id, Agency.code, Agency.name, Agency.province, Agency.kind)
        .where(Agency.province == province, Agency.code.in_(sorted(filter(None, holders))))
        .order_by(Agency.position)
    )
    return {
        row.id: row
        for row in found
        if order.group is None or group_of_kind(row.kind) == order.group
    }


def _refusal(order: _Order, why: str, **details: Any) -> Answer:
    context: dict[str, object] = {
        "why": why,
        "plan_number": order.plan.number,
        "shortest": SHORTEST,
        "longest": LONGEST,
        "length": 0,
        "silent": 0,
    }
    return Answer("announce_refused", {**context, **details})


async def _show_latest(turn: Turn, scope: CallerScope) -> Answer:
    plans = {plan.code: plan for plan in scope.plans.values()}
    lines = []
    for row in await list_announcements(turn.connection, plans, most=_LATEST):
        outcomes = await count_outcomes(turn.connection, row.id)
        lines.append(
            {
                "plan_number": plans[row.plan_code].number,
                "code": row.subject,
                "group": row.details["group"],
                "on": civil_date(row.decided_at).isoformat(),
                "time": f"{civil_time(row.decided_at):%H:%M}",
                "text": " ".join(row.details["text"].split())[:80],
                "agencies": row.details["agencies"],
                "silent": row.details["silent"],
                **{key: outcomes[key] for key in ("sent", "waiting", "uncertain", "failed")},
            }
        )
    return Answer("announcements", {"lines": lines})
