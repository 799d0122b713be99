"""The pictures that go with a week's digest: which are drawn, of what, for whom.

Promises that one is drawn once however many chats it goes to, in a thread and outside of any write
transaction, and that one that cannot be drawn is left out and logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from data.digests import kept_weeks
from data.digests.kept_weeks import ScopeFacts, ScopeKey
from data.log import get_logger
from jobs.channel import Capabilities
from jobs.digests.letters import Letter

_log = get_logger("digest")

# Draws what goes with a coordinator's or the leaders' facts, or returns None where nothing is to be drawn.
# Takes the facts, those of all plans, and the weeks of the plan that the facts name as "picture".
Draw = Callable[
    [ScopeFacts, Mapping[str, ScopeFacts], Sequence[tuple[date, ScopeFacts]]], bytes | None
]


async def load_plan_weeks(
    connection: AsyncConnection, province: str, facts: Mapping[ScopeKey, ScopeFacts], week_on: date
) -> dict[str, list[tuple[date, ScopeFacts]]]:
    """Return the weeks so far, this one too, of the plans of which pictures are drawn."""
    wanted = {each["picture"] for each in facts.values() if each.get("picture")}
    found = {}
    for code in sorted(wanted):
        earlier = await kept_weeks.list_plan_week_facts(
            connection, province, code, until=week_on - timedelta(days=7)
        )
        found[code] = [*earlier, (week_on, facts["plan", code])]
    return found


async def draw_pictures(
    facts: Mapping[ScopeKey, ScopeFacts],
    letters: Sequence[Letter],
    weeks: Mapping[str, list[tuple[date, ScopeFacts]]],
    draw: Draw | None,
    account_ids: Collection[int],
) -> dict[ScopeKey, bytes]:
    """Draw what some chat can be shown, each picture once, in a thread: it takes its time.

    weeks: as `weeks_of` returns them; showing: the accounts on which pictures can be shown.
    """
    found: dict[ScopeKey, bytes] = {}
    if draw is None:
        return found
    plans = {code: each for (scope, code), each in facts.items() if scope == "plan"}
    wanted = {
        letter.pictured
        for letter in letters
        if letter.pictured and letter.place.account_id in account_ids
    }
    for key in sorted(wanted):
        shown = facts[key]
        try:
            picture = await asyncio.to_thread(
                draw, shown, plans, weeks.get(shown.get("picture") or "", [])
            )
        except Exception:
            _log.exception("picture.failed", scope=key[0], code=key[1])
            continue
        if picture is not None:
            found[key] = picture
    return found


def accounts_with_pictures(
    capabilities: Mapping[int, Capabilities], *, has_address: bool
) -> set[int]:
    """Return the accounts on which a picture can be shown: by its bytes, or by a public address."""
    return {
        account_id
        for account_id, channel in capabilities.items()
        if channel.max_caption > 0 or (channel.pictures_by_link and has_address)
    }


def picture_caption(pictured: ScopeFacts, facts: Mapping[ScopeKey, ScopeFacts]) -> dict[str, str]:
    """Return what stands under a picture: whom it shows, or which plan."""
    code = pictured.get("picture")
    number = facts["plan", code]["number"] if code else ""
    return {"name": pictured["name"], "number": number, "on": pictured["on"]}
