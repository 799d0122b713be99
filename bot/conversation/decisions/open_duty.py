"""Dates and duties that documents leave open: an ad-hoc report asked for, a proposed date confirmed.

Promises that both are decisions laid over the plan, so that planning and every re-load keep them, and
that the agencies concerned are told.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from sqlalchemy import select

from bot.conversation.context.lookup import (
    ask_choice,
    load_visible_plans,
    look_up_words,
    qualified_code,
)
from bot.conversation.context.scope import load_scope
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.decisions.common import deciding_agency, decision_notices
from bot.conversation.reader.dates import asked_until, whens
from bot.conversation.reader.tokens import prepare
from data.models import Obligation
from data.progress import decisions
from data.registry.province import is_alive
from data.registry.schema import GroupEntry, ReportDutyEntry
from data.rules.owners import duty_owners
from jobs.channel import Answer
from jobs.planning.materialise import materialise

DUTY_OPENING_ROLES = frozenset({"coordinator", "leader"})
LONGEST_WORDS = 300
_DATE = re.compile(r"\b\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{4})?\b")


async def answer_mo(turn: Turn) -> list[Answer]:
    """Answer /mo CODE DATE [AGENCY; AGENCY]: CONTENT: an ad-hoc report is asked for."""
    asked = await _parse_request(turn, "mo")
    if isinstance(asked, Answer):
        return [asked]
    plan, duty, due_on, rest = asked
    if duty.frequency != "ad_hoc":
        return [_help("mo", "not_ad_hoc", duty.code)]
    names, colon, content = rest.partition(":")
    content = " ".join(content.split())[:LONGEST_WORDS]
    if not colon or not content:
        return [_help("mo", "no_content", duty.code)]
    agencies = _agencies(turn, plan, duty, names)
    if isinstance(agencies, str):
        return [_help("mo", "no_agency", agencies)]
    if not agencies:
        return [_help("mo", "nobody", duty.code)]
    overlay = await decisions.load_overrides(turn.connection)
    before = overlay.opened.get((plan.code, duty.code), ())
    same = (tuple(agencies), due_on, content)
    if same in [(each.agencies, each.due_on, each.words) for each in before]:
        return [_help("mo", "already", content)]
    period = f"A{len(before) + 1}"
    await decisions.record_decision(
        turn.connection,
        decisions.OPEN_DUTY,
        plan_code=plan.code,
        subject=duty.code,
        details={
            "period": period,
            "agencies": agencies,
            "due_on": due_on.isoformat(),
            "words": content,
        },
        person_id=turn.caller.person_id,
        decided_by=deciding_agency(turn),
        now=turn.now,
    )
    known = await _plan_and_load(turn, plan, duty.code, period)
    context = {
        "what": "opened",
        "code": duty.code,
        "plan_number": plan.number,
        "due": due_on.isoformat(),
        "agencies": [entry.holder for entry in known],
        "content": content,
    }
    return [
        Answer("opened", context),
        *await decision_notices(turn, known, "opened", reason=content),
    ]


async def answer_han(turn: Turn) -> list[Answer]:
    """Answer /han CODE DATE: the proposed date of the next report of a duty is confirmed or set."""
    asked = await _parse_request(turn, "han")
    if isinstance(asked, Answer):
        return [asked]
    plan, duty, due_on, _ = asked
    rows = await turn.connection.execute(
        select(Obligation.period)
        .where(
            Obligation.plan_id == plan.id,
            Obligation.code == duty.code,
            Obligation.due_proposed,
            Obligation.state == "open",
            Obligation.due_on >= turn.today,
        )
        .order_by(Obligation.due_on)
        .limit(1)
    )
    period = rows.scalar_one_or_none()
    if period is None:
        return [_help("han", "not_proposed", duty.code)]
    await decisions.record_decision(
        turn.connection,
        decisions.CONFIRM_DATE,
        plan_code=plan.code,
        subject=duty.code,
        details={"period": period, "due_on": due_on.isoformat()},
        person_id=turn.caller.person_id,
        decided_by=deciding_agency(turn),
        now=turn.now,
    )
    known = await _plan_and_load(turn, plan, duty.code, period)
    context = {
        "what": "dated",
        "code": duty.code,
        "plan_number": plan.number,
        "due": due_on.isoformat(),
        "agencies": [entry.holder for entry in known],
        "content": "",
    }
    return [Answer("opened", context), *await decision_notices(turn, known, "dated")]


# ------------------------------------------------------------------ inside


async def _parse_request(
    turn: Turn, command: str
) -> tuple[Any, ReportDutyEntry, date, str] | Answer:
    """Return the plan, duty, date and the words after the date, or the answer that says what lacks."""
    match = _DATE.search(turn.words)
    if match is None:
        return _help(command, "no_date" if turn.words else "", turn.words)
    text = prepare(match[0])
    due_on = asked_until(whens(text.bare, turn.today, turn.registry.workdays), turn.today)
    if due_on is None or due_on < turn.today:
        return _help(command, "past", match[0])
    code = turn.words[: match.start()].strip()
    scope = await load_scope(turn, DUTY_OPENING_ROLES)
    found = await look_up_words(turn, scope, code) if code else None
    duties = [row for row in found.duties if row.plan_id in scope.plans] if found else []
    plans = await load_visible_plans(turn, scope)
    rest = turn.words[match.end() :].strip()
    if len(duties) > 1:
        tail = f"{match[0]} {rest}"
        choices = [
            (f"{qualified_code(row, plans)} {tail}", f"{qualified_code(row, plans)}: {row.title}")
            for row in duties
        ]
        return ask_choice(command, turn.words, choices)
    if not duties:
        return _help(command, "no_duty", code)
    plan = plans[duties[0].plan_id]
    mine = any(
        (e.role == "coordinator" and e.agency_id == plan.coordinator_id)
        or (e.role == "leader" and e.may_decide)
        for e in turn.caller.enrolments
    )
    file = turn.registry.plans.get(plan.code)
    if not mine or file is None:
        return Answer("cannot_decide", {"own": False, "coordinator": ""})
    duty = next(duty for duty in file.report_duties if duty.code == duties[0].code)
    return plan, duty, due_on, rest


def _agencies(turn: Turn, plan: Any, duty: ReportDutyEntry, names: str) -> list[str] | str:
    """Return the codes of the agencies named (none named: all that the duty names), or what is unknown."""
    file = turn.registry.plans[plan.code]
    home = turn.registry.provinces[file.province]
    if not names.strip():
        return duty_owners(home, file, duty, on=turn.today)
    codes: dict[str, None] = {}
    for name in filter(None, (part.strip() for part in names.split(";"))):
        group = home.resolve(name)
        if isinstance(group, GroupEntry):
            members = home.members(group, turn.today, issued_on=file.issued_on)
            codes.update(dict.fromkeys(entry.code for entry in members))
            continue
        heirs = {home.main_successor(e.code, turn.today) for e in home.find(name, on=turn.today)}
        alive = [code for code in heirs if is_alive(home.agencies[code], turn.today)]
        if len(alive) != 1:
            return name
        codes[alive[0]] = None
    return list(codes)


async def _plan_and_load(turn: Turn, plan: Any, code: str, period: str) -> list[VisibleObligation]:
    await materialise(turn.connection, turn.registry, today=turn.today, plan_code=plan.code)
    rows = await turn.connection.execute(
        select(Obligation.id)
        .where(
            Obligation.plan_id == plan.id,
            Obligation.code == code,
            Obligation.period == period,
            Obligation.state == "open",
        )
        .order_by(Obligation.id)
    )
    return list((await visible_obligations(turn, list(rows.scalars()))).values())


def _help(command: str, why: str, typed: str) -> Answer:
    return Answer("open_help", {"command": command, "why": why, "typed": typed})
