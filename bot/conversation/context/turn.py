"""One turn of a conversation, and the obligations it speaks of.

Promises that an obligation is always looked up together with what its caller may see: one of another
agency or province is as good as unknown. Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.context.access import Caller, Subject, may
from data.contacts.recipients import list_recipients
from data.models import Agency
from data.obligations import lists
from data.registry.registry import Registry
from data.rules.holders import Holders
from jobs.channel import Capabilities, Incoming
from jobs.rendering.items import Item, build_item, load_obligation_rows
from jobs.rendering.links import Links


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
    max_length: int = 4096  # of one message here, in UTF-16 units
    capabilities: Mapping[int, Capabilities] = field(default_factory=dict)  # of every account open
    links: Links | None = None  # makes addresses of our web side
    _holders: dict[str, Holders] = field(default_factory=dict)
    _agency_ids: dict[str, dict[str, int]] = field(default_factory=dict)

    def holders(self, province: str) -> Holders:
        """Return who has what in hand in a province today."""
        if province not in self._holders:
            self._holders[province] = Holders(self.registry.provinces[province], on=self.today)
        return self._holders[province]

    async def agency_ids(self, province: str, codes: Collection[str]) -> dict[str, int]:
        """Return the rows' ids of a province's agencies by code; each is read once a turn."""
        known = self._agency_ids.setdefault(province, {})
        unread = [code for code in codes if code not in known]
        if unread:
            known.update(await lists.find_agency_ids(self.connection, province, unread))
        return {code: known[code] for code in codes if code in known}

    @property
    def pressed_message_id(self) -> str | None:
        """Return the remote id of the message whose button was pressed; None where words were typed."""
        return self.incoming.reply_to if self.incoming.kind == "action" else None


@dataclass(frozen=True, slots=True)
class VisibleObligation:
    """An obligation the caller may look at, with what its protection rests on."""

    row: Any  # jobs.rendering.items.load_obligation_rows
    subject: Subject
    holder_code: str | None
    holder: str

    def as_item(self, turn: Turn, number: int) -> Item:
        """Return it as a line of a list, with `said` (its state in one word) and `holder` if not ours."""
        item = build_item(
            self.row,
            number=number,
            today=turn.today,
            workdays=turn.registry.workdays,
            for_agency=self.holder_code,
        )
        ours = self.subject.holder_id in {enrolled.agency_id for enrolled in turn.caller.enrolments}
        return {
            **item,
            "undecided": self.holder_code is None,
            "said": state_word(self.row, turn.today),
            "holder": "" if ours else self.holder,
        }


async def visible_obligations(
    turn: Turn, obligation_ids: Sequence[int]
) -> dict[int, VisibleObligation]:
    """Return the obligations that the caller may look at, in the order asked for.

    What does not exist and what belongs to somebody else are left out alike.
    """
    rows = await load_obligation_rows(turn.connection, list(obligation_ids))
    mine = {enrolled.province for enrolled in turn.caller.enrolments}
    found = [rows[key] for key in obligation_ids if key in rows]
    found = [
        row for row in found if row.province in mine and row.province in turn.registry.provinces
    ]
    if not found:
        return {}
    holders = {row.id: turn.holders(row.province).holder(row.owner_code, row.kind) for row in found}
    agencies = {(row.province, row.owner_code): (row.agency_id, row.owner_name) for row in found}
    # Most agencies have their own work in hand; only heirs are still to be read.
    heirs = {
        (row.province, code) for row in found if (code := holders[row.id]) is not None
    } - agencies.keys()
    if heirs:
        agencies.update(await _agencies(turn.connection, heirs))
    held_by = {row.id: agencies.get((row.province, holders[row.id] or "")) for row in found}
    reached = await list_recipients(
        turn.connection,
        {agency[0] for agency in held_by.values() if agency is not None},
        roles=("focal", "coordinator"),
    )
    known: dict[int, VisibleObligation] = {}
    for row in found:
        # Nobody's work (its agency ended, its heir is to be decided) is the coordinator's meanwhile.
        holder_id, holder = held_by[row.id] or (row.coordinator_id, row.owner_name)
        subject = Subject(
            province=row.province,
            holder_id=holder_id,
            coordinator_id=row.coordinator_id,
            is_reachable=held_by[row.id] is None or holder_id in reached,
        )
        if may(turn.caller, "open", subject):
            known[row.id] = VisibleObligation(row, subject, holders[row.id], holder)
    return known


def state_word(row: Any, today: date) -> str:
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


async def _agencies(
    connection: AsyncConnection, wanted: Collection[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, str]]:
    """Return id and name of agencies by province and code."""
    rows = await connection.execute(
        select(Agency.id, Agency.province, Agency.code, Agency.name).where(
            Agency.province.in_(sorted({province for province, _ in wanted})),
            Agency.code.in_(sorted({code for _, code in wanted})),
        )
    )
    return {(row.province, row.code): (row.id, row.name) for row in rows}
