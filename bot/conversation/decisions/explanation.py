"""/giaitrinh: ask agencies to explain (giải trình) late obligations, and list the open requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from bot.conversation.context.access import DECIDING_ROLES
from bot.conversation.context.arguments import (
    Arguments,
    asked_condition,
    list_argument_choices,
    read_arguments,
)
from bot.conversation.context.buttons import UNNUMBERED
from bot.conversation.context.deciding import deciding_role, find_decidable_ids
from bot.conversation.context.lookup import ask_choice
from bot.conversation.context.preview import Deed, do_or_preview
from bot.conversation.context.scope import CallerScope, load_scope
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.decisions.common import (
    list_other_agency_chats,
    outcome_context,
    record_callers_decision,
    undo_buttons,
)
from bot.conversation.decisions.deeds import deed_on_obligations
from data.clock import civil_date
from data.db.statements import chunks
from data.figures.states import overdue_condition
from data.models import Obligation
from data.progress import decisions, explanations
from data.progress.outcomes import Outcome
from data.progress.replies import lock_obligations
from data.registry.agency_kinds import AgencyGroup, group_of_kind
from jobs.channel import Answer, Button
from jobs.rendering.buttons import number_rows

_MOST_SHOWN = 10
_MOST_LISTED = 20
_LONGEST_NAME = 12  # words
_ITEMS_A_NOTICE = 8  # what 2,000 characters hold


async def answer_giaitrinh(turn: Turn) -> list[Answer]:
    """Answer /giaitrinh [PLAN | CODE | AGENCY] [PERIOD] [KIND] [words]: ask for explanations.

    Several are shown first. Alone, it lists the open requests.
    """
    scope = await load_scope(turn, DECIDING_ROLES)
    if not turn.words:
        return [await _list_open_requests(turn, scope)]
    before, _, after = turn.words.partition(":")
    words = before.split()
    for cut in range(min(len(words), _LONGEST_NAME), 0, -1):
        named = " ".join(words[:cut])
        asked = await read_arguments(turn, scope, named)
        if asked.is_empty:
            continue
        if not asked.is_one:
            return [ask_choice("giaitrinh", named, list_argument_choices(asked))]
        question = " ".join([*words[cut:], *after.split()])
        return await _ask_or_preview(turn, scope, asked, question)
    return [Answer("explain_none", {"typed": turn.words, "group": "", "known": False})]


async def _ask_or_preview(
    turn: Turn, scope: CallerScope, asked: Arguments, question: str
) -> list[Answer]:
    about = {"what": asked.name(), "group": asked.group or ""}

    async def ask() -> Deed | list[Answer]:
        late = [
            each
            for each in await _list_late(turn, scope, asked)
            if asked.group is None or asked.group == _group_of(turn, each)
        ]
        return await _request_explanations(turn, late, question, about)

    return await do_or_preview(turn, "giaitrinh", ask)


def _group_of(turn: Turn, each: VisibleObligation) -> AgencyGroup | None:
    if each.holder_code is None:
        return None
    home = turn.registry.provinces[each.row.province]
    return group_of_kind(home.agencies[each.holder_code].kind)


async def _list_late(turn: Turn, scope: CallerScope, asked: Arguments) -> list[VisibleObligation]:
    """Return the late obligations of what is asked about that the caller may ask to explain, longest late first.

    Phases that ended before their plan was tracked need their code.
    """
    query = select(Obligation.id).where(
        await asked_condition(turn, scope, asked),
        overdue_condition(turn.registry.workdays.on_or_before(turn.today)),
    )
    query = query.order_by(Obligation.judged_on, Obligation.id)
    await lock_obligations(turn.connection, (await turn.connection.scalars(query)).all())
    ids = (await turn.connection.scalars(query)).all()  # some may be answered since
    decidable = await find_decidable_ids(turn, ids, "explain")
    late = await visible_obligations(turn, [key for key in ids if key in decidable])
    return [each for each in late.values() if asked.coded or not each.as_item(turn)["ended"]]


async def _request_explanations(
    turn: Turn, late: Sequence[VisibleObligation], question: str, about: dict[str, str]
) -> Deed | list[Answer]:
    asked: list[VisibleObligation] = []
    before: list[dict[str, Any]] = []
    requests: dict[tuple[int, str], list[tuple[VisibleObligation, int]]] = {}
    for obligation in late:
        row = obligation.row
        by = deciding_role(
            turn, province=row.province, coordinator_id=row.coordinator_id, action="explain"
        ).agency
        assert obligation.subject.holder_id is not None
        explanation_id = await explanations.request_explanation(
            turn.connection,
            obligation_id=obligation.id,
            agency_id=obligation.subject.holder_id,
            question=question,
            asked_by=by,
            person_id=turn.caller.person_id,
            chat_id=turn.chat.id,
            now=turn.now,
        )
        if explanation_id is None:
            open_one = await explanations.find_open_explanation(turn.connection, obligation.id)
            assert open_one is not None
            outcome = Outcome("explain", open_one.asked_by, open_one.asked_at)
            line = obligation.as_item(turn, holder=obligation.holder)
            before.append({**line, "decided": outcome_context(outcome)})
            continue
        await record_callers_decision(
            turn,
            decisions.EXPLAIN,
            plan_code=row.plan_code,
            subject=row.code,
            details={**decisions.decision_details(row), "explanation": explanation_id},
            decided_by=by,
        )
        asked.append(obligation)
        key = (obligation.subject.holder_id, by)
        requests.setdefault(key, []).append((obligation, explanation_id))
    if not late:
        return [
            Answer("explain_none", {"typed": about["what"], "group": about["group"], "known": True})
        ]
    notices: list[Answer] = []
    for (holder_id, by), entries in requests.items():
        notices += await _notices(turn, holder_id, by, question, entries)
    shown: dict[str, object] = {
        "items": [
            each.as_item(turn, number, holder=each.holder)
            for number, each in enumerate(asked[:_MOST_SHOWN], 1)
        ],
        "before": before[:_MOST_SHOWN],
        "silent": [],
        "more": max(0, len(asked) - _MOST_SHOWN),
        "before_more": max(0, len(before) - _MOST_SHOWN),
    }
    if not asked:
        return [Answer("explain_asked", shown)]
    deed = await deed_on_obligations(
        turn,
        "explain",
        {**about, "count": len(asked), "before": len(before)},
        asked,
        [Answer("explain_asked", shown, buttons=await undo_buttons(turn)), *notices],
        [question, [each.id for each in asked]],
        is_small=len(asked) == 1,
    )
    shown["silent"] = list(deed.silent)
    return deed


async def _notices(
    turn: Turn,
    holder_id: int,
    by: str,
    question: str,
    entries: Sequence[tuple[VisibleObligation, int]],
) -> list[Answer]:
    """Return the request for each chat of an agency: one message, or more where it would grow too long.

    entries: the obligations with their explanations' ids. Of several, a number answers one.
    """
    notices: list[Answer] = []
    chats = await list_other_agency_chats(turn, holder_id)
    for few in chunks(entries, _ITEMS_A_NOTICE):
        alone = len(few) == 1
        context: dict[str, object] = {
            "agency": few[0][0].holder,
            "items": [each.as_item(turn, n, holder="") for n, (each, _) in enumerate(few, 1)],
            "question": question,
            "by": by,
            **(UNNUMBERED if alone else {}),
        }
        buttons = [
            Button("Trả lời giải trình" if alone else str(number), f"explain:{key}")
            for number, (_, key) in enumerate(few, 1)
        ]
        ids = tuple(each.id for each, _ in few)
        notices += [
            Answer("notice_explain", context, number_rows(buttons), items=ids, to_chat=chat)
            for chat in chats
        ]
    return notices


async def _list_open_requests(turn: Turn, scope: CallerScope) -> Answer:
    waiting = await explanations.list_open_explanations(
        turn.connection, Obligation.plan_id.in_(scope.plans)
    )
    shown = waiting[:_MOST_LISTED]
    visible = await visible_obligations(turn, [row.obligation_id for row in shown])
    items = [
        {
            **visible[row.obligation_id].as_item(
                turn, number, holder=visible[row.obligation_id].holder
            ),
            "question": row.question,
            "asked_at": civil_date(row.asked_at).isoformat(),
        }
        for number, row in enumerate(shown, 1)
        if row.obligation_id in visible
    ]
    return Answer("explanations", {"items": items, "total": len(waiting)})
