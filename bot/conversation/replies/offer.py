"""The agency's answer to another date that the coordinator offered: take it, or keep the old one."""

from __future__ import annotations

from typing import Literal

from bot.conversation.context.access import may
from bot.conversation.context.deciding import list_decider_chats
from bot.conversation.context.turn import Turn, visible_obligations
from bot.conversation.decisions.extension import request_closed_answer
from data.progress import extensions
from data.progress.outcomes import find_decision
from jobs.channel import Answer
from jobs.planning.postpone import mark_rungs_told
from jobs.planning.rungs import recompute


async def accept_offered_date(turn: Turn, request_id: int) -> list[Answer]:
    """Take the date offered: it counts from now on."""
    return await _answer_offer(turn, request_id, "granted")


async def decline_offered_date(turn: Turn, request_id: int) -> list[Answer]:
    """Decline the date offered: the old one stays."""
    return await _answer_offer(turn, request_id, "withdrawn")


async def _answer_offer(
    turn: Turn, request_id: int, state: Literal["granted", "withdrawn"]
) -> list[Answer]:
    request = await extensions.lock_extension(turn.connection, request_id)
    visible = {} if request is None else await visible_obligations(turn, [request.obligation_id])
    if request is None or not visible:
        return [Answer("unknown_item")]
    obligation = visible[request.obligation_id]
    if not may(turn.caller, "more", obligation.subject):
        who = obligation.row.coordinator_name or ""
        return [Answer("not_allowed", {"why": "read_only", "coordinator": who, "command": ""})]
    offer = await find_decision(turn.connection, request.decision_id)
    if offer is not None and offer.person_id == turn.caller.person_id:
        who = obligation.row.coordinator_name or ""
        return [Answer("not_allowed", {"why": "own_offer", "coordinator": who, "command": ""})]
    if request.state != "offered" or obligation.row.state != "open":
        return [await request_closed_answer(turn, obligation, request)]
    await extensions.decide_extension(
        turn.connection,
        request_id,
        state,
        until=request.granted_until,
        decision_id=None,
        now=turn.now,
    )
    if state == "granted":
        await mark_rungs_told(turn.connection, turn.registry, obligation.id, today=turn.today)
    else:
        await recompute(turn.connection, turn.registry, [obligation.id], today=turn.today)
    now = (await visible_obligations(turn, [obligation.id]))[obligation.id]
    context: dict[str, object] = {
        "taken": state == "granted",
        "agency": obligation.holder,
        "item": now.as_item(turn, holder=""),
        "until": request.granted_until.isoformat(),
        "notice": False,
    }
    return [
        Answer("offer_answered", context, edits=turn.pressed_message_id),
        *(
            Answer("offer_answered", {**context, "notice": True}, to_chat=chat_id)
            for chat_id in await list_decider_chats(turn, obligation)
        ),
    ]
