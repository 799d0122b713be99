"""/mo: open an ad-hoc report, or give a plan's agencies a task. /han: confirm or set a proposed date.

Guarantees:
- Both are decisions beside the plan's file, so that planning and every reload keep them.
- The agencies concerned get a notice.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from sqlalchemy import select

from bot.conversation.context.access import DECIDING_ROLES, may_decide_in_plan
from bot.conversation.context.deciding import deciding_role, refuse_plan_decision
from bot.conversation.context.lookup import (
    ask_choice,
    code_choices,
    load_visible_plans,
    look_up_words,
)
from bot.conversation.context.preview import Deed, do_or_preview
from bot.conversation.context.scope import load_scope
from bot.conversation.context.turn import Turn, visible_obligations
from bot.conversation.decisions.assignment import find_living_agencies
from bot.conversation.decisions.common import (
    decision_notices,
    outcome_context,
    record_callers_decision,
    undo_buttons,
)
from bot.conversation.decisions.deeds import deed_on_obligations
from bot.conversation.reader.dates import asked_until, is_too_far, whens
from bot.conversation.reader.tokens import prepare
from data.loading.load import load_duties
from data.loading.upsert import LoadResult
from data.models import Obligation
from data.progress import decisions, outcomes
from data.registry.agency_kinds import named_group
from data.registry.schema import GIVEN_CODE, GroupEntry, ReportDutyEntry
from data.rules.ladder import compute_due_date
from data.rules.owners import duty_owners, receivers_of
from jobs.channel import Answer
from jobs.planning.materialise import materialise

_LONGEST_CONTENT = 300
_SHOWN_FIRST = ("code", "plan_number", "due", "judged", "content")
_CODE_WORDS = re.compile(  # before a code or a plan's number
    r"^(?:(?:giao\s+thêm|giao\s+them|nhiệm\s+vụ|nhiem\s+vu|việc|viec|báo\s+cáo|bao\s+cao)\s+)+",
    re.IGNORECASE,
)
_DATE = re.compile(r"\b\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{4})?\b")


async def answer_mo(turn: Turn) -> list[Answer]:
    """Answer /mo CODE|PLAN DATE [AGENCY; AGENCY]: CONTENT: ask for an ad-hoc report, or give a task.

    Several agencies are shown first.
    """
    request = await _parse_request(turn, "mo")
    if isinstance(request, Answer):
        return [request]
    plan, duty, due_on, rest = request
    if duty.frequency != "ad_hoc":
        return [_help("mo", "not_ad_hoc", duty.code)]
    names, colon, content = rest.partition(":")
    content = " ".join(content.split())[:_LONGEST_CONTENT]
    if not colon or not content:
        return [_help("mo", "no_content", duty.code)]
    agencies = _parse_agencies(turn, plan, duty, names)
    if isinstance(agencies, str):
        return [_help("mo", "no_agency", agencies)]
    if not agencies:
        return [_help("mo", "nobody", duty.code)]
    await decisions.lock_plan(turn.connection, plan.id)
    before = await outcomes.list_decisions(
        turn.connection, decisions.OPEN_DUTY, plan_code=plan.code, subject=duty.code
    )
    numbered = await decisions.count_decisions(
        turn.connection, decisions.OPEN_DUTY, plan_code=plan.code, subject=duty.code
    )
    same = (agencies, due_on.isoformat(), content)
    for each in before:
        if tuple(each.details[name] for name in ("agencies", "due_on", "words")) == same:
            return [_help("mo", "already", content, outcomes.outcome_of_decision(each))]
    period = f"A{numbered + 1}"  # what was undone keeps its number
    details = {
        "period": period,
        "agencies": agencies,
        "due_on": due_on.isoformat(),
        "words": content,
    }

    what = "given" if duty.code == GIVEN_CODE else "opened"

    async def open_report() -> Deed:
        await _record(turn, decisions.OPEN_DUTY, plan, duty, details)
        return await _plan_and_announce(turn, plan, duty, period, due_on, what, content)

    return await do_or_preview(turn, "mo", open_report)


async def answer_han(turn: Turn) -> list[Answer]:
    """Answer /han CODE DATE: confirm or set the proposed date of a duty's next report.

    Where several agencies owe it, they are shown first.
    """
    request = await _parse_request(turn, "han")
    if isinstance(request, Answer):
        return [request]
    plan, duty, due_on, _ = request
    await decisions.lock_plan(turn.connection, plan.id)
    coming = await turn.connection.execute(
        select(Obligation.period, Obligation.due_on, Obligation.due_proposed).where(
            Obligation.plan_id == plan.id,
            Obligation.code == duty.code,
            Obligation.state == "open",
            Obligation.due_on >= turn.today,
        )
    )
    # The report meant is the one whose date is nearest: a date for one that has it already moves no other.
    nearest = min(coming, key=lambda row: (abs(row.due_on - due_on), row.due_on), default=None)
    if nearest is None:
        return [_help("han", "not_proposed", duty.code)]
    period = nearest.period
    if not nearest.due_proposed:
        dated = await outcomes.list_decisions(
            turn.connection, decisions.CONFIRM_DATE, plan_code=plan.code, subject=duty.code
        )
        of_it = [each for each in dated if each.details["period"] == period]
        decided = outcomes.outcome_of_decision(of_it[0]) if of_it else None
        return [_help("han", "not_proposed", duty.code, decided)]
    details = {"period": period, "due_on": due_on.isoformat()}

    async def date_report() -> Deed:
        await _record(turn, decisions.CONFIRM_DATE, plan, duty, details)
        return await _plan_and_announce(turn, plan, duty, period, due_on, "dated")

    return await do_or_preview(turn, "han", date_report)


async def _record(
    turn: Turn, kind: str, plan: Any, duty: ReportDutyEntry, details: dict[str, Any]
) -> None:
    await record_callers_decision(
        turn,
        kind,
        plan_code=plan.code,
        subject=duty.code,
        details=details,
        decided_by=_deciding_agency(turn, plan),
    )


def _deciding_agency(turn: Turn, plan: Any) -> str:
    province = turn.registry.plans[plan.code].province
    return deciding_role(turn, province=province, coordinator_id=plan.coordinator_id).agency


async def _parse_request(
    turn: Turn, command: str
) -> tuple[Any, ReportDutyEntry, date, str] | Answer:
    """Return the plan, duty, date and words after the date, or the answer that names what is missing."""
    match = _DATE.search(turn.words)
    if match is None:
        return _help(command, "no_date" if turn.words else "", turn.words)
    text = prepare(match[0])
    due_on = asked_until(whens(text.bare, turn.today, turn.registry.workdays), turn.today)
    if due_on is None or due_on < turn.today or is_too_far(due_on, turn.today):
        return _help(command, "past", match[0])
    code = _CODE_WORDS.sub("", turn.words[: match.start()].strip())
    scope = await load_scope(turn, DECIDING_ROLES)
    lookup = await look_up_words(turn, scope, code) if code else None
    duties = [row for row in lookup.duties if row.plan_id in scope.plans] if lookup else []
    plans = await load_visible_plans(turn, scope)
    rest = turn.words[match.end() :].strip()
    if len(duties) > 1:
        choices = code_choices(duties, plans, tail=f" {match[0]} {rest}")
        return ask_choice(command, turn.words, choices)
    followed = [row for row in lookup.plans if row.id in scope.plans] if lookup else []
    if duties:
        plan, named = plans[duties[0].plan_id], duties[0].code
    elif len(followed) == 1 and command == "mo":
        plan, named = followed[0], GIVEN_CODE
    else:
        return _help(command, "no_duty", code)
    file = turn.registry.plans.get(plan.code)
    if file is None or not may_decide_in_plan(
        turn.caller, plan.coordinator_id, province=file.province
    ):
        return refuse_plan_decision(None)
    duty = next(duty for duty in file.duties if duty.code == named)
    return plan, duty, due_on, rest


def _parse_agencies(turn: Turn, plan: Any, duty: ReportDutyEntry, names: str) -> list[str] | str:
    """Return the codes of the agencies named, or of all that the duty names; a str is an unknown name."""
    file = turn.registry.plans[plan.code]
    home = turn.registry.provinces[file.province]
    if not names.strip():
        return duty_owners(home, file, duty, on=turn.today)
    codes: dict[str, None] = {}
    receivers = receivers_of(home, file, duty, on=turn.today)
    for name in filter(None, (part.strip() for part in names.split(";"))):
        group, kind = home.resolve(name), named_group(name)
        if isinstance(group, GroupEntry):
            members = home.members(group, turn.today, issued_on=file.issued_on)
        elif kind is not None:
            members = home.members_of_group(kind, turn.today, issued_on=file.issued_on)
        else:
            members = find_living_agencies(turn, file.province, name)
            if len(members) != 1:
                return name
            codes[members[0].code] = None
            continue
        codes.update((entry.code, None) for entry in members if entry.code not in receivers)
    return list(codes)


async def _plan_and_announce(
    turn: Turn,
    plan: Any,
    duty: ReportDutyEntry,
    period: str,
    due_on: date,
    what: str,
    content: str = "",
) -> Deed:
    if duty.code == GIVEN_CODE:
        await load_duties(
            turn.connection,
            turn.registry,
            {plan.code: plan.id},
            overrides=await decisions.load_overrides(turn.connection),
            now=turn.now,
            result=LoadResult(),
        )
    await materialise(turn.connection, turn.registry, today=turn.today, plan_code=plan.code)
    rows = await turn.connection.execute(
        select(Obligation.id)
        .where(
            Obligation.plan_id == plan.id,
            Obligation.code == duty.code,
            Obligation.period == period,
            Obligation.state == "open",
        )
        .order_by(Obligation.id)
    )
    obligations = list((await visible_obligations(turn, list(rows.scalars()))).values())
    agencies = list(dict.fromkeys(each.holder for each in obligations))
    home = turn.registry.provinces[turn.registry.plans[plan.code].province]
    judged = compute_due_date(
        due_on, turn.registry.workdays, strictly=home.file.judged_strictly
    ).judged
    context: dict[str, object] = {
        "what": what,
        "code": duty.code,
        "plan_number": plan.number,
        "due": due_on.isoformat(),
        "judged": judged.isoformat() if judged != due_on else "",
        "agencies": agencies,
        "content": content,
    }
    notices = await decision_notices(turn, obligations, what, reason=content)
    return await deed_on_obligations(
        turn,
        what,
        {key: context[key] for key in _SHOWN_FIRST},
        obligations,
        [Answer("opened", context, buttons=await undo_buttons(turn)), *notices],
        [
            plan.code,
            duty.code,
            due_on,
            content,
            sorted(each.row.owner_code for each in obligations),
        ],
        is_small=len(agencies) <= 1,
    )


def _help(command: str, why: str, typed: str, decided: outcomes.Outcome | None = None) -> Answer:
    context: dict[str, object] = {"command": command, "why": why, "typed": typed}
    return Answer("open_help", {**context, "decided": outcome_context(decided)})
