"""The weekly digest: on a province's first working morning of a week each chat is told where things stand.

Promises that a chat gets one digest a week (in pages only beyond its channel's limit), however many
processes run; after the morning's reminders and within sending hours; that nothing is put where there is
nothing to say; and that what is told is kept as facts in the same transaction. Pictures are drawn outside
of it, and one that fails costs nothing else. Sends nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data import files as data_files
from data.clock import civil_date, civil_time
from data.db.database import DATABASE_ERRORS, Database, describe_fault
from data.digests import kept_weeks
from data.digests.kept_weeks import ScopeFacts, ScopeKey, monday_of
from data.log import get_logger
from data.models import JobRun, Message
from data.outbox import messages as outbox
from data.registry.registry import Registry
from data.registry.workdays import Workdays
from jobs.channel import Capabilities
from jobs.delivery.sending_hours import is_within_sending_hours
from jobs.delivery.usage import accounts_in_use, near_cap
from jobs.digests.facts import compute_week_facts
from jobs.digests.letters import PICTURE, TEMPLATE, Letter, build_letters
from jobs.digests.pictures import (
    Draw,
    accounts_with_pictures,
    draw_pictures,
    load_plan_weeks,
    picture_caption,
)
from jobs.rendering.renderer import Renderer

_log = get_logger("digest")


@dataclass(slots=True)
class DigestResult:
    """What weeks were composed: messages put, and pictures of them."""

    provinces: list[str] = field(default_factory=list)
    messages: int = 0
    pictures: int = 0
    failed: list[str] = field(default_factory=list)  # tried again at the next tick


@dataclass(frozen=True, slots=True)
class ProvinceDigest:
    """A province's week: its facts, and what each chat is told."""

    facts: Mapping[ScopeKey, ScopeFacts]
    letters: Sequence[Letter]


def digest_day(week_on: date, workdays: Workdays) -> date | None:
    """Return the day of a week's digest: Monday, or the next working day; None in a week without one."""
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
    """Compose the week of every province whose hour has come, whose morning is composed, and that has
    not had it.

    A late start composes it later in the same week. can: what the channel of each account can; draw: None
    for no pictures; has_address: files can be had at a public address. Harmless to call again and again,
    and from several processes at once.
    """
    result = DigestResult()
    known = capabilities or {}
    week_on = monday_of(civil_date(now))
    for province, not_before in await _due_provinces(database, registry, now):
        try:
            async with database.read() as connection:
                composed = await compose_digest(
                    connection, registry, province, now=now, renderer=renderer, capabilities=known
                )
                weeks = await load_plan_weeks(connection, province, composed.facts, week_on)
            shown_on = accounts_with_pictures(known, has_address=has_address)
            pictures = await draw_pictures(composed.facts, composed.letters, weeks, draw, shown_on)
            async with database.write() as connection:
                if not await kept_weeks.begin_week(connection, province, week_on, now=now):
                    continue  # another process was faster
                await _keep(connection, province, composed, week_on=week_on, now=now)
                # Behind the reminders, whichever process composed them.
                send_at = max(now, not_before)
                await _put(connection, province, composed, week_on, now, send_at, result)
                await _show(
                    connection,
                    province,
                    composed,
                    pictures,
                    shown_on,
                    week_on,
                    now,
                    send_at,
                    result,
                )
            result.provinces.append(province)
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
    """Return what a province's digest of this week would be now; changes nothing."""
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
        renderer=renderer,
        capabilities=capabilities,
        near_cap_ids=near_cap(accounts),
    )
    return ProvinceDigest(facts, letters)


# ------------------------------------------------------------------ when


async def _due_provinces(
    database: Database, registry: Registry, now: datetime
) -> list[tuple[str, datetime]]:
    """Return the provinces whose digest is to be made now, each with when its morning was composed."""
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


# ------------------------------------------------------------------ putting


async def _keep(
    connection: AsyncConnection,
    province: str,
    composed: ProvinceDigest,
    *,
    week_on: date,
    now: datetime,
) -> None:
    """Keep the facts that are told, and those of plans and the province in any case."""
    told = {key for letter in composed.letters for key in letter.keys}
    await kept_weeks.store_week_facts(
        connection,
        province,
        week_on,
        {
            key: facts
            for key, facts in composed.facts.items()
            if key in told or key[0] in ("plan", "province")
        },
        now=now,
    )


async def _put(
    connection: AsyncConnection,
    province: str,
    composed: ProvinceDigest,
    week_on: date,
    now: datetime,
    send_at: datetime,
    result: DigestResult,
) -> None:
    await _skip_unsent(connection, province)
    messages = [
        {
            "account_id": letter.place.account_id,
            "chat_id": letter.place.chat_id,
            "template": TEMPLATE,
            "context": page,
            "agency_id": letter.agency_id,
            "page": page["page"],
            "pages": page["pages"],
            "dedupe_key": _dedupe_key(TEMPLATE, province, letter, week_on, page["page"]),
        }
        for letter in composed.letters
        for page in letter.pages
    ]
    await outbox.enqueue_all(
        connection, messages, priority=outbox.BROADCAST, now=now, send_at=send_at
    )
    result.messages += len(messages)


async def _show(
    connection: AsyncConnection,
    province: str,
    composed: ProvinceDigest,
    pictures: Mapping[ScopeKey, bytes],
    shown_on: set[int],
    week_on: date,
    now: datetime,
    send_at: datetime,
    result: DigestResult,
) -> None:
    """Put the pictures behind the words of those who can be shown them; each is kept once."""
    files = {
        key: await data_files.store_file(
            connection,
            name=f"ban-tin-{province}-{key[1] or 'tinh'}-{week_on}.png",
            mime=data_files.PNG,
            content=content,
            now=now,
        )
        for key, content in pictures.items()
    }
    for letter in composed.letters:
        if letter.pictured not in files or letter.place.account_id not in shown_on:
            continue
        said = picture_caption(composed.facts[letter.pictured], composed.facts)
        await outbox.enqueue(
            connection,
            account_id=letter.place.account_id,
            chat_id=letter.place.chat_id,
            template=PICTURE,
            context={**said, "attach": files[letter.pictured]},
            priority=outbox.BROADCAST,
            now=now,
            send_at=send_at,
            agency_id=letter.agency_id,
            dedupe_key=_dedupe_key(PICTURE, province, letter, week_on, 1),
        )
        result.pictures += 1


def _dedupe_key(what: str, province: str, letter: Letter, week_on: date, page: int) -> str:
    key = f"{what}:{province}:{letter.place.chat_id}:{week_on}"
    return key if page == 1 else f"{key}:{page}"


async def _skip_unsent(connection: AsyncConnection, province: str) -> None:
    """Take back digests of earlier weeks that never left: this week's stand in their place."""
    await connection.execute(
        update(Message)
        .where(
            Message.state == "pending",
            Message.priority == outbox.BROADCAST,
            Message.template.in_((TEMPLATE, PICTURE)),
            Message.dedupe_key.like(f"digest%:{province}:%"),
        )
        .values(state="skipped", error="replaced")
    )
