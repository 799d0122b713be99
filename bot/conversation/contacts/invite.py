"""/donvi, /moi and /doi: who is reached where, letting somebody in, handing over.

Promises that a code is shown in a private chat alone, that a coordinator lets in no more than focal
points of its province and its own colleagues, and that nobody loses a chat before another has come in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from bot.conversation.context.lookup import ask_choice, find_agencies
from bot.conversation.context.pages import clamp_page, page_buttons, page_size, parse_page
from bot.conversation.context.turn import Turn
from data.clock import ZONE
from data.contacts import invitations, people
from data.contacts.enrolments import Role
from data.contacts.invite_links import InviteLink, list_invite_links
from data.text import fold
from jobs.channel import Answer
from jobs.delivery.usage import accounts_in_use

AGENCIES_A_PAGE = 20
_ROLES: dict[str, Role] = {
    "dau moi": "focal",
    "focal": "focal",
    "can bo theo doi": "coordinator",
    "theo doi": "coordinator",
    "coordinator": "coordinator",
    "lanh dao": "leader",
    "leader": "leader",
}
_LEAVE = re.compile(
    r"^(?:nghi|thay|vang)\b.*?\bden (?:het )?(?:ngay )?(\d{1,2}) (\d{1,2})(?: (\d{4}))?$"
)


# ------------------------------------------------------------------ agencies


async def answer_donvi(turn: Turn) -> list[Answer]:
    """Answer /donvi [AGENCY]: agencies with their chats and last sign of life, then the accounts.

    Those without any chat come first. Of one agency alone the accounts are left out.
    """
    words, page = parse_page(turn.words)
    chosen = await find_agencies(turn, words) if words else []
    if words and not chosen:
        return [Answer("nothing_found", {"words": words, "command": "donvi"})]
    provinces = dict.fromkeys(
        e.province for e in turn.caller.enrolments if e.role in ("coordinator", "leader")
    )
    rows: list[Any] = []
    for province in provinces:
        only = [row.id for row in chosen if row.province == province]
        if chosen and not only:
            continue
        rows += await people.list_agencies_with_chats(
            turn.connection, province, today=turn.today, agency_ids=only
        )
    at = clamp_page(len(rows), page, page_size(turn.max_length, AGENCIES_A_PAGE))
    asked = " ".join(fold(words).split())[:44]
    accounts: list[Any] = []
    if not words:
        accounts = await accounts_in_use(
            turn.connection, lambda use: turn.capabilities.get(use.account_id), today=turn.today
        )
    return [
        Answer(
            "donvi",
            {
                **at.context(),
                "words": words,
                "total": len(rows),
                "without": sum(not row.private + row.groups for row in rows),
                "may_invite": "coordinator" in turn.caller.roles(),
                "agencies": [_agency(row) for row in rows[at.offset : at.offset + at.size]],
                "accounts": accounts,
                "month": turn.today.month,
            },
            buttons=page_buttons("donvi", at.number, at.count, asked),
            edits=turn.pressed_message_id,
        )
    ]


def _agency(row: Any) -> dict[str, Any]:
    seen = row.last_seen_at.astimezone(ZONE).date().isoformat() if row.last_seen_at else ""
    return {
        "name": row.name,
        "private": row.private,
        "groups": row.groups,
        "gone": row.gone,
        "seen": seen,
    }


# ------------------------------------------------------------------ letting in


async def answer_moi(turn: Turn) -> list[Answer]:
    """Answer /moi AGENCY [role]: a one-use code, and where it can be used."""
    if turn.caller.in_group:
        return [Answer("private_only", {"command": "moi"})]
    words, role = _parse_role(turn.words)
    if not words:
        examples = ["Sở Tài chính", "Sở KH&CN theo dõi"]
        return [Answer("usage", {"command": "moi", "examples": examples})]
    # The provinces of which the caller is a coordinator; nothing is said of others.
    mine = {e.province: e for e in turn.caller.enrolments if e.role == "coordinator"}
    found = [row for row in await find_agencies(turn, words) if row.province in mine]
    if not found:
        return [Answer("nothing_found", {"words": words, "command": "moi"})]
    if len(found) > 1:
        tail = "" if role == "focal" else f" {role}"
        return [ask_choice("moi", words, [(row.code + tail, row.name) for row in found])]
    agency = found[0]
    own = {e.agency_id for e in turn.caller.enrolments if e.role == "coordinator"}
    if role == "leader" or (role == "coordinator" and agency.id not in own):
        return [Answer("moi_refused", {"role": role, "agency": agency.name})]
    code = await invitations.create_invitation(
        turn.connection, agency_id=agency.id, role=role, now=turn.now
    )
    context = {"kind": "invite", "role": role, "agencies": [agency.name]}
    return [await code_answer(turn, code, context, group=True)]


def _parse_role(words: str) -> tuple[str, Role]:
    """Return the agency's words and the role named after them, default a focal point."""
    tokens = words.split()
    for name, role in _ROLES.items():
        count = len(name.split())
        if len(tokens) > count and fold(" ".join(tokens[-count:])) == name:
            return " ".join(tokens[:-count]), role
    return words.strip(), "focal"


# ------------------------------------------------------------------ handing over


async def answer_doi(turn: Turn) -> list[Answer]:
    """Answer /doi: a code by which another takes over; "/doi nghỉ đến 5/12": one who stands in."""
    if turn.caller.in_group or turn.caller.person_id is None:
        return [Answer("private_only", {"command": "doi"})]
    until_on: date | None = None
    if turn.words:
        until_on = _leave_until(turn.words, turn.today)
        if until_on is None:
            return [Answer("usage", {"command": "doi", "examples": ["", "nghỉ đến 5/12"]})]
    code, every = await invitations.create_handover_code(
        turn.connection, person_id=turn.caller.person_id, until_on=until_on, now=turn.now
    )
    context = {
        "kind": "handover" if until_on is None else "stand_in",
        "role": "",
        "agencies": list(dict.fromkeys(each.agency for each in every)),
    }
    return [await code_answer(turn, code, context, group=False, until_on=until_on)]


def _leave_until(words: str, today: date) -> date | None:
    """Return the last day of a leave; without a year the next such day; None where none is told."""
    match = _LEAVE.match(fold(words))
    if match is None:
        return None
    try:
        if match[3]:
            until = date(int(match[3]), int(match[2]), int(match[1]))
        else:
            until = date(today.year, int(match[2]), int(match[1]))
            if until < today:
                until = until.replace(year=today.year + 1)
    except ValueError:
        return None
    return until if until >= today else None


def _qr(ways: Sequence[InviteLink]) -> dict[str, str] | None:
    """Return what a picture opens: first a bot where the code must be typed, for its link says less."""
    usable = sorted((way for way in ways if way.private), key=lambda way: not way.send)
    return {"link": usable[0].private, "send": usable[0].send} if usable else None


async def code_answer(
    turn: Turn, code: str, context: dict[str, Any], *, group: bool, until_on: date | None = None
) -> Answer:
    """Return the answer that shows a code, with the links that bring somebody to a bot."""
    ways = await list_invite_links(
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
            "links": [asdict(way) for way in ways],
            "qr": _qr(ways),
        },
        secret=True,
    )
