"""/doi: hand one's enrolments over to a successor, or to a stand-in during a leave."""

from __future__ import annotations

import re
from datetime import date

from bot.conversation.contacts.invite import code_answer
from bot.conversation.context.turn import Turn
from bot.conversation.reader.dates import asked_until, is_too_far, whens
from bot.conversation.reader.tokens import prepare
from data.contacts import invitations
from data.contacts.enrolments import last_day
from data.text import fold
from jobs.channel import Answer

_LEAVE = re.compile(r"(?:nghi|thay|vang|di|om)\b.*?\b(?:den|toi|het|truoc)\b")


async def answer_doi(turn: Turn) -> list[Answer]:
    """Answer /doi: a code for a successor; "/doi nghỉ đến 5/12": a code for a stand-in until that day."""
    if turn.caller.in_group or turn.caller.person_id is None:
        return [Answer("private_only", {"command": "doi"})]
    until_on: date | None = None
    if turn.words:
        until_on = _parse_leave(turn)
        if until_on is None:
            return [Answer("usage", {"command": "doi", "examples": ["", "nghỉ đến 5/12"]})]
    code, enrolments = await invitations.create_handover_code(
        turn.connection, person_id=turn.caller.person_id, until_on=until_on, now=turn.now
    )
    lasts_until = last_day(enrolments, until_on)
    context = {
        "kind": "handover" if until_on is None else "stand_in",
        "role": "",
        "agencies": list(dict.fromkeys(each.agency for each in enrolments)),
    }
    return [await code_answer(turn, code, context, group=False, until_on=lasts_until)]


def _parse_leave(turn: Turn) -> date | None:
    """Return the last day of a leave, without a year the next such day; None for other words and far days."""
    if _LEAVE.match(fold(turn.words)) is None:
        return None
    found = whens(prepare(turn.words).bare, turn.today, turn.registry.workdays)
    if any(when.named == "length" for when in found):
        return None  # "nghỉ 5 ngày": from when?
    until = asked_until(found, turn.today)
    return None if until is None or is_too_far(until, turn.today) else until
