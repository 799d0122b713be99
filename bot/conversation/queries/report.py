"""/baocao: request the consolidated report of a plan; the chat gets the file once it is made.

Guarantees:
- Only a caller who follows a plan gets its report.
- The same request twice makes one report (jobs/reports/requests.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from bot.conversation.context.access import DECIDING_ROLES
from bot.conversation.context.buttons import ButtonRows, command_button
from bot.conversation.context.lookup import ask_choice, look_up_words, short_plan_number
from bot.conversation.context.scope import CallerScope, load_scope
from bot.conversation.context.turn import Turn
from data.registry.titles import period_name
from data.reports import requests as report_requests
from data.reports.late_agencies import LATE_DAYS
from data.reports.period import next_report_period, read_report_period, span_of
from data.text import fold
from jobs.channel import Answer
from jobs.reports.make import SHEET, URGING, WORD
from jobs.reports.requests import REFUSED

_MOST_PLANS = 8
_LONGEST_NUMBER = 4  # words that may name a plan: "kế hoạch số 131"
# Folded words for a kind of file, longest first.
_FORMS = {
    "cong van don doc": URGING,
    "don doc": URGING,
    "cong van": URGING,
    "bang tinh": SHEET,
    "excel": SHEET,
    "xlsx": SHEET,
    "word": WORD,
    "docx": WORD,
}
_WORD = re.compile(r"\S+")
_LATE_DAYS = re.compile(r"(?:\btừ\s+)?\b(\d{1,3})\s*ngày(?:\s+làm việc)?\s*$", re.IGNORECASE)


async def answer_baocao(turn: Turn) -> list[Answer]:
    """Answer /baocao [PLAN [PERIOD] [excel | đôn đốc [n ngày]]]: request a report; alone, ask which plan."""
    scope = await load_scope(turn, DECIDING_ROLES)
    typed, late_days = _parse_late_days(turn.words)
    words, period, form = _parse_words(turn, typed)
    if form == URGING:
        period = str(late_days or LATE_DAYS)
    plans, unread = await _find_plans(turn, scope, words)
    if not plans and period is not None:  # "2026" may be a plan's number
        plans, unread = await _find_plans(turn, scope, turn.words)
        period = None if plans else period
    if not words and not plans:
        return [_ask_which_plan(turn, list(scope.plans.values()), period=period, asked=turn.words)]
    if not plans:
        return [Answer("nothing_found", {"words": words, "command": "baocao"})]
    if unread:
        return [_ask_which_plan(turn, plans, unread=unread)]
    if len(plans) > 1:
        options = [
            (f"{plan.code}{turn.words[len(words) :]}", f"{plan.number}: {plan.title}")
            for plan in plans
        ]
        return [ask_choice("baocao", words, options)]
    return [await _request_report(turn, plans[0], period or _default_period(turn, plans[0]), form)]


async def _find_plans(turn: Turn, scope: CallerScope, words: str) -> tuple[list[Any], str]:
    """Return the plans followed that words name, and the words after them that are not understood."""
    ends = [part.end() for part in _WORD.finditer(words)]
    for end in [*ends[-1:], *reversed(ends[:-1][:_LONGEST_NUMBER])]:
        lookup = await look_up_words(turn, scope, words[:end])
        plans = [plan for plan in lookup.plans if plan.id in scope.plans]
        if plans:
            return plans, words[end:].strip()
    return [], ""


async def _request_report(turn: Turn, plan: Any, period: str, form: str) -> Answer:
    context = {
        "number": plan.number,
        "period": "" if form == URGING else period_name(period),
        "form": form,
        "late_days": int(period) if form == URGING else 0,
        "as_of": turn.today.isoformat(),
    }
    if form != URGING and turn.today < span_of(period).first:
        return Answer(REFUSED, {**context, "reason": "Kỳ này chưa bắt đầu."})
    try:
        is_new = await report_requests.request_report(
            turn.connection,
            plan_id=plan.id,
            period=period,
            form=form,
            chat_id=turn.chat.id,
            person_id=turn.caller.person_id,
            now=turn.now,
        )
    except report_requests.TooManyReportsWaiting:
        most = report_requests.MAX_WAITING_REPORTS
        why = f"Đang chờ {most} báo cáo khác; đề nghị đợi nhận đủ rồi gửi tiếp."
        return Answer(REFUSED, {**context, "reason": why})
    return Answer("report_started", {**context, "again": not is_new})


def _ask_which_plan(
    turn: Turn, plans: list[Any], *, period: str | None = None, asked: str = "", unread: str = ""
) -> Answer:
    """Ask which plan is meant. asked: the words typed; unread: those not understood."""
    shown = [(plan, short_plan_number(plan, plans)) for plan in plans[:_MOST_PLANS]]
    buttons: ButtonRows = ()
    for plan, words in shown:
        buttons = (
            *buttons,
            *command_button(f"Kế hoạch {plan.number}", "baocao", f"{words} {asked}".strip()),
        )
    context = {
        "plans": [
            {
                "words": words,
                "title": plan.short or plan.title,
                "period": period_name(period or _default_period(turn, plan)),
            }
            for plan, words in shown
        ],
        "more": len(plans) - len(shown),
        "asked": asked,
        "unread": unread,
    }
    return Answer("report_plans", context, buttons=buttons)


def _default_period(turn: Turn, plan: Any) -> str:
    file = turn.registry.plans.get(plan.code)
    frequencies: Collection[str] = (
        {duty.frequency for duty in file.report_duties} if file is not None else ()
    )
    return next_report_period(frequencies, today=turn.today)


def _parse_words(turn: Turn, words: str) -> tuple[str, str | None, str]:
    """Return the plan's words, the period and the kind of file.

    Period and file follow the plan in either order; the file may also come before it.
    """
    rest, form = _parse_form(words)
    rest, period = _parse_period(turn, rest)
    if form is None:
        rest, form = _parse_form(rest)
    if form is None:
        for phrase, named_form in _FORMS.items():
            count = len(phrase.split())
            parts = list(_WORD.finditer(rest))[:count]
            if len(parts) == count and fold(rest[: parts[-1].end()]) == phrase:
                return rest[parts[-1].end() :].strip(), period, named_form
    return rest, period, form or WORD


def _parse_late_days(words: str) -> tuple[str, int | None]:
    """Return the words without the working days at their end, "10 ngày", that a letter begins from."""
    match = _LATE_DAYS.search(words)
    if match is None or int(match[1]) == 0:
        return words, None
    return words[: match.start()].strip(), int(match[1])


def _parse_form(words: str) -> tuple[str, str | None]:
    """Return the words without the kind of file at their end, and that kind."""
    for phrase, form in _FORMS.items():
        rest = _strip_phrase(words, phrase)
        if rest is not None:
            return rest, form
    return words.strip(), None


def _strip_phrase(words: str, phrase: str) -> str | None:
    """Return words without the folded phrase at their end; None if they end otherwise."""
    parts = list(_WORD.finditer(words))
    count = len(phrase.split())
    tail = parts[-count:]
    if len(tail) < count or fold(words[tail[0].start() :]) != phrase:
        return None
    return words[: tail[0].start()].strip()


def _parse_period(turn: Turn, words: str) -> tuple[str, str | None]:
    """Return the words without the longest period at their end, and that period."""
    for part in _WORD.finditer(words):
        period = read_report_period(words[part.start() :], today=turn.today)
        if period is not None:
            return words[: part.start()].strip(), period
    return words, None
