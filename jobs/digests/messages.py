"""A province's digest of one week as rows: its facts, its messages and the messages with its pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from data import files as data_files
from data.digests import kept_weeks
from data.digests.kept_weeks import ScopeFacts, ScopeKey
from data.models import Message
from data.outbox import messages as outbox
from jobs.digests.letters import PICTURE, TEMPLATE, Letter
from jobs.digests.pictures import picture_caption


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


async def enqueue_letters(
    connection: AsyncConnection, digest: ProvinceDigest, *, now: datetime, send_at: datetime
) -> int:
    """Enqueue the letters in place of those of earlier weeks that were never sent; return the number."""
    await connection.execute(
        update(Message)
        .where(
            Message.state == "pending",
            Message.priority == outbox.BROADCAST,
            Message.template.in_((TEMPLATE, PICTURE)),
            Message.dedupe_key.like(f"digest%:{digest.province}:%"),
        )
        .values(state="skipped", error="replaced")
    )
    messages = [
        {
            "account_id": letter.place.account_id,
            "chat_id": letter.place.chat_id,
            "template": TEMPLATE,
            "context": page,
            "agency_id": letter.agency_id,
            "page": page["page"],
            "pages": page["pages"],
            "dedupe_key": _dedupe_key(TEMPLATE, digest, letter, page["page"]),
        }
        for letter in digest.letters
        for page in letter.pages
    ]
    await outbox.enqueue_all(
        connection, messages, priority=outbox.BROADCAST, now=now, send_at=send_at
    )
    return len(messages)


async def enqueue_pictures(
    connection: AsyncConnection,
    digest: ProvinceDigest,
    pictures: Mapping[ScopeKey, bytes],
    account_ids: Collection[int],
    *,
    now: datetime,
    send_at: datetime,
) -> int:
    """Store each picture once and enqueue it behind the letters on the accounts; return the number."""
    files = {
        key: await data_files.store_file(
            connection,
            name=f"ban-tin-{digest.province}-{key[1] or 'tinh'}-{digest.week_on}.png",
            mime=data_files.PNG,
            content=content,
            now=now,
        )
        for key, content in pictures.items()
    }
    count = 0
    for letter in digest.letters:
        if letter.pictured not in files or letter.place.account_id not in account_ids:
            continue
        caption = picture_caption(digest.facts[letter.pictured], digest.facts)
        await outbox.enqueue(
            connection,
            account_id=letter.place.account_id,
            chat_id=letter.place.chat_id,
            template=PICTURE,
            context={**caption, "attach": files[letter.pictured]},
            priority=outbox.BROADCAST,
            now=now,
            send_at=send_at,
            agency_id=letter.agency_id,
            dedupe_key=_dedupe_key(PICTURE, digest, letter, 1),
        )
        count += 1
    return count


def _dedupe_key(template: str, digest: ProvinceDigest, letter: Letter, page: int) -> str:
    key = f"{template}:{digest.province}:{letter.place.chat_id}:{digest.week_on}"
    return key if page == 1 else f"{key}:{page}"
