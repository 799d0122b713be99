"""Questions that the registry answers at once: the day, who gave it, to whom it goes, what it is about.

Guarantees:
- What is told is the document's own: its words of the date, its clause, its quote.
- What a question asks beyond that is passed on as well; nothing of it is recorded as an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.conversation.context.access import ANSWERING_ROLES, may
from bot.conversation.context.buttons import UNNUMBERED, ButtonRows, open_buttons
from bot.conversation.context.dialogs import open_question
from bot.conversation.context.scope import agency_names, caller_held_condition
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.decisions.forms import send_duty_forms
from bot.conversation.lists.last_list import ShownList, find_source_list
from bot.conversation.lists.numbers import resolve_number
from bot.conversation.lists.references import list_nameable_codes, resolve_reference
from bot.conversation.reader.topics import (
    Question,
    announces_question,
    asks_who_speaks,
    read_topics,
)
from bot.conversation.reader.understand import Understanding, understand_reply
from bot.conversation.replies.content import document_words, show_content
from bot.conversation.replies.questions import pass_question_on
from bot.conversation.replies.record import load_for_reply, reply_refusal
from bot.conversation.replies.show import ask_number, ask_with_items, ask_with_list
from data.obligations import lists
from data.registry.schema import ReportDutyEntry
from data.registry.short_names import cut_between_words
from data.text import fold
from jobs.channel import Answer, Button

QUESTION_TO_ASK = "question"
_MOST_TOLD = 5  # items in one answer
# Of more items these are told of the first, which are the most urgent; of other questions it is asked which.
_TOLD_OF_THE_FIRST = frozenset({"due", "giver", "receiver", "holder", "state", "follower"})
_LONGEST_QUOTE = 300  # characters
_STATEMENTS = frozenset(["status", "extension", "dispute", "acknowledge"])


async def answer_from_registry(
    turn: Turn, reading: Understanding, shown_list: ShownList | None
) -> list[Answer] | None:
    """Answer a question from the registry; None for other words, and for what it does not know."""
    text = turn.incoming.text
    if asks_who_speaks(text):
        return await tell_who_speaks(turn)
    if announces_question(text):
        only = None if shown_list is None else shown_list.only_item
        return await ask_for_question(turn, only or 0)
    asked = await _read_question(turn, reading)
    if asked is None:
        return None
    found = await find_asked_items(turn, asked, shown_list)
    if isinstance(found, Answer):
        return [found]
    numbers = dict(found)
    visible = await visible_obligations(turn, list(numbers))
    if not visible:
        return None
    return await _tell(turn, asked, list(visible.values()), numbers, shown_list)


async def ask_for_question(turn: Turn, obligation_id: int) -> list[Answer]:
    """Ask what the question is; the next words typed are it. obligation_id: 0 for none."""
    item = None
    if obligation_id:
        obligation = await load_for_reply(turn, "question", obligation_id)
        if isinstance(obligation, Answer):
            return [obligation]
        item = obligation.as_item(turn)
    await open_question(turn, QUESTION_TO_ASK, obligation_id=obligation_id or None)
    context: dict[str, object] = {"item": item, "in_group": turn.caller.in_group, **UNNUMBERED}
    return [Answer("ask_question", context)]


async def take_question(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Answer the question typed, or pass it on; None where the words report something instead."""
    reading = understand_reply(
        turn.incoming.text, today=turn.today, workdays=turn.registry.workdays
    )
    said = [reading.intent, *(task.intent for task in reading.tasks)]
    if _STATEMENTS.intersection(said) or dialog.obligation_id is None:
        return None
    obligation = await load_for_reply(turn, "question", dialog.obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    asked = await _read_question(turn, reading)
    if asked is None or asked.asks_more:
        return await pass_question_on(turn, [obligation], turn.incoming.text, None)
    return await _tell(turn, asked, [obligation], {obligation.id: 0}, None)


async def tell_who_speaks(turn: Turn) -> list[Answer]:
    """Say who sends these messages, on whose behalf, and to whom."""
    provinces = dict.fromkeys(enrolled.province for enrolled in turn.caller.enrolments)
    names: list[str] = []
    for province in provinces:
        names += await lists.list_coordinating_agencies(turn.connection, province)
    context: dict[str, object] = {
        "on_behalf": list(dict.fromkeys(names)),
        "agencies": agency_names(turn.caller.enrolments),
    }
    return [Answer("who_speaks", context)]


async def _read_question(turn: Turn, reading: Understanding) -> Question | None:
    """Return what words ask of the registry; None where they report something, or ask nothing of it."""
    said = [reading.intent, *(task.intent for task in reading.tasks)]
    if reading.intent == "multi":
        said = said[1:]
    if any(each not in ("question", "unclear") for each in said) or any(
        task.status for task in reading.tasks
    ):
        return None
    asked = read_topics(
        turn.incoming.text,
        codes=await list_nameable_codes(turn),
        is_question="question" in said,
    )
    return asked if asked.topics else None


async def find_asked_items(
    turn: Turn, asked: Question, shown_list: ShownList | None
) -> list[tuple[int, int]] | Answer:
    """Return (obligation id, number) of what a question is about, else ask which is meant.

    1. What it names by code or number.
    2. The one item shown, or replied to; of several shown those of the plan, kind or title that it names.
    3. Where nothing was shown, the current items of the caller's agencies.
    """
    if asked.codes or asked.numbers:  # 1
        return await _find_named(turn, asked, shown_list)
    if shown_list is not None:  # 2
        of_report = "form" in asked.topics and shown_list.is_opened
        source = await find_source_list(turn, shown_list)
        other = await _names_by_title(turn, asked, source) if shown_list.is_opened else None
        if shown_list.only_item is not None and not (asked.plan or of_report or other):
            return [(shown_list.only_item, shown_list.items[0][0])]
        pairs = [(key, number) for number, key in source.items]
    else:  # 3
        answering = [e for e in turn.caller.enrolments if e.role in ANSWERING_ROLES]
        if not answering:
            return []
        held = await caller_held_condition(turn, answering)
        ids = await lists.list_current_ids(turn.connection, held, today=turn.today)
        pairs = [(key, number) for number, key in enumerate(ids, 1)]
    visible = await visible_obligations(turn, [key for key, _ in pairs])
    meant = set(_narrowed(asked, list(visible.values())))
    pairs = [pair for pair in pairs if pair[0] in meant]
    if asked.topics == ("plan",):
        return pairs
    if len(pairs) > _MOST_TOLD and (asked.asks_more or set(asked.topics) - _TOLD_OF_THE_FIRST):
        if shown_list is None:
            return await ask_with_items(turn, "which_asked", [key for key, _ in pairs])
        return await ask_with_list(turn, "which_asked", shown_list)
    return pairs


async def _names_by_title(turn: Turn, asked: Question, source: ShownList) -> bool:
    """Tell whether a question names one item of a list by words of its title."""
    if asked.plan or "form" in asked.topics:
        return False
    visible = await visible_obligations(turn, source.obligation_ids)
    by_title = replace(asked, reports=False)
    return len(visible) > 1 and len(_narrowed(by_title, list(visible.values()))) == 1


async def _find_named(
    turn: Turn, asked: Question, shown_list: ShownList | None
) -> list[tuple[int, int]] | Answer:
    found: list[tuple[int, int]] = []
    listed = {} if shown_list is None else {key: number for number, key in shown_list.items}
    for code in asked.codes:
        meaning = await resolve_reference(turn, shown_list, code)
        periods = meaning.obligation_ids  # one report of several years: a question is about each
        each = 1 < len(periods) <= _MOST_TOLD and not meaning.is_doubtful
        if not meaning.is_sure and (not each or "form" in asked.topics):
            return await ask_number(turn, shown_list, meaning, None)
        found += [(obligation_id, listed.get(obligation_id, 0)) for obligation_id in periods]
    for number in asked.numbers:
        if shown_list is None:
            break
        meaning = await resolve_number(turn, shown_list, number)
        if not meaning.is_sure:
            return await ask_number(turn, shown_list, meaning, number)
        found.append((meaning.obligation_ids[0], number))
    return found


def _narrowed(asked: Question, visible: Sequence[VisibleObligation]) -> list[int]:
    """Return those of some obligations whose plan, kind or title a question names; all where it names none."""
    chosen = list(visible)
    if asked.plan:
        chosen = [e for e in chosen if str(e.row.plan_number).partition("/")[0] == asked.plan]
    if asked.reports or "form" in asked.topics:
        chosen = [e for e in chosen if e.row.kind in ("report", "one_off")] or chosen
    words = [word for word in asked.words if len(word) > 1]
    if len(words) > 1 and len(chosen) > 1:
        weights = {
            e.id: len(
                set(words) & set(fold(f"{e.row.task_title or ''} {e.row.duty_title or ''}").split())
            )
            for e in chosen
        }
        most = max(weights.values())
        if most > 1:
            chosen = [e for e in chosen if weights[e.id] == most]
    return [each.id for each in chosen]


async def _tell(
    turn: Turn,
    asked: Question,
    found: list[VisibleObligation],
    numbers: dict[int, int],
    shown_list: ShownList | None,
) -> list[Answer]:
    """Tell the facts of some obligations; of one alone with ways to more. What is asked beyond is passed on."""
    if asked.topics == ("content",) and len(found) == 1:
        return await show_content(turn, found[0].id, shown_list)
    one = found[0] if len(found) == 1 else None
    forms: list[Answer] = []
    if "form" in asked.topics:
        reports = {(e.row.plan_code, e.row.code): _duty_entry(turn, e) for e in found[:_MOST_TOLD]}
        for (plan_code, code), entry in reports.items():
            forms += await send_duty_forms(turn, plan_code, code) if entry is not None else []
    beyond = asked.asks_more or ("form" in asked.topics and not forms)
    passed: list[Answer] = []
    if beyond:
        mine = [each for each in found if reply_refusal(turn, "question", each) is None]
        if mine:
            passed = await pass_question_on(
                turn,
                mine,
                turn.incoming.text,
                shown_list,
                about_form="form" in asked.topics and not forms,
            )
    topics = [topic for topic in asked.topics if topic != "form"]
    if not topics:
        return [*forms, *passed]
    source = None if shown_list is None else await find_source_list(turn, shown_list)
    items = [_facts(turn, each, numbers[each.id]) for each in found[:_MOST_TOLD]]
    context: dict[str, object] = {
        "topics": topics,
        "items": items,
        "more": len(found) - len(items),
        "plans": _plans(turn, found),
        "passed": [] if not passed else passed[0].context["coordinators"],
        **({} if source is None else source.numbers),
    }
    buttons, ids = _choices(turn, one, items)
    if passed:
        buttons, ids = (), ()
    return [Answer("question_answered", context, buttons, items=ids), *forms, *passed[1:]]


def _choices(
    turn: Turn, one: VisibleObligation | None, items: list[dict[str, Any]]
) -> tuple[ButtonRows, tuple[int, ...]]:
    """Return the buttons and items of an answer.

    None of them records anything: who types "3" next means an item, and no "Đã xong" beneath this answer.
    """
    if one is None:
        numbered = all(item["number"] for item in items)
        return (open_buttons(items) if numbered else ()), tuple(item["id"] for item in items)
    more = [Button("Nội dung", f"text:{one.id}")]
    if may(turn.caller, "question", one.subject):
        more.append(Button("Hỏi cơ quan theo dõi", f"ask:{one.id}"))
    return (tuple(more),), (one.id,)


def _facts(turn: Turn, obligation: VisibleObligation, number: int) -> dict[str, Any]:
    """Return an item with what the plan's document says of it."""
    words = document_words(turn, obligation)
    plan = turn.registry.plans[obligation.row.plan_code]
    reported = []
    if not words["is_report"]:
        reported = [
            duty.to + (f" (qua {duty.via})" if duty.via else "")
            for duty in plan.report_duties
            if duty.frequency not in ("one_off", "ad_hoc")
        ]
    return {
        **obligation.as_item(turn, number),
        **{key: words[key] for key in ("is_report", "clause", "leads", "supports", "receiver")},
        "quote": cut_between_words(" ".join(words["text"].split()), _LONGEST_QUOTE),
        "reported_to": list(dict.fromkeys(reported))[:2],
        "held_by": obligation.holder,
    }


def _plans(turn: Turn, found: Sequence[VisibleObligation]) -> list[dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    for each in found:
        plan = turn.registry.plans[each.row.plan_code]
        told.setdefault(
            each.row.plan_code,
            {
                "code": each.row.plan_code,
                "number": plan.number,
                "issued": plan.issued_on.isoformat(),
                "title": plan.title,
                "signer": plan.signer,
                "coordinator": each.row.coordinator_name or "",
            },
        )
    return list(told.values())


def _duty_entry(turn: Turn, obligation: VisibleObligation) -> ReportDutyEntry | None:
    plan = turn.registry.plans[obligation.row.plan_code]
    return next((duty for duty in plan.duties if duty.code == obligation.row.code), None)
