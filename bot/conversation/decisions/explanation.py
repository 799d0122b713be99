"""Asking an agency to explain (giải trình), and filing what it answers.

Promises that the agency is asked in its own chats and nowhere else, that its answer is filed once, and
that whoever asked is told it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from bot.conversation.context.access import may
from bot.conversation.context.lookup import (
    LookupResult,
    ask_choice,
    list_choices,
    load_visible_plans,
    look_up_words,
)
from bot.conversation.context.notify import list_chats_to_notify
from bot.conversation.context.scope import CallerScope, agency_held_condition, load_scope
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.decisions.common import (
    list_other_agency_chats,
    open_decision_dialog,
    reopen_decision_dialog,
)
from bot.conversation.lists.last_list import ShownList
from bot.conversation.reader.understand import Understanding
from data.clock import civil_date
from data.models import Assignment, Obligation
from data.progress import explanations
from jobs.channel import Answer, Button

EXPLANATION_QUESTION = "explanation"
EXPLANATION_ASKING_ROLES = frozenset({"coordinator", "leader"})
MOST_ASKED = 10
MOST_LISTED = 20
MAX_EXPLANATION_LENGTH = 3000
_LONGEST_NAME = 12  # words
_LEAST_WORDS = 4  # of an explanation that nobody was asked to type just then


async def answer_giaitrinh(turn: Turn) -> list[Answer]:
    """Answer /giaitrinh [CODE|AGENCY [words]]: ask for what is late to be explained; alone, list."""
    scope = await load_scope(turn, EXPLANATION_ASKING_ROLES)
    if not turn.words:
        return [await _list(turn, scope)]
    words = turn.words.replace(":", " ").split()
    for cut in range(min(len(words), _LONGEST_NAME), 0, -1):
        named = " ".join(words[:cut])
        found = await look_up_words(turn, scope, named)
        if found.is_empty or found.plans:
            continue
        fits = [*found.tasks, *found.duties, *found.agencies]
        if len(fits) > 1:
            plans = await load_visible_plans(turn, scope)
            return [ask_choice("giaitrinh", named, list_choices(found, plans))]
        return await _request_explanations(
            turn, await _list_late(turn, scope, found), " ".join(words[cut:]), named
        )
    return [Answer("explain_none", {"typed": turn.words, "known": False})]


async def _list_late(
    turn: Turn, scope: CallerScope, found: LookupResult
) -> list[VisibleObligation]:
    """Return what is late of a task, report or agency, longest late first, as far as one may ask.

    Of an agency, not what had ended before its plan was tracked: that is asked about on its own page.
    """
    query = select(Obligation.id).where(
        Obligation.plan_id.in_(scope.plans),
        Obligation.state == "open",
        Obligation.judged_on < turn.today,
    )
    if found.tasks:
        on_it = select(Assignment.id).where(Assignment.task_id == found.tasks[0].id)
        query = query.where(Obligation.assignment_id.in_(on_it))
    elif found.duties:
        query = query.where(Obligation.duty_id == found.duties[0].id)
    else:
        agency = found.agencies[0]
        query = query.where(await agency_held_condition(turn, agency.province, agency.code))
    rows = await turn.connection.execute(query.order_by(Obligation.judged_on, Obligation.id))
    known = await visible_obligations(turn, list(rows.scalars()))
    late: list[VisibleObligation] = []
    for entry in known.values():
        line = entry.as_item(turn, 1)
        counts = line["late"] and not (found.agencies and line["ended"])
        if counts and may(turn.caller, "explain", entry.subject):
            late.append(entry)
    return late


async def _request_explanations(
    turn: Turn, late: Sequence[VisibleObligation], question: str, named: str
) -> list[Answer]:
    asked: list[dict[str, Any]] = []
    notices: list[Answer] = []
    silent: list[str] = []
    for known in late[:MOST_ASKED]:
        assert known.subject.holder_id is not None
        explanation_id = await explanations.request_explanation(
            turn.connection,
            obligation_id=known.row.id,
            agency_id=known.subject.holder_id,
            question=question,
            person_id=turn.caller.person_id,
            chat_id=turn.chat.id,
            now=turn.now,
        )
        if explanation_id is None:
            continue
        asked.append({**known.as_item(turn, len(asked) + 1), "holder": known.holder})
        chats = await list_other_agency_chats(turn, known.subject.holder_id)
        if not chats and known.holder not in silent:
            silent.append(known.holder)
        context: dict[str, object] = {
            "agency": known.holder,
            "item": {**known.as_item(turn, 1), "holder": ""},
            "question": question,
            "by": next((enrolled.agency for enrolled in turn.caller.enrolments), ""),
        }
        button = ((Button("Trả lời giải trình", f"explain:{explanation_id}"),),)
        notices.extend(
            Answer("notice_explain", context, button, items=(known.row.id,), to_chat=chat)
            for chat in chats
        )
    if not late:
        return [Answer("explain_none", {"typed": named, "known": True})]
    context = {"items": asked, "silent": silent, "more": max(0, len(late) - MOST_ASKED)}
    return [Answer("explain_asked", context), *notices]


async def _list(turn: Turn, scope: CallerScope) -> Answer:
    waiting = await explanations.list_open_explanations(
        turn.connection, Obligation.plan_id.in_(scope.plans)
    )
    shown = waiting[:MOST_LISTED]
    known = await visible_obligations(turn, [row.obligation_id for row in shown])
    items = [
        {
            **known[row.obligation_id].as_item(turn, number),
            "holder": known[row.obligation_id].holder,
            "question": row.question,
            "asked_at": civil_date(row.asked_at).isoformat(),
        }
        for number, row in enumerate(shown, 1)
        if row.obligation_id in known
    ]
    return Answer("explanations", {"items": items, "total": len(waiting)})


# ------------------------------------------------------------------ the agency answers


async def handle_explain(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    """Ask who pressed the button for the words of the explanation."""
    found = await _load_open_explanation(turn, key)
    if isinstance(found, Answer):
        return [found]
    return [await open_decision_dialog(turn, EXPLANATION_QUESTION, found[0], explanation=key)]


async def take_explanation(turn: Turn, dialog: Any) -> list[Answer]:
    """File the explanation typed, and tell it to who asked."""
    if len(turn.incoming.text.split()) < 2:
        return await reopen_decision_dialog(turn, dialog, "reason")
    return await file_typed_explanation(turn, dialog.details["explanation"])


def is_explanation(reading: Understanding) -> bool:
    """Tell whether words typed under a request to explain explain: some prose, and no other answer."""
    return (
        len((reading.note or "").split()) >= _LEAST_WORDS
        and not reading.tasks
        and reading.intent in ("unclear", "status")
        and reading.status != "completed"
    )


async def file_typed_explanation(turn: Turn, key: int) -> list[Answer]:
    """File what was typed as an explanation, and tell it to who asked."""
    words = turn.incoming.text.strip()[:MAX_EXPLANATION_LENGTH]
    found = await _load_open_explanation(turn, key)
    if isinstance(found, Answer):
        return [found]
    known, asked = found
    await explanations.record_explanation(
        turn.connection, key, words=words, person_id=turn.caller.person_id, now=turn.now
    )
    context: dict[str, object] = {
        "agency": known.holder,
        "item": {**known.as_item(turn, 1), "holder": ""},
        "question": asked.question,
        "words": words,
        "notice": False,
    }
    chats = dict.fromkeys((asked.asked_chat_id, *await list_chats_to_notify(turn, known)))
    return [
        Answer("explained", context),
        *(
            Answer("explained", {**context, "notice": True}, to_chat=chat)
            for chat in chats
            if chat is not None and chat != turn.chat.id
        ),
    ]


async def _load_open_explanation(turn: Turn, key: int) -> tuple[VisibleObligation, Any] | Answer:
    """Return an open question and its obligation if the caller answers for it, else why not."""
    asked = await explanations.find_explanation(turn.connection, key)
    known = await visible_obligations(turn, [asked.obligation_id]) if asked is not None else {}
    if asked is None or not known:
        return Answer("unknown_item")
    found = known[asked.obligation_id]
    if not may(turn.caller, "doing", found.subject):
        in_group = turn.caller.in_group and may(turn.caller, "ack", found.subject)
        why = "not_enrolled" if in_group else "read_only"
        who = found.row.coordinator_name or ""
        return Answer("not_allowed", {"why": why, "coordinator": who, "command": ""})
    if asked.state != "asked":
        return Answer("explanation_filed", {"item": found.as_item(turn, 1)})
    return found, asked
