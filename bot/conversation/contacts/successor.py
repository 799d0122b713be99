"""The handover card: what is open at an agency, for the person who takes it over from another.

Guarantees:
- It shows what the person may see from now on, and names nobody.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import exists, select

from bot.conversation.context.access import ANSWERING_ROLES, load_caller
from bot.conversation.context.deciding import caller_decides_condition
from bot.conversation.context.history_lines import describe_history
from bot.conversation.context.pages import page_size
from bot.conversation.context.scope import agency_names, caller_held_condition, owner_ids
from bot.conversation.context.turn import Turn, visible_obligations
from data.contacts.enrolments import ActiveEnrolment
from data.figures.agencies import load_agency_figures
from data.models import Enrolment, Obligation
from data.obligations import lists
from data.progress import explanations, extensions, submissions
from data.progress.history import load_history
from jobs.channel import Answer
from jobs.rendering.buttons import reminder_buttons

_ITEMS = 10
_TALKS = 6  # the latest of what was said about what is open
_LONGEST_WORDS = 150  # characters of what somebody typed


async def show_what_is_open(
    turn: Turn, enrolled: ActiveEnrolment, *, is_successor: bool = False
) -> list[Answer]:
    """Return the handover card of who was just enrolled; none for the first of an agency, or a group.

    is_successor: another person's enrolments were handed over.
    """
    if turn.caller.in_group or not (is_successor or await _had_others(turn, enrolled)):
        return []
    turn = replace(
        turn,
        caller=await load_caller(turn.connection, turn.incoming, turn.chat, today=turn.today),
    )
    answering = [e for e in turn.caller.enrolments if e.role in ANSWERING_ROLES]
    held = await caller_held_condition(turn, answering)
    total, later, _ = await lists.count_current(turn.connection, held, today=turn.today)
    ids = await lists.list_current_ids(
        turn.connection, held, today=turn.today, limit=page_size(turn.max_length, _ITEMS)
    )
    visible = await visible_obligations(turn, ids)
    items = [each.as_item(turn, number) for number, each in enumerate(visible.values(), 1)]
    owners = await owner_ids(turn, answering)
    distant = await lists.count_distant_tasks(turn.connection, owners, today=turn.today)
    open_ = held & (Obligation.state == "open")
    figures = await load_agency_figures(
        turn.connection, held, today=turn.today, workdays=turn.registry.workdays
    )
    asked = await explanations.list_open_explanations(turn.connection, open_)
    to_explain = await visible_obligations(turn, [row.obligation_id for row in asked])
    _, said = await load_history(turn.connection, open_, limit=2 * _TALKS)
    talks = page_size(turn.max_length, _TALKS)
    said = [row for row in said if not row.undone and row.what != "undo"][:talks]
    decides = await caller_decides_condition(turn)
    context: dict[str, object] = {
        "agencies": agency_names(turn.caller.enrolments),
        "today": turn.today.isoformat(),
        "items": items,
        "total": total,
        "later": later + distant,  # as /viec counts them
        "undated": len(await lists.list_undated_ids(turn.connection, held, today=turn.today)),
        "waiting": figures.waiting,
        "explanations": [
            {
                **to_explain[row.obligation_id].as_item(turn, 0),
                "question": row.question[:_LONGEST_WORDS],
                "by": row.asked_by,
            }
            for row in asked
            if row.obligation_id in to_explain
        ],
        "said": [
            {**line, "person": "", "note": line["note"][:_LONGEST_WORDS]}
            for line in describe_history(said)
        ],
        "to_confirm": len(await submissions.list_submitted_ids(turn.connection, decides)),
        "to_extend": len(await extensions.list_open_extensions(turn.connection, decides)),
    }
    if not any(context[key] for key in ("total", "undated", "waiting", "to_confirm", "to_extend")):
        return []
    return [
        Answer("handover_card", context, buttons=reminder_buttons(0, items), items=tuple(visible))
    ]


async def _had_others(turn: Turn, enrolled: ActiveEnrolment) -> bool:
    """Tell whether an agency had somebody else in this role before."""
    return bool(
        await turn.connection.scalar(
            select(
                exists().where(
                    Enrolment.agency_id == enrolled.agency_id,
                    Enrolment.role == enrolled.role,
                    Enrolment.chat_id != enrolled.chat_id,
                    Enrolment.person_id.is_not(None),
                )
            )
        )
    )
