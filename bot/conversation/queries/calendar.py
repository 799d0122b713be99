"""/lich: due dates of an agency, or of a coordinator's plans, for a calendar program.

Guarantees:
- The secret address of the feed goes to private chats alone: members of a group would keep it after they left.
- One feed for each chat, person, agency and role; "/lich đổi" replaces it.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.conversation.context.access import ANSWERING_ROLES
from bot.conversation.context.turn import Turn
from data import files
from data.calendars import feeds
from data.contacts.enrolments import ActiveEnrolment
from data.text import fold
from jobs.calendars.entries import load_agenda
from jobs.calendars.ics import installation_id, render_ics
from jobs.channel import Answer

FILE_KEPT_DAYS = 7
_CHANGE = ("doi", "doi dia chi", "moi")


async def answer_lich(turn: Turn) -> list[Answer]:
    """Answer /lich: a calendar for each agency enrolled here; "/lich đổi": at a new address."""
    words = fold(turn.words)
    if words and words not in _CHANGE:
        return [Answer("usage", {"command": "lich", "examples": ["", "đổi"]})]
    ended = 0
    if words and _may_give_address(turn):
        ended = await feeds.end_feeds(
            turn.connection, chat_id=turn.chat.id, person_id=turn.caller.person_id, now=turn.now
        )
    return [
        await _calendar(turn, enrolled, changed=ended > 0) for enrolled in _list_enrolments(turn)
    ]


def _list_enrolments(turn: Turn) -> list[ActiveEnrolment]:
    """Return one enrolment for each agency; a coordinator's calendar includes the focal point's."""
    by_agency: dict[int, ActiveEnrolment] = {}
    for enrolled in turn.caller.enrolments:
        if enrolled.role in ANSWERING_ROLES and (
            enrolled.agency_id not in by_agency or enrolled.role == "coordinator"
        ):
            by_agency[enrolled.agency_id] = enrolled
    return list(by_agency.values())


def _may_give_address(turn: Turn) -> bool:
    """Tell whether the feed has a public address, and this chat only one reader."""
    return (
        _has_public_address(turn) and not turn.caller.in_group and turn.caller.person_id is not None
    )


def _has_public_address(turn: Turn) -> bool:
    return turn.links is not None and turn.links.base_url is not None


async def _calendar(turn: Turn, enrolled: ActiveEnrolment, *, changed: bool) -> Answer:
    coordinating = enrolled.role == "coordinator"
    agenda = await load_agenda(
        turn.connection,
        turn.registry,
        province=enrolled.province,
        agency=enrolled.agency_code,
        coordinating=coordinating,
        today=turn.today,
    )
    capabilities = turn.capabilities.get(turn.incoming.account_id)
    uploads = capabilities is not None and capabilities.max_caption > 0
    public = _has_public_address(turn)
    address = await _address(turn, enrolled)
    context: dict[str, object] = {
        "agency": agenda.agency,
        "coordinating": coordinating,
        "count": sum(not entry.cancelled for entry in agenda.entries),
        "until": agenda.until.isoformat(),
        "uploads": uploads,
        "days": FILE_KEPT_DAYS,
        "public": public,
        "in_group": turn.caller.in_group,
        "address": address,
        "changed": changed,
    }
    if uploads or public:
        key = turn.links.key if turn.links else await files.load_link_key(turn.connection)
        content = await asyncio.to_thread(
            render_ics,
            agenda,
            installation=installation_id(key),
            now=turn.now,
            templates=turn.templates,
        )
        context["attach"] = await files.store_file(
            turn.connection,
            name=f"lich-{enrolled.agency_code}.ics",
            mime=files.ICS,
            content=content,
            now=turn.now,
            retention=timedelta(days=FILE_KEPT_DAYS),
        )
    return Answer("calendar", context, secret=bool(address))


async def _address(turn: Turn, enrolled: ActiveEnrolment) -> str:
    """Return the secret address of the caller's feed, "" where the chat may not have it."""
    if not _may_give_address(turn) or turn.links is None:
        return ""
    feed_id = await feeds.find_or_create_feed(
        turn.connection,
        chat_id=turn.chat.id,
        person_id=turn.caller.person_id,
        agency_id=enrolled.agency_id,
        role=enrolled.role,
        today=turn.today,
        now=turn.now,
    )
    return turn.links.calendar_url(feed_id) or ""
