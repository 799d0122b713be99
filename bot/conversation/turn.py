"""One turn of a conversation, and the obligations it speaks of.

Promises that an obligation is always looked up together with what its caller may see: one of another
agency or province is as good as unknown. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.access import Caller, Subject, may
from data.addressing import places
from data.holding import Holders
from data.models import Agency, Plan
from data.registry import Registry
from jobs.channel import Capabilities, Incoming
from jobs.items import Item, item_of, obligation_rows


@dataclass(frozen=True, slots=True)
class Turn:
    """What a conversation's functions are given: who said what, where and when."""

    connection: AsyncConnection
    incoming: Incoming
    chat: Row[Any]
    caller: Caller
    registry: Registry
    event_id: int | None
    now: datetime
    today: date
    words: str = ""  # what followed a command
    longest: int = 4096  # of one message here, in UTF-16 units
    capabilities: Mapping[int, Capabilities] = field(default_factory=dict)  # of every account open
    _holders: dict[str, Holders] = field(default_factory=dict)

    def holders(self, province: str) -> Holders:
        """Return who has what in hand in a province today."""
        if province not in self._holders:
            self._holders[province] = Holders(self.registry.provinces[province], on=self.today)
        return self._holders[province]

    @property
    def pressed(self) -> str | None:
        """Return the remote id of the message whose button was pressed; None where words were typed."""
        return self.incoming.reply_to if self.incoming.kind == "action" else None


@dataclass(frozen=True, slots=True)
class Known:
    """An obligation the caller may look at, with what its protection rests on."""

    row: Any  # jobs.items.obligation_rows
    subject: Subject
    holder_code: str | None
    holder: str

    def line(self, turn: Turn, number: int) -> Item:
        """Return it as a line of a list, with `said` (its state in one word) and `holder` if not ours."""
        item = item_of(
            self.row,
            number=number,
            today=turn.today,
            workdays=turn.registry.workdays,
            for_agency=self.holder_code,
        )
        ours = self.subject.holder_id in {enrolled.agency_id for enrolled in turn.caller.here}
        return {
            **item,
            "undecided": self.holder_code is None,
            "said": said_state(self.row, turn.today),
            "holder": "" if ours else self.holder,
        }


async def look_up(turn: Turn, obligation_ids: Sequence[int]) -> dict[int, Known]:
    """Return the obligations that the caller may look at, in the order asked for.

    What does not exist and what belongs to somebody else are left out alike.
    """
    rows = await obligation_rows(turn.connection, list(obligation_ids))
    mine = {enrolled.province for enrolled in turn.caller.here}
    found = [rows[key] for key in obligation_ids if key in rows]
    found = [
        row for row in found if row.province in mine and row.province in turn.registry.provinces
    ]
    if not found:
        return {}
    coordinators = await _coordinators(turn.connection, {row.plan_id for row in found})
    holders = {row.id: turn.holders(row.province).holder(row.owner_code, row.kind) for row in found}
    agencies = await _agencies(
        turn.connection, mine, {code for code in holders.values() if code is not None}
    )
    reached = await places(
        turn.connection, (agency.id for agency in agencies.values()), roles=("focal", "coordinator")
    )
    known: dict[int, Known] = {}
    for row in found:
        code = holders[row.id]
        agency = agencies.get((row.province, code)) if code is not None else None
        coordinator_id = coordinators.get(row.plan_id)
        # Nobody's work (its agency ended, its heir is to be decided) is the coordinator's meanwhile.
        holder_id = agency.id if agency is not None else coordinator_id
        subject = Subject(
            province=row.province,
            holder_id=holder_id,
            coordinator_id=coordinator_id,
            reachable=agency is None or agency.id in reached,
        )
        if may(turn.caller, "open", subject):
            known[row.id] = Known(row, subject, code, agency.name if agency else row.owner_name)
    return known


def said_state(row: Any, today: date) -> str:
    """Return the one word for where an obligation stands, as templates/_parts/said.* names it."""
    if row.state != "open":
        return str(row.state)
    flags = {
        "blocked": row.blocked_at,
        "disputed": row.disputed_at,
        "extension_asked": row.extension_asked_at,
    }
    for word, at in flags.items():
        if at is not None:
            return word
    if row.progress is not None:
        return str(row.progress)
    if row.acknowledged_until is not None and row.acknowledged_until >= today:
        return "acknowledged"
    return "open"


async def _coordinators(
    connection: AsyncConnection, plan_ids: Iterable[int]
) -> dict[int, int | None]:
    rows = await connection.execute(
        select(Plan.id, Plan.coordinator_id).where(Plan.id.in_(sorted(plan_ids)))
    )
    return {row.id: row.coordinator_id for row in rows}


async def _agencies(
    connection: AsyncConnection, provinces: Iterable[str], codes: Iterable[str]
) -> dict[tuple[str, str], Any]:
    rows = await connection.execute(
        select(Agency.id, Agency.province, Agency.code, Agency.name).where(
            Agency.province.in_(sorted(provinces)), Agency.code.in_(sorted(codes))
        )
    )
    return {(row.province, row.code): row for row in rows}
