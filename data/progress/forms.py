"""Forms and guidance files of report duties: attached by who coordinates the plan, replaced, removed.

Guarantees:
- A duty has at most MOST_FORMS; one of the same name replaces the earlier.
- What was removed or replaced stays on record with whose act it was.
- Only types of evidence's allowlist are kept, told by content and never by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import DutyForm, Obligation, Plan, ReportDuty
from data.progress.evidence import (
    MAX_EVIDENCE_BYTES,
    EvidenceTooBig,
    EvidenceTypeNotAllowed,
    detect_mime_type,
    keep_bytes,
    safe_file_name,
)

MOST_FORMS = 3


class TooManyForms(Exception):
    """The duty has MOST_FORMS already; ask to remove one, or to send one under its name."""


@dataclass(frozen=True, slots=True)
class AttachedForm:
    """A form as it was attached; replaced: one of the same name was there."""

    id: int
    name: str
    size: int
    replaced: bool


async def attach_form(
    connection: AsyncConnection,
    *,
    duty_id: int,
    name: str,
    content: bytes,
    person_id: int | None,
    attached_by: str,
    now: datetime,
) -> AttachedForm:
    """Attach a file to a duty; raises EvidenceTooBig, EvidenceTypeNotAllowed, TooManyForms.

    attached_by: the agency, never a person's name.
    """
    if len(content) > MAX_EVIDENCE_BYTES:
        raise EvidenceTooBig
    mime = detect_mime_type(content, name=name)
    if mime is None:
        raise EvidenceTypeNotAllowed
    name = safe_file_name(name, mime)
    # Of two who attach at once the second sees what the first did.
    await connection.execute(
        select(ReportDuty.id).where(ReportDuty.id == duty_id).with_for_update(key_share=True)
    )
    living = await list_forms(connection, [duty_id])
    earlier = next((form for form in living if form.name == name), None)
    if earlier is not None:
        await remove_form(connection, earlier.id, removed_by=attached_by, now=now)
    elif len(living) >= MOST_FORMS:
        raise TooManyForms
    sha256 = hashlib.sha256(content).hexdigest()
    await keep_bytes(connection, content, sha256)
    added = await connection.execute(
        insert(DutyForm)
        .values(
            duty_id=duty_id,
            name=name,
            mime=mime,
            size=len(content),
            sha256=sha256,
            person_id=person_id,
            attached_by=attached_by[:120],
            attached_at=now,
        )
        .returning(DutyForm.id)
    )
    return AttachedForm(added.scalar_one(), name, len(content), earlier is not None)


async def remove_form(
    connection: AsyncConnection, form_id: int, *, removed_by: str, now: datetime
) -> bool:
    """Remove a form from its duty; False where it was removed before."""
    removed = await connection.execute(
        update(DutyForm)
        .where(DutyForm.id == form_id, DutyForm.removed_at.is_(None))
        .values(removed_by=removed_by[:120], removed_at=now)
    )
    return bool(removed.rowcount)


async def list_forms(
    connection: AsyncConnection, duty_ids: Collection[int], *, removed: bool = False
) -> list[Any]:
    """Return the forms of some duties, as rows of DutyForm, oldest first; removed: with those no longer attached."""
    rows = await connection.execute(
        select(DutyForm.__table__)
        .where(
            DutyForm.duty_id.in_(list(duty_ids)),
            *([] if removed else [DutyForm.removed_at.is_(None)]),
        )
        .order_by(DutyForm.id)
    )
    return list(rows)


async def find_form(connection: AsyncConnection, form_id: int) -> Any | None:
    """Return an attached form as a row of DutyForm; None for one that was removed, or an unknown id."""
    rows = await connection.execute(
        select(DutyForm.__table__).where(DutyForm.id == form_id, DutyForm.removed_at.is_(None))
    )
    return rows.one_or_none()


_DUTY = (
    select(
        ReportDuty.id,
        ReportDuty.plan_id,
        ReportDuty.code,
        ReportDuty.title,
        Plan.number.label("plan_number"),
        Plan.code.label("plan_code"),
    )
    .join(Plan, Plan.id == ReportDuty.plan_id)
    .where(ReportDuty.withdrawn_at.is_(None))
)


async def find_form_duty(connection: AsyncConnection, plan_code: str, code: str) -> Any | None:
    """Return id, plan_id, code, title, plan_number and plan_code of a duty by its codes; None without one."""
    rows = await connection.execute(_DUTY.where(Plan.code == plan_code, ReportDuty.code == code))
    return rows.one_or_none()


async def load_form_duty(connection: AsyncConnection, duty_id: int) -> Any | None:
    """Return the same of a duty by its id."""
    rows = await connection.execute(_DUTY.where(ReportDuty.id == duty_id))
    return rows.one_or_none()


async def has_forms(connection: AsyncConnection, obligation_id: int) -> bool:
    """Tell whether the report that an obligation is an occurrence of has forms."""
    found = await connection.scalar(
        select(DutyForm.id)
        .join(Obligation, Obligation.duty_id == DutyForm.duty_id)
        .where(Obligation.id == obligation_id, DutyForm.removed_at.is_(None))
        .limit(1)
    )
    return found is not None
