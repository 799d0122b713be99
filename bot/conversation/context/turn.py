"""One turn of a conversation, and the obligations that its caller may see.

Guarantees:
- An obligation of another agency or province is the same as an unknown one.
- Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.context.access import Caller, Subject, may, may_decide_in_plan
from data.contacts.recipients import list_recipients
from data.models import Agency
from data.obligations import lists
from data.progress.extensions import is_extendable
from data.registry.registry import Registry
from data.rules.holders import Holders
from jobs.channel import Button, Capabilities, Incoming
from jobs.rendering.buttons import item_buttons
from jobs.rendering.items import Item, build_item, load_obligation_rows
from jobs.rendering.links import Links


@dataclass(frozen=True, slots=True)
class Turn:
    """One incoming message with its sender, chat, time and registry."""

    connection: AsyncConnection
    incoming: Incoming
    chat: Row[Any]
    caller: Caller
    registry: Registry
    templates: Path
    event_id: int | None
    now: datetime
    today: date
    words: str = ""  # after a command
    agreed: str | None = None  # the seal of the preview agreed to; context/preview.py
    max_length: int = 4096  # of one message here, in UTF-16 units
    capabilities: Mapping[int, Capabilities] = field(default_factory=dict)  # by open account
    links: Links | None = None  # None: no public web server
    _holders: dict[str, Holders] = field(default_factory=dict)
    _agency_ids: dict[str, dict[str, int]] = field(default_factory=dict)

    def holders(self, province: str) -> Holders:
        """Return which agency holds what in a province today."""
        if province not in self._holders:
            self._holders[province] = Holders(self.registry.provinces[province], on=self.today)
        return self._holders[province]

    def holder_name(self, province: str, owner_code: str, owner: str, kind: str) -> str:
        """Return the short name of who holds an owner's obligation of a kind today, and whose work it took over.

        owner: the owner's short name.
        """
        code = self.holders(province).holder(owner_code, kind)
        if code == owner_code:
            return owner
        entry = self.registry.provinces[province].agencies.get(code or "")
        if entry is None:
            return f"{owner} (chưa xác định cơ quan tiếp nhận)"
        return f"{entry.short or entry.name} (tiếp nhận của {owner})"

    async def agency_ids(self, province: str, codes: Collection[str]) -> dict[str, int]:
        """Return the row ids of a province's agencies by code, each read once a turn."""
        known = self._agency_ids.setdefault(province, {})
        unread = [code for code in codes if code not in known]
        if unread:
            known.update(await lists.find_agency_ids(self.connection, province, unread))
        return {code: known[code] for code in codes if code in known}

    @property
    def types_choices(self) -> bool:
        """Tell whether people here see the choices of a message as numbers, and not as buttons."""
        capabilities = self.capabilities.get(self.incoming.account_id)
        return capabilities is None or not capabilities.buttons

    @property
    def pressed_message_id(self) -> str | None:
        """Return the remote id of the message whose button was pressed; None for typed words."""
        return self.incoming.reply_to if self.incoming.kind == "action" else None


@dataclass(frozen=True, slots=True)
class VisibleObligation:
    """An obligation that the caller may look at, and its holder."""

    row: Any  # jobs.rendering.items.load_obligation_rows
    subject: Subject
    holder_code: str | None  # None: the owner ended and its successor is undecided
    holder: str

    @property
    def id(self) -> int:
        """Return the obligation's id."""
        return int(self.row.id)

    def as_item(self, turn: Turn, number: int = 1, *, holder: str | None = None) -> Item:
        """Return it as a line of a list, with `said` (its state in one word) and its holder's name.

        extendable: a later date may be asked for; assignable: nobody holds it, and the caller may assign it.
        holder: the name to show; by default "" for the caller's own agencies. Where the caller has several of
        these, `agency` names the one that holds it.
        """
        item = build_item(
            self.row,
            number=number,
            today=turn.today,
            workdays=turn.registry.workdays,
            for_agency=self.holder_code,
        )
        own = {enrolled.agency_id for enrolled in turn.caller.enrolments}
        is_own = self.subject.holder_id in own
        if holder is None:
            holder = "" if is_own else self.holder
        return {
            **item,
            "agency": self.holder if is_own and len(own) > 1 and not holder else "",
            "undecided": self.holder_code is None,
            "assignable": self.may_be_assigned(turn),
            "extendable": self.may_be_extended(turn),
            "said": state_word(self.row, turn.today),
            "holder": holder,
        }

    def may_be_assigned(self, turn: Turn) -> bool:
        """Tell whether nobody holds it, and the caller may assign it to an agency."""
        return self.holder_code is None and may_decide_in_plan(
            turn.caller, self.row.coordinator_id, province=self.row.province
        )

    def may_be_extended(self, turn: Turn) -> bool:
        """Tell whether a later date may still be asked for."""
        most = turn.registry.provinces[self.row.province].file.most_extensions
        return is_extendable(self.row, granted=self.row.granted, max_granted=most, today=turn.today)

    def choices(self, turn: Turn) -> tuple[tuple[Button, ...], ...]:
        """Return the choices of an answer to it alone."""
        return item_buttons(
            self.id,
            self.row.kind,
            extendable=self.may_be_extended(turn),
            assignable=self.may_be_assigned(turn),
            forms=bool(self.row.forms),
        )


async def visible_obligation(turn: Turn, obligation_id: int) -> VisibleObligation | None:
    """Return an obligation if the caller may look at it."""
    return (await visible_obligations(turn, [obligation_id])).get(obligation_id)


async def visible_obligations(
    turn: Turn, obligation_ids: Sequence[int]
) -> dict[int, VisibleObligation]:
    """Return the obligations that the caller may look at, in the order asked for."""
    rows = await load_obligation_rows(turn.connection, list(obligation_ids))
    provinces = {enrolled.province for enrolled in turn.caller.enrolments}
    candidates = [
        row
        for row in (rows[key] for key in obligation_ids if key in rows)
        if row.province in provinces and row.province in turn.registry.provinces
    ]
    if not candidates:
        return {}
    holder_codes = {
        row.id: turn.holders(row.province).holder(row.owner_code, row.kind) for row in candidates
    }
    agencies = {
        (row.province, row.owner_code): (row.agency_id, row.owner_name) for row in candidates
    }
    # Most agencies hold their own work; only successors remain to be read.
    successors = {
        (row.province, code) for row in candidates if (code := holder_codes[row.id]) is not None
    } - agencies.keys()
    if successors:
        agencies.update(await _load_agencies(turn.connection, successors))
    holders = {
        row.id: agencies.get((row.province, holder_codes[row.id] or "")) for row in candidates
    }
    reached = await list_recipients(
        turn.connection,
        {agency[0] for agency in holders.values() if agency is not None},
        roles=("focal", "coordinator"),
        today=turn.today,
    )
    visible: dict[int, VisibleObligation] = {}
    for row in candidates:
        # The coordinator holds the work of an agency that ended, until its successor is decided.
        holder_id, holder = holders[row.id] or (row.coordinator_id, row.owner_name)
        subject = Subject(
            province=row.province,
            holder_id=holder_id,
            coordinator_id=row.coordinator_id,
            is_reachable=holders[row.id] is None or holder_id in reached,
        )
        if may(turn.caller, "open", subject):
            visible[row.id] = VisibleObligation(row, subject, holder_codes[row.id], holder)
    return visible


def state_word(row: Any, today: date) -> str:
    """Return an obligation's state in one word, as templates/_parts/said names it."""
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


async def _load_agencies(
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
