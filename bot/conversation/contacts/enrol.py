"""Enrolment of a chat: one-use codes, the welcome, the one text for strangers.

Guarantees:
- A chat that is not enrolled gets one fixed text: at most every ten minutes, after /start at most five in ten.
- A text that holds a code is answered; that a sender is locked is told twice in ten minutes.
- An answer to a wrong code never tells whether it exists, was used or has expired.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select, update

from bot.conversation.contacts.successor import show_what_is_open
from bot.conversation.context.turn import Turn
from data.contacts import invitations
from data.contacts.codes import find_codes
from data.contacts.enrolments import ActiveEnrolment
from data.contacts.handover import HANDOVER, LINK, Offer
from data.contacts.invitations import Redemption
from data.models import Chat, Enrolment, Message
from data.obligations.lists import list_coordinating_agencies
from data.privacy.removal import clear_after
from jobs.channel import Answer

GREET_EVERY = timedelta(minutes=10)
_MOST_STARTS = 5  # answers to /start in a chat within GREET_EVERY
_MOST_LOCKED = 2  # answers to a locked sender there, that which locks among them
_STRANGER, _LOCKED = "stranger", "code_locked"  # templates
# The outcome of a code (data.contacts.invitations) → the template of the refusal.
_REFUSALS = {
    "private_only": "code_private_only",
    "another": "code_another",
    "own": "code_own",
}


async def use_typed_codes(turn: Turn, text: str) -> list[Answer] | None:
    """Redeem the codes that a text holds; None for a text without one.

    What only looks like a code is one if it was ever made. Of several codes that may be used none is, for the
    text is a list of other people's; whatever else is wrong counts once.
    """
    is_alone_with_bot = turn.caller.is_stranger and not turn.caller.in_group
    found = find_codes(text, stranger=is_alone_with_bot)
    if not found:
        return None
    made = await invitations.load_made_codes(
        turn.connection, [each.code for each in found], now=turn.now
    )
    codes = [each.code for each in found if each.is_meant or each.code in made]
    if not codes:
        return None
    if await invitations.is_locked(turn.connection, turn.incoming, now=turn.now):
        is_told = await _count_recent_answers(turn, _LOCKED) >= _MOST_LOCKED
        return [] if is_told else [Answer(_LOCKED)]
    usable = [code for code in codes if made.get(code)]
    if len(usable) > 1:
        return [Answer("code_several")]
    for code in usable:
        redeemed = await invitations.redeem(
            turn.connection, code=code, chat=turn.chat, incoming=turn.incoming, now=turn.now
        )
        if redeemed.outcome != "wrong":
            return await _answer_redemption(turn, redeemed)
    locks = await invitations.record_wrong_code(turn.connection, turn.incoming, now=turn.now)
    return [Answer(_LOCKED if locks else "code_wrong")]


async def greet_stranger(turn: Turn, *, is_start: bool = False) -> list[Answer]:
    """Answer a chat that is not enrolled with the fixed text, unless it just got it.

    is_start: "/start", which people press again where nothing seemed to happen.
    """
    if not await may_greet(turn):
        is_told = not is_start or await _count_recent_answers(turn, _STRANGER) >= _MOST_STARTS
        return [] if is_told else [Answer(_STRANGER)]
    return [Answer(_STRANGER)]


async def may_greet(turn: Turn) -> bool:
    """Tell whether a fixed text may go to this chat, at most every ten minutes; True counts as sent."""
    last = turn.chat.greeted_at
    if last is not None and last <= turn.now < last + GREET_EVERY:  # no clock ahead counts
        return False
    await turn.connection.execute(
        update(Chat).where(Chat.id == turn.chat.id).values(greeted_at=turn.now)
    )
    return True


async def _count_recent_answers(turn: Turn, template: str) -> int:
    """Return how often a chat got an answer within GREET_EVERY."""
    count = await turn.connection.scalar(
        select(func.count()).where(
            Message.chat_id == turn.chat.id,
            Message.template == template,
            Message.created_at > turn.now - GREET_EVERY,
        )
    )
    return int(count or 0)


async def _answer_redemption(turn: Turn, redeemed: Redemption) -> list[Answer]:
    """Answer a code that is not wrong; the welcome names the agency, and the data that the bot keeps."""
    if redeemed.enrolled is None:
        return [Answer(_REFUSALS[redeemed.outcome])]
    await clear_after(turn.connection, redeemed.ended, now=turn.now)
    welcome = await _welcome(turn, redeemed.enrolled)
    if redeemed.handed_over is None:
        return [welcome, *await show_what_is_open(turn, redeemed.enrolled)]
    if redeemed.handed_over.kind == LINK:
        return [welcome, Answer("channel_added")]
    told = await _notify_giver(turn, redeemed.handed_over)
    return [welcome, *await show_what_is_open(turn, redeemed.enrolled, is_successor=True), *told]


async def _notify_giver(turn: Turn, offer: Offer) -> list[Answer]:
    """Notify the person who handed over, in their chats, that the code was used."""
    rows = await turn.connection.execute(
        select(Enrolment.chat_id).where(Enrolment.id.in_(offer.enrolment_ids)).distinct()
    )
    context: dict[str, object] = {"ended": offer.kind == HANDOVER}
    return [Answer("handed_over", context, to_chat=chat_id) for chat_id in rows.scalars()]


async def _welcome(turn: Turn, enrolled: ActiveEnrolment) -> Answer:
    names = await list_coordinating_agencies(turn.connection, enrolled.province)
    return Answer(
        "welcome",
        {
            "agency": enrolled.agency,
            "role": enrolled.role,
            "in_group": turn.caller.in_group,
            "on_behalf": names,
            "until": enrolled.until_on.isoformat() if enrolled.until_on is not None else "",
        },
    )
