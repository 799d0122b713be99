"""A chat's morning, and how much of it stands in its one message. Pure.

Guarantees:
- The most urgent items come first; at most five stand in full, the others by name as far as there is room.
- What is told of other agencies and the weekly part keep room of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from data.contacts.recipients import Recipient
from data.registry.titles import obligation_title
from data.rules.ladder import TASK_KINDS, UNDATED, was_due_before
from jobs.digests.letters import Letter
from jobs.rendering.items import line_key

FULL_ITEMS = 5
_LINES = 5  # about other agencies
_FRAME = 480  # characters of greeting, counts, headings, hints and footer
_BARE_FRAME = 300  # the same where nothing stands above the weekly part
_WARNING = 150  # characters that say what follows if an item stays late
_ITEM_FRAME = 160  # characters of a full item beside its own words
_FORM_FRAME = 40  # characters that tell how a report's form is opened
_NAME_FRAME = 60  # characters of an item that stands by name and date
_UNDECIDED_FRAME = 150  # characters that ask to assign the work of an agency that ended
_AGENCY_FRAME = 70  # characters that name the agency of an item, where the chat has several
_LINE_FRAME = 260  # characters of a line about several agencies beside its title
_ACCOUNT_FRAME = 420  # characters of a line about an account near a cap
_WEEK_SHARE = 0.35  # of the message, kept for the weekly part


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
        """Tell whether it was due before its plan was tracked."""
        return was_due_before(self.row.kind, self.due_on, self.row.tracked_from)

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
    leaders_of: str | None = None  # the code of the agency that its leaders lead
    assigns: bool = False  # of a coordinator, who may assign what nobody holds
    agency_id: int | None = None  # the chat's, for a morning without items
    letter: Letter | None = None  # of the week

    def told_ids(self) -> set[int]:
        """Return the obligations that its first part tells of."""
        return {item.row.id for item in (*self.items, *self.silent, *self.escalated)}


@dataclass(frozen=True, slots=True)
class Layout:
    """What of a chat's morning its message shows.

    items: all of them in the order of their numbers. shown: how many of them stand in the message, the first
    `full` in full. escalated, silent: lines shown. room: characters left for the weekly part.
    """

    items: list[DueItem]
    full: int
    shown: int
    escalated: int
    silent: int
    room: int


def lay_out(chat_morning: ChatMorning, limit: int, weekly: int = 0) -> Layout:
    """Lay a chat's morning out in a message of at most `limit` characters; weekly: what its week would take.

    Room goes to the most urgent items, to a line each of what is told of others, to the names of the other
    items, and at last to the weekly part, which keeps a share.
    """
    items = _by_urgency(chat_morning.items)
    several = len({item.addressee for item in items}) > 1
    beside = _AGENCY_FRAME if several else 0
    escalated = _line_weights(chat_morning.escalated)
    silent = _line_weights(chat_morning.silent)
    week = min(weekly, int(limit * _WEEK_SHARE))
    bare = not (items or escalated or silent)
    room = limit - (_BARE_FRAME if bare else _FRAME) - _ACCOUNT_FRAME * len(chat_morning.accounts)
    room -= _WARNING if any(item.rung > 0 for item in items) else 0
    kept = min(sum(escalated[:1]) + sum(silent[:1]) + week, room // 2)
    weights = [_weight(item) + beside for item in items[:FULL_ITEMS]]
    full = max(_count_fitting(weights, room - kept), min(1, len(items)))
    room -= sum(weights[:full])
    told_late = max(_count_fitting(escalated[:_LINES], room - week), min(1, len(escalated)))
    room -= sum(escalated[:told_late])
    told_silent = max(_count_fitting(silent[:_LINES], room - week), min(1, len(silent)))
    room -= sum(silent[:told_silent])
    names = [_name_weight(item) + beside for item in items[full:]]
    named = max(_count_fitting(names, room - week), min(1, len(names)))
    room -= sum(names[:named])
    return Layout(items, full, full + named, told_late, told_silent, room)


def _by_urgency(items: Iterable[DueItem]) -> list[DueItem]:
    """Sort by due date; what was due before tracking follows, and then what has no date."""
    return sorted(
        items,
        key=lambda item: (
            item.is_undated,
            item.is_ended,
            date.max if item.is_undated else item.due_on,
            item.row.plan_code,
            item.row.id if item.is_undated else 0,
            item.row.code,
            item.row.id,
        ),
    )


def _count_fitting(weights: Sequence[int], room: int) -> int:
    """Return how many of the first weights fit into the room."""
    for count, weight in enumerate(weights):
        room -= weight
        if room < 0:
            return count
    return len(weights)


def _line_weights(items: Iterable[DueItem]) -> list[int]:
    """Return the characters of the lines that tell the items of several agencies."""
    lines: dict[tuple[Any, ...], int] = {}
    for item in items:
        key = line_key(item.row, item.due_on)
        lines.setdefault(key, _LINE_FRAME + len(obligation_title(item.row)))
    return list(lines.values())


def _name_weight(item: DueItem) -> int:
    return _NAME_FRAME + len(obligation_title(item.row))


def _weight(item: DueItem) -> int:
    row = item.row
    words = len(obligation_title(row)) + len(row.due_words or "") + len(row.clause or "")
    words += 0 if row.kind in TASK_KINDS else _FORM_FRAME
    return _ITEM_FRAME + words + (_UNDECIDED_FRAME + len(row.owner_name) if item.undecided else 0)
