"""The pictures of a week's digest: which to draw, and which accounts can show them.

Guarantees: each picture is drawn once, in a thread, for all its chats; a failed one is logged and left out.
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

# Draws a coordinator's or the leaders' facts; None where they hold nothing to draw.
# Takes the facts, those of all plans, and the weeks of the plan that the facts name as "picture".
Draw = Callable[
    [ScopeFacts, Mapping[str, ScopeFacts], Sequence[tuple[date, ScopeFacts]]], bytes | None
]


async def load_plan_weeks(
    connection: AsyncConnection, province: str, facts: Mapping[ScopeKey, ScopeFacts], week_on: date
) -> dict[str, list[tuple[date, ScopeFacts]]]:
    """Return the weeks up to this one of the plans that pictures show."""
    wanted = {each["picture"] for each in facts.values() if each.get("picture")}
    weeks = {}
    for code in sorted(wanted):
        earlier = await kept_weeks.list_plan_week_facts(
            connection, province, code, until=week_on - timedelta(days=7)
        )
        weeks[code] = [*earlier, (week_on, facts["plan", code])]
    return weeks


async def draw_pictures(
    facts: Mapping[ScopeKey, ScopeFacts],
    letters: Sequence[Letter],
    weeks: Mapping[str, list[tuple[date, ScopeFacts]]],
    draw: Draw | None,
    account_ids: Collection[int],
) -> dict[ScopeKey, bytes]:
    """Draw the pictures that some letter can show, by the key of their facts.

    weeks: as load_plan_weeks returns them; account_ids: accounts that can show pictures.
    """
    pictures: dict[ScopeKey, bytes] = {}
    if draw is None:
        return pictures
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
            pictures[key] = picture
    return pictures


def accounts_with_pictures(
    capabilities: Mapping[int, Capabilities], *, has_address: bool
) -> set[int]:
    """Return the accounts that can show a picture: from its bytes, or from a public address."""
    return {
        account_id
        for account_id, channel in capabilities.items()
        if channel.max_caption > 0 or (channel.pictures_by_link and has_address)
    }


def picture_caption(pictured: ScopeFacts, facts: Mapping[ScopeKey, ScopeFacts]) -> dict[str, str]:
    """Return the values of a picture's caption: its name, and the number of its plan."""
    code = pictured.get("picture")
    number = facts["plan", code]["number"] if code else ""
    return {"name": pictured["name"], "number": number, "on": pictured["on"]}
