"""Enrolment of a chat: one-use codes, the welcome, the one text for strangers.

Guarantees:
- A chat that is not enrolled gets one fixed text, at most every ten minutes.
- An answer to a wrong code never tells whether it exists, was used or has expired.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from bot.conversation.context.turn import Turn
from data.contacts import invitations
from data.contacts.enrolments import ActiveEnrolment
from data.contacts.handover import HANDOVER, LINK, Offer
from data.models import Agency, Chat, Enrolment, Plan
from jobs.channel import Answer

GREET_EVERY = timedelta(minutes=10)
# The outcome of a code (data.contacts.invitations) → the template of the refusal.
_REFUSALS = {
    "private_only": "code_private_only",
    "another": "code_another",
    "own": "code_own",
    "wrong": "code_wrong",
}


async def use_code(turn: Turn, code: str) -> list[Answer]:
    """Redeem a code; the welcome names the agency, and the data that the bot keeps."""
    redeemed = await invitations.redeem(
        turn.connection, code=code, chat=turn.chat, incoming=turn.incoming, now=turn.now
    )
    if redeemed.enrolled is not None:
        welcome = await _welcome(turn, redeemed.enrolled)
        if redeemed.handed_over is None:
            return [welcome]
        if redeemed.handed_over.kind == LINK:
            return [welcome, Answer("channel_added")]
        return [welcome, *await _notify_giver(turn, redeemed.handed_over)]
    template = _REFUSALS.get(redeemed.outcome)
    if template is not None:
        return [Answer(template)]
    already = turn.chat.locked_until is not None and turn.now < turn.chat.locked_until
    if already and not await may_greet(turn):
        return []
    return [Answer("code_locked")]


async def greet_stranger(turn: Turn) -> list[Answer]:
    """Answer a chat that is not enrolled with the fixed text, unless it just got it."""
    return [Answer("stranger")] if await may_greet(turn) else []


async def may_greet(turn: Turn) -> bool:
    """Tell whether a fixed text may go to this chat, at most every ten minutes; True counts as sent."""
    last = turn.chat.greeted_at
    if last is not None and turn.now < last + GREET_EVERY:
        return False
    await turn.connection.execute(
        update(Chat).where(Chat.id == turn.chat.id).values(greeted_at=turn.now)
    )
    return True


async def _notify_giver(turn: Turn, offer: Offer) -> list[Answer]:
    """Notify the person who handed over, in their chats, that the code was used."""
    rows = await turn.connection.execute(
        select(Enrolment.chat_id).where(Enrolment.id.in_(offer.enrolment_ids)).distinct()
    )
    context: dict[str, object] = {"ended": offer.kind == HANDOVER}
    return [Answer("handed_over", context, to_chat=chat_id) for chat_id in rows.scalars()]


async def _welcome(turn: Turn, enrolled: ActiveEnrolment) -> Answer:
    rows = await turn.connection.execute(
        select(Agency.name)
        .join(Plan, Plan.coordinator_id == Agency.id)
        .where(Plan.province == enrolled.province, Plan.withdrawn_at.is_(None))
        .distinct()
        .order_by(Agency.name)
    )
    return Answer(
        "welcome",
        {
            "agency": enrolled.agency,
            "role": enrolled.role,
            "in_group": turn.caller.in_group,
            "on_behalf": list(rows.scalars()),
        },
    )
