"""A province's digest of one week, and what is stored of it: its facts and its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from data import files as data_files
from data.digests import kept_weeks
from data.digests.kept_weeks import ScopeFacts, ScopeKey
from jobs.digests.letters import Letter


@dataclass(frozen=True, slots=True)
class ProvinceDigest:
    """A province's week: its facts, and one letter for each chat."""

    province: str
    week_on: date
    facts: Mapping[ScopeKey, ScopeFacts]
    letters: Sequence[Letter]


async def store_digest_facts(
    connection: AsyncConnection, digest: ProvinceDigest, *, now: datetime
) -> None:
    """Store the facts that letters show, and in any case those of plans and the province."""
    shown = {key for letter in digest.letters for key in letter.keys}
    facts = {
        key: each
        for key, each in digest.facts.items()
        if key in shown or key[0] in ("plan", "province")
    }
    await kept_weeks.store_week_facts(connection, digest.province, digest.week_on, facts, now=now)


async def store_pictures(
    connection: AsyncConnection,
    digest: ProvinceDigest,
    pictures: Mapping[ScopeKey, bytes],
    *,
    now: datetime,
) -> dict[ScopeKey, int]:
    """Store each picture once; return the files by the key of the facts that they show."""
    return {
        key: await data_files.store_file(
            connection,
            name=f"ban-tin-{digest.province}-{key[1] or 'tinh'}-{digest.week_on}.png",
            mime=data_files.PNG,
            content=content,
            now=now,
        )
        for key, content in pictures.items()
    }
