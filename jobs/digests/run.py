"""The weekly digest: compose it on a province's first working morning of a week and enqueue its messages.

Guarantees:
- A chat gets one digest a week, however many processes run, within sending hours and after reminders.
- The facts of a digest are stored in the transaction that enqueues it; a chat without news gets none.
- Pictures are drawn outside that transaction, and a failed picture costs only itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date, civil_time
from data.db.database import Database
from data.db.errors import DATABASE_ERRORS, describe_fault
from data.digests import kept_weeks
from data.digests.kept_weeks import monday_of
from data.log import get_logger
from data.models import JobRun
from data.registry.registry import Registry
from data.registry.workdays import Workdays
from jobs.channel import Capabilities
from jobs.delivery.sending_hours import is_within_sending_hours
from jobs.delivery.usage import accounts_in_use, near_cap
from jobs.digests.facts import compute_week_facts
from jobs.digests.letters import build_letters
from jobs.digests.messages import (
    ProvinceDigest,
    enqueue_letters,
    enqueue_pictures,
    store_digest_facts,
)
from jobs.digests.pictures import Draw, accounts_with_pictures, draw_pictures, load_plan_weeks
from jobs.rendering.renderer import Renderer

_log = get_logger("digest")


@dataclass(slots=True)
class DigestResult:
    """Provinces with a new digest, and the numbers of enqueued messages and pictures."""

    provinces: list[str] = field(default_factory=list)
    messages: int = 0
    pictures: int = 0
    failed: list[str] = field(default_factory=list)  # tried again at the next tick


def digest_day(week_on: date, workdays: Workdays) -> date | None:
    """Return a week's digest day: Monday or the next working day; None in a week without one."""
    day = workdays.on_or_after(week_on)
    return day if monday_of(day) == week_on else None


async def run_digests(
    database: Database,
    registry: Registry,
    *,
    now: datetime,
    renderer: Renderer,
    capabilities: Mapping[int, Capabilities] | None = None,
    draw: Draw | None = None,
    has_address: bool = False,
) -> DigestResult:
    """Compose the digest of every province that is due and has none this week.

    A late start composes it later in the same week. capabilities: by account; draw: None for no
    pictures; has_address: files are reachable at a public address. Safe to repeat, and to run in several
    processes at once.
    """
    result = DigestResult()
    capabilities = capabilities or {}
    week_on = monday_of(civil_date(now))
    for province, morning_at in await _due_provinces(database, registry, now):
        try:
            async with database.read() as connection:
                digest = await compose_digest(
                    connection,
                    registry,
                    province,
                    now=now,
                    renderer=renderer,
                    capabilities=capabilities,
                )
                weeks = await load_plan_weeks(connection, province, digest.facts, week_on)
            account_ids = accounts_with_pictures(capabilities, has_address=has_address)
            pictures = await draw_pictures(digest.facts, digest.letters, weeks, draw, account_ids)
            async with database.write() as connection:
                if not await kept_weeks.begin_week(connection, province, week_on, now=now):
                    continue  # another process was faster
                await store_digest_facts(connection, digest, now=now)
                # Behind the reminders, whichever process composed them.
                send_at = max(now, morning_at)
                messages = await enqueue_letters(connection, digest, now=now, send_at=send_at)
                shown = await enqueue_pictures(
                    connection, digest, pictures, account_ids, now=now, send_at=send_at
                )
            result.provinces.append(province)
            result.messages += messages
            result.pictures += shown
        except Exception as error:  # one province's trouble must not cost the others their digest
            about = {"province": province, "error": describe_fault(error)}
            _log.error("digest.failed", **about, exc_info=not isinstance(error, DATABASE_ERRORS))
            result.failed.append(province)
    return result


async def compose_digest(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    *,
    now: datetime,
    renderer: Renderer,
    capabilities: Mapping[int, Capabilities],
) -> ProvinceDigest:
    """Return a province's digest of this week as of `now`; changes nothing."""
    today = civil_date(now)
    week_on = monday_of(today)
    accounts = await accounts_in_use(
        connection, lambda use: capabilities.get(use.account_id), today=today
    )
    facts = await compute_week_facts(
        connection, registry, province, week_on=week_on, now=now, accounts=accounts
    )
    letters = await build_letters(
        connection,
        province,
        facts,
        week_on=week_on,
        today=today,
        renderer=renderer,
        capabilities=capabilities,
        near_cap_ids=near_cap(accounts),
    )
    return ProvinceDigest(province, week_on, facts, letters)


async def _due_provinces(
    database: Database, registry: Registry, now: datetime
) -> list[tuple[str, datetime]]:
    """Return the provinces due for a digest, each with the instant when its morning was composed."""
    if not is_within_sending_hours(now, registry.workdays):
        return []
    today, wall = civil_date(now), civil_time(now)
    day = digest_day(monday_of(today), registry.workdays)
    async with database.read() as connection:
        done = await kept_weeks.list_provinces_begun(connection, monday_of(today))
        if not registry.provinces.keys() - done:
            return []
        rows = await connection.execute(
            select(JobRun.subject, JobRun.finished_at).where(
                JobRun.job == "morning", JobRun.run_on == today
            )
        )
        mornings = {row.subject: row.finished_at for row in rows}
    return [
        (code, mornings[code])
        for code, home in registry.provinces.items()
        if code not in done
        and code in mornings
        and (today != day or wall >= time.fromisoformat(home.file.digest))
    ]
