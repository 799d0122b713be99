"""A chat's morning, and its division into pages. Pure.

Guarantees:
- The most urgent plan comes first; a page has at most ten items and fits into the channel's limit.
- Tasks without a due date have pages of their own, so that they can be answered together.
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
_AGENCY_FRAME = 70  # characters that name the agency of an item, where the chat has several
_LINE_FRAME = 230  # characters of a line about several agencies beside its title
_ACCOUNT_FRAME = 420  # characters of a line about an account near a cap


@dataclass(slots=True)
class DueItem:
    """One obligation that is due for a reminder."""

    row: Any
    rung: int
    addressee: str  # the code of the agency that is reminded
    undecided: bool  # its owner has ended without a successor: the coordinating agency is reminded
    due_on: date  # the effective due
    is_fixed: bool = False  # no later date may be asked for any more

    @property
    def is_ended(self) -> bool:
        """Tell whether its phase ended before its plan was tracked."""
        return bool(self.row.kind == "phase_end" and self.row.due_on < self.row.tracked_from)

    @property
    def is_undated(self) -> bool:
        """Tell whether its task has no due date."""
        return bool(self.row.kind == UNDATED)


@dataclass(slots=True)
class ChatMorning:
    """The morning of one chat."""

    recipient: Recipient
    items: list[DueItem] = field(default_factory=list)
    silent: list[DueItem] = field(default_factory=list)  # of agencies without a chat
    escalated: list[DueItem] = field(default_factory=list)  # see jobs/morning/escalation.py
    accounts: list[dict[str, Any]] = field(default_factory=list)  # near a cap: quota_warnings.py
    is_leader: bool = False
    assigns: bool = False  # of a coordinator, who may assign what nobody holds
    agency_id: int | None = None  # the chat's, for a page without items


@dataclass(slots=True)
class MorningPage:
    """One message of a chat's morning; left_out: the number of items that found no room."""

    items: list[DueItem]
    silent: list[DueItem] = field(default_factory=list)
    escalated: list[DueItem] = field(default_factory=list)
    accounts: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0


def paginate(chat_morning: ChatMorning, limit: int) -> list[MorningPage]:
    """Divide a chat's morning into pages of at most `limit` characters.

    1. Dated items, the most urgent plan first.
    2. Phases that ended before tracking, on one page. Items without room there are counted in left_out; /viec
       and the weekly digest list them.
    3. Undated items, in the documents' order.
    4. On the last page and on further ones: a line for each thing that is escalated or owed by agencies without
       a chat, then a line for each account near a cap.
    """
    dated, ended, undated = _split_by_kind(chat_morning.items)
    several = len({item.addressee for item in chat_morning.items}) > 1
    beside = _AGENCY_FRAME if several else 0
    filler = _PageFiller(limit, beside)
    filler.add_items(_by_urgency(dated))  # 1
    if ended:  # 2
        trial = _PageFiller(limit, beside)
        trial.add_items(_by_urgency(ended))
        shown = trial.pages[0].items
        filler.add_items(shown)
        filler.pages[-1].left_out = len(ended) - len(shown)
    filler.add_items(sorted(undated, key=lambda item: (item.row.plan_code, item.row.id)))  # 3
    for line in _by_line(chat_morning.escalated):  # 4
        filler.page_with_room(_line_weight(line)).escalated.extend(line)
    for line in _by_line(chat_morning.silent):
        filler.page_with_room(_line_weight(line)).silent.extend(line)
    for account in chat_morning.accounts:
        filler.page_with_room(_ACCOUNT_FRAME).accounts.append(account)
    return filler.pages


class _PageFiller:
    """Pages that are filled one after another; beside: characters that each item takes besides its own."""

    def __init__(self, limit: int, beside: int) -> None:
        self.pages: list[MorningPage] = []
        self._limit = limit
        self._beside = beside
        self._room = 0  # characters left on the last page

    def add_items(self, items: Sequence[DueItem]) -> None:
        """Add items to pages of their own, at most ten a page."""
        for index, item in enumerate(items):
            if index == 0 or len(self.pages[-1].items) >= ITEMS_A_PAGE:
                self._room = 0
            self.page_with_room(_weight(item) + self._beside).items.append(item)

    def page_with_room(self, weight: int) -> MorningPage:
        """Return the last page, or a new one where it has no room for so many characters."""
        if self._room < weight:
            self.pages.append(MorningPage([]))
            self._room = self._limit - _PAGE_FRAME
        self._room -= weight
        return self.pages[-1]


def _split_by_kind(items: Iterable[DueItem]) -> tuple[list[DueItem], list[DueItem], list[DueItem]]:
    dated: list[DueItem] = []
    ended: list[DueItem] = []
    undated: list[DueItem] = []
    for item in items:
        (undated if item.is_undated else ended if item.is_ended else dated).append(item)
    return dated, ended, undated


def _by_line(items: Iterable[DueItem]) -> list[list[DueItem]]:
    """Group the items of several agencies that are told in one line."""
    lines: dict[tuple[Any, ...], list[DueItem]] = {}
    for item in items:
        lines.setdefault(line_key(item.row, item.due_on), []).append(item)
    return list(lines.values())


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


def _line_weight(line: Sequence[DueItem]) -> int:
    return _LINE_FRAME + len(obligation_title(line[0].row))


def _weight(item: DueItem) -> int:
    row = item.row
    words = len(obligation_title(row)) + len(row.due_words or "") + len(row.clause or "")
    return _ITEM_FRAME + words + (_UNDECIDED_FRAME + len(row.owner_name) if item.undecided else 0)
