"""The weekly digest as the second part of the first morning of a province's week.

Guarantees:
- A chat is told of a week once; where the message never left, the next morning of the week tells it.
- The facts are computed, and pictures drawn, outside the morning's transaction; a failure costs only the part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.db.database import Database
from data.db.errors import DATABASE_ERRORS, describe_fault
from data.digests import kept_weeks
from data.digests.kept_weeks import ScopeFacts, ScopeKey, monday_of
from data.log import get_logger
from data.registry.registry import Registry
from jobs.channel import Capabilities
from jobs.digests.compose import compose_digest
from jobs.digests.letters import Letter, build_letters, weekly_part, weigh_part
from jobs.digests.pictures import (
    Draw,
    accounts_with_pictures,
    draw_pictures,
    load_plan_weeks,
    picture_caption,
)
from jobs.digests.records import ProvinceDigest, store_digest_facts, store_pictures

_log = get_logger("digest")


@dataclass(frozen=True, slots=True)
class PreparedWeek:
    """A province's digest that no chat was told yet, with its pictures and the accounts that show them."""

    digest: ProvinceDigest
    pictures: Mapping[ScopeKey, bytes]
    account_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class WeekTold:
    """What the chats of a province are told of a week this morning. files: pictures by their facts' key."""

    week_on: date
    facts: Mapping[ScopeKey, ScopeFacts] = field(default_factory=dict)
    letters: Mapping[int, Letter] = field(default_factory=dict)  # by chat
    files: Mapping[ScopeKey, int] = field(default_factory=dict)
    account_ids: frozenset[int] = frozenset()

    def weight(self, letter: Letter, told: set[int]) -> int:
        """Return at least the characters of a letter's whole part."""
        return weigh_part([self.facts[key] for key in letter.keys], told)

    def part(self, letter: Letter, told: set[int], room: int) -> dict[str, Any] | None:
        """Return the context of a letter's part in so many characters, without what is told above it."""
        parts = [self.facts[key] for key in letter.keys]
        context = weekly_part(parts, week_on=self.week_on, told=told, room=room)
        if context is None:
            return None
        key = letter.pictured
        if key is None or key not in self.files or letter.place.account_id not in self.account_ids:
            return context
        caption = picture_caption(self.facts[key], self.facts)
        return {**context, "picture": self.files[key], "caption": caption}


async def prepare_week(
    database: Database,
    registry: Registry,
    province: str,
    *,
    now: datetime,
    accounts: Sequence[dict[str, Any]],
    capabilities: Mapping[int, Capabilities],
    draw: Draw | None,
    has_address: bool,
) -> PreparedWeek | None:
    """Compute a province's digest; None where its week was told, or where it cannot be computed now.

    draw: None for no pictures; has_address: files are reachable at a public address.
    """
    week_on = monday_of(civil_date(now))
    try:
        async with database.read() as connection:
            if province in await kept_weeks.list_provinces_begun(connection, week_on):
                return None
            digest = await compose_digest(
                connection, registry, province, now=now, accounts=accounts
            )
            weeks = await load_plan_weeks(connection, province, digest.facts, week_on)
        account_ids = accounts_with_pictures(capabilities, has_address=has_address)
        pictures = await draw_pictures(digest.facts, digest.letters, weeks, draw, account_ids)
    except Exception as error:  # the reminders go out without it
        about = {"province": province, "error": describe_fault(error)}
        _log.error("digest.failed", **about, exc_info=not isinstance(error, DATABASE_ERRORS))
        return None
    return PreparedWeek(digest, pictures, frozenset(account_ids))


async def begin_telling(
    connection: AsyncConnection, week: PreparedWeek, *, now: datetime
) -> WeekTold:
    """Store a week's facts and pictures in the morning's transaction; nobody where it was told already."""
    digest = week.digest
    if not await kept_weeks.begin_week(connection, digest.province, digest.week_on, now=now):
        return WeekTold(digest.week_on)
    await store_digest_facts(connection, digest, now=now)
    files = await store_pictures(connection, digest, week.pictures, now=now)
    letters = {letter.place.chat_id: letter for letter in digest.letters}
    return WeekTold(digest.week_on, digest.facts, letters, files, week.account_ids)


async def tell_again(
    connection: AsyncConnection, province: str, chat_ids: set[int], *, today: date
) -> WeekTold:
    """Return the stored week for chats whose part never left, without pictures."""
    week_on = monday_of(today)
    if not chat_ids:
        return WeekTold(week_on)
    facts = await kept_weeks.load_week_facts(connection, province, week_on)
    letters = await build_letters(connection, province, facts, today=today, near_cap_ids=())
    again = {each.place.chat_id: each for each in letters if each.place.chat_id in chat_ids}
    return WeekTold(week_on, facts, again)
