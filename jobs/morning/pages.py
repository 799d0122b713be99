"""What a chat is told of a morning, cut into pages.

Promises the most urgent first, grouped by plan, at most ten items a page, cut between items and within
the channel's limit; and that tasks without a due date stand on pages of their own, after all others,
so that they can be answered in one go. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from data.contacts.recipients import Recipient
from data.registry.titles import obligation_title
from data.rules.ladder import UNDATED
from jobs.rendering.items import line_key

ITEMS_A_PAGE = 10
_PAGE_FRAME = 520  # characters of greeting, legend and footer
_ITEM_FRAME = 90  # characters of an item beside its own words
_UNDECIDED_FRAME = 70  # characters that ask to assign the work of an agency that ended
_LINE_FRAME = 230  # characters of a line about several agencies beside its title
_ACCOUNT_FRAME = 420  # characters of a line about an account near a cap


@dataclass(slots=True)
class DueItem:
    """One obligation that is due for a reminder: which rung, and to whom it speaks."""

    row: Any
    rung: int
    addressee: str  # the code of the agency that is reminded
    undecided: bool  # its owner is gone and nobody took over: the coordinating agency is told
    due_on: date  # the effective due

    @property
    def is_ended(self) -> bool:
        """Tell whether its phase had ended before its plan was tracked."""
        return bool(self.row.kind == "phase_end" and self.row.due_on < self.row.tracked_from)

    @property
    def is_undated(self) -> bool:
        """Tell whether it asks for the state of a task that never falls due."""
        return bool(self.row.kind == UNDATED)


@dataclass(slots=True)
class ChatMorning:
    """What one chat is told of a morning: its own items, those of agencies without a chat, what stays
    late (jobs/morning/escalation.py), and accounts near a cap (jobs/morning/quota_warnings.py).

    leads: it is a leader's. agency_id: whose chat it is, for a page on which no item says so.
    """

    place: Recipient
    items: list[DueItem] = field(default_factory=list)
    silent: list[DueItem] = field(default_factory=list)
    escalated: list[DueItem] = field(default_factory=list)
    accounts: list[dict[str, Any]] = field(default_factory=list)
    is_leader: bool = False
    agency_id: int | None = None


@dataclass(slots=True)
class MorningPage:
    """One message: its items, whose agencies have no chat, what stays late, accounts near a cap, and
    how many more items there are.
    """

    items: list[DueItem]
    silent: list[DueItem] = field(default_factory=list)
    escalated: list[DueItem] = field(default_factory=list)
    accounts: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0


def paginate(
    items: Sequence[DueItem],
    silent: Sequence[DueItem],
    limit: int,
    *,
    escalated: Sequence[DueItem] = (),
    accounts: Sequence[dict[str, Any]] = (),
) -> list[MorningPage]:
    """Cut a chat's items into pages.

    What ended before it was tracked is asked about on one page of its own; what does not fit there is
    left out and counted (/viec and the weekly digest have it). silent: items of agencies without a
    chat, told in a line for each thing they owe after all others, as is what stays late (escalated).
    accounts: those near a cap, a line each at the very end.
    """
    dated, ended, undated = _split_by_kind(items)
    pages = [MorningPage(part) for part in _fill(_by_urgency(dated), limit)]
    if ended:
        shown = _fill(_by_urgency(ended), limit)[0]
        pages.append(MorningPage(shown, left_out=len(ended) - len(shown)))
    undated.sort(key=lambda item: (item.row.plan_code, item.row.id))  # as the documents list them
    pages += [MorningPage(part) for part in _fill(undated, limit)]
    room = limit - _PAGE_FRAME - sum(_weight(item) for item in pages[-1].items) if pages else 0
    for told, lines in (("escalated", _by_line(escalated)), ("silent", _by_line(silent))):
        for line in lines:
            weight = _LINE_FRAME + len(obligation_title(line[0].row))
            if room < weight:
                pages.append(MorningPage([]))
                room = limit - _PAGE_FRAME
            getattr(pages[-1], told).extend(line)
            room -= weight
    for account in accounts:
        if room < _ACCOUNT_FRAME:
            pages.append(MorningPage([]))
            room = limit - _PAGE_FRAME
        pages[-1].accounts.append(account)
        room -= _ACCOUNT_FRAME
    return pages


def _split_by_kind(items: Iterable[DueItem]) -> tuple[list[DueItem], list[DueItem], list[DueItem]]:
    dated: list[DueItem] = []
    ended: list[DueItem] = []
    undated: list[DueItem] = []
    for item in items:
        (undated if item.is_undated else ended if item.is_ended else dated).append(item)
    return dated, ended, undated


def _by_line(items: Iterable[DueItem]) -> list[list[DueItem]]:
    lines: dict[tuple[Any, ...], list[DueItem]] = {}
    for item in items:
        lines.setdefault(line_key(item.row, item.due_on), []).append(item)
    return list(lines.values())


def _fill(items: Sequence[DueItem], limit: int) -> list[list[DueItem]]:
    pages: list[list[DueItem]] = []
    room = 0
    for item in items:
        weight = _weight(item)
        if not pages or room < weight or len(pages[-1]) >= ITEMS_A_PAGE:
            pages.append([])
            room = limit - _PAGE_FRAME
        pages[-1].append(item)
        room -= weight
    return pages


def _by_urgency(items: Sequence[DueItem]) -> list[DueItem]:
    urgency: dict[str, date] = {}
    for item in items:
        code = item.row.plan_code
        urgency[code] = min(urgency.get(code, date.max), item.due_on)
    return sorted(
        items,
        key=lambda item: (
            urgency[item.row.plan_code],
            item.row.plan_code,
            item.due_on,
            item.row.code,
            item.row.id,
        ),
    )


def _weight(item: DueItem) -> int:
    row = item.row
    words = len(obligation_title(row)) + len(row.due_words or "") + len(row.clause or "")
    return _ITEM_FRAME + words + (_UNDECIDED_FRAME + len(row.owner_name) if item.undecided else 0)
