"""/moi: a one-use code that enrols people of an agency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from bot.conversation.context.lookup import ask_choice, find_agencies
from bot.conversation.context.turn import Turn
from data.contacts import invitations
from data.contacts.enrolments import ActiveEnrolment, Role
from data.contacts.invite_links import InviteLink, list_invite_links
from data.contacts.people import load_person
from data.contacts.recipients import agency_recipients
from data.text import fold
from jobs.channel import Answer

_ROLES: dict[str, Role] = {
    "dau moi": "focal",
    "focal": "focal",
    "can bo theo doi": "coordinator",
    "theo doi": "coordinator",
    "coordinator": "coordinator",
    "lanh dao": "leader",
    "leader": "leader",
}


async def answer_moi(turn: Turn) -> list[Answer]:
    """Answer /moi AGENCY [role]: a one-use code, and the bots that accept it."""
    if turn.caller.in_group:
        return [Answer("private_only", {"command": "moi"})]
    words, role = _parse_role(turn.words)
    if not words:
        examples = ["Sở Tài chính", "Sở KH&CN theo dõi"]
        return [Answer("usage", {"command": "moi", "examples": examples})]
    coordinators = [e for e in turn.caller.enrolments if e.role == "coordinator"]
    provinces = {e.province for e in coordinators}
    agencies = [row for row in await find_agencies(turn, words) if row.province in provinces]
    if not agencies:
        return [Answer("nothing_found", {"words": words, "command": "moi"})]
    if len(agencies) > 1:
        tail = "" if role == "focal" else f" {role}"
        choices = [(row.typed + tail, f"{row.name}{row.place}") for row in agencies]
        return [ask_choice("moi", words, choices)]
    agency = agencies[0]
    own = [e for e in coordinators if e.agency_id == agency.id]
    if role == "leader" or (role == "coordinator" and not own):
        return [Answer("moi_refused", {"role": role, "agency": agency.name})]
    nearby = [e for e in coordinators if e.province == agency.province]
    maker = max(own or nearby, key=lambda e: (e.until_on or date.max, e.given_by_id is None))
    code = await invitations.create_invitation(
        turn.connection, agency_id=agency.id, role=role, made_by_id=maker.id, now=turn.now
    )
    context = {"kind": "invite", "role": role, "agencies": [agency.name]}
    return [
        await code_answer(turn, code, context, group=True),
        *await _notices(turn, agency, role, coordinators),
    ]


async def _notices(
    turn: Turn, agency: Any, role: Role, coordinators: Sequence[ActiveEnrolment]
) -> list[Answer]:
    """Tell the people of an agency that a code for it was made, by whom and for which role."""
    assert turn.caller.person_id is not None
    person = await load_person(turn.connection, turn.caller.person_id)
    own = [e for e in coordinators if e.agency_id == agency.id]
    maker = next(e for e in (*own, *coordinators) if e.province == agency.province)
    context: dict[str, object] = {
        "agency": agency.name,
        "role": role,
        "by": maker.agency,
        "person": person.name if person is not None else None,
        "days": invitations.CODE_DAYS,
    }
    everybody = ("focal", "coordinator", "leader")
    recipients = await agency_recipients(turn.connection, agency.id, everybody, today=turn.today)
    return [
        Answer("notice_code_made", context, secret=True, to_chat=to.chat_id)  # it names a person
        for to in recipients
        if to.chat_id != turn.chat.id
    ]


def _parse_role(words: str) -> tuple[str, Role]:
    """Return the agency's words, and the role after them, by default focal."""
    tokens = words.split()
    for name, role in _ROLES.items():
        count = len(name.split())
        if len(tokens) > count and fold(" ".join(tokens[-count:])) == name:
            return " ".join(tokens[:-count]), role
    return words.strip(), "focal"


async def code_answer(
    turn: Turn, code: str, context: dict[str, Any], *, group: bool, until_on: date | None = None
) -> Answer:
    """Show a code, with the links to the bots that accept it. group: it enrols groups too."""
    links = await list_invite_links(
        turn.connection,
        code,
        group=group,
        capabilities=lambda use: turn.capabilities.get(use.account_id),
        today=turn.today,
    )
    return Answer(
        "code_made",
        {
            **context,
            "code": code,
            "days": invitations.CODE_DAYS,
            "until": until_on.isoformat() if until_on else "",
            "links": [asdict(link) for link in links],
            "qr": _qr(links),
        },
        secret=True,
    )


def _qr(links: Sequence[InviteLink]) -> dict[str, str] | None:
    """Return the link of the QR picture; first a bot where the code must be typed, as its link lacks it."""
    usable = sorted((link for link in links if link.private), key=lambda link: not link.send)
    return {"link": usable[0].private, "send": usable[0].send} if usable else None
