"""What each chat reads of a province's week, as the second part of its morning.

Guarantees:
- A chat's parts stand in this order: leader, coordinator, agency.
- Nothing that the first part of the message tells is told again; what finds no room is counted.
- A part that could only count is left out.
- The same facts give the same words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.recipients import Recipient, list_recipients
from data.digests import queries as week_queries
from data.digests.kept_weeks import ScopeFacts, ScopeKey
from jobs.channel import Capabilities
from jobs.digests.leader_screen import leader_taps
from jobs.rendering.renderer import Content, Renderer

TEMPLATE = "digest"
_ASKED_ONCE = ("ended", "undated")  # sections of agencies that alone make no message
_HEAD = ("scope", "code", "name", "asked", "month", "leaders")
# Characters of a part's and a line's own words, beside those from its values.
_PART_FRAME = 170
_LINE_FRAMES = {
    "plans": 270,
    "figures": 360,
    "own": 90,
    "reports": 150,
    "overdue": 150,
    "due": 90,
    "requests": 240,
    "chats": 300,
    "quota": 420,
}
_LINE_FRAME, _DUTY_FRAME = 180, 100
_FIGURES = "figures"  # the section with which a leaders' part begins
_DECIDE = "Mở để quyết định"
_LONGEST_ACTION = 64  # bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What one chat reads of a week. keys: of its facts; pictured: key of the facts in its picture.

    is_extra: it is told only with something else: it repeats what was asked once, or its account is near a cap.
    leaders_of: the code of the agency whose leaders read it, if leaders do.
    """

    place: Recipient
    agency_id: int
    keys: Sequence[ScopeKey]
    pictured: ScopeKey | None
    is_extra: bool = False
    leaders_of: str | None = None


async def build_letters(
    connection: AsyncConnection,
    province: str,
    facts: Mapping[ScopeKey, ScopeFacts],
    *,
    today: date,
    near_cap_ids: Collection[int],
) -> list[Letter]:
    """Return the letters of a province's week, for chats with news.

    near_cap_ids: accounts near a monthly cap; they carry no picture.
    """
    letters: list[Letter] = []
    for place, agency, keys in await _load_recipients(connection, province, today):
        parts = tuple(key for key in keys if facts.get(key, {}).get("lines"))
        above = [key for key in parts if key[0] != "agency"]
        is_near = place.account_id in near_cap_ids
        if parts:
            pictured = above[0] if above and not is_near else None
            is_extra = not above and (is_near or not any(_has_news(facts[key]) for key in parts))
            leaders_of = agency.code if any(key[0] == "province" for key in keys) else None
            letters.append(Letter(place, agency.id, parts, pictured, is_extra, leaders_of))
    return letters


def _has_news(facts: ScopeFacts) -> bool:
    return any(line["section"] not in _ASKED_ONCE for line in facts["lines"])


async def _load_recipients(
    connection: AsyncConnection, province: str, today: date
) -> list[tuple[Recipient, Any, list[ScopeKey]]]:
    """Return each chat of a province with its agency's row, a leader's first, and the keys of its facts."""
    agencies = {
        row.id: row for row in await week_queries.list_province_agencies(connection, province)
    }
    by_chat: dict[int, tuple[Recipient, Any, dict[ScopeKey, None]]] = {}
    for role in ("leader", "coordinator", "focal"):
        for agency_id, every in (
            await list_recipients(connection, agencies, roles=(role,), today=today)
        ).items():
            agency = agencies[agency_id]
            for place in every:
                _, _, keys = by_chat.setdefault(place.chat_id, (place, agency, {}))
                if role == "leader":
                    keys["province", ""] = None
                    continue
                if role == "coordinator":
                    keys["coordinator", agency.code] = None
                keys["agency", agency.code] = None
    order = ("province", "coordinator", "agency")
    return [
        (place, agency, sorted(keys, key=lambda key: order.index(key[0])))
        for place, agency, keys in by_chat.values()
    ]


def weekly_part(
    parts: Sequence[ScopeFacts],
    *,
    week_on: date,
    told: Collection[int] = (),
    room: int | None = None,
) -> dict[str, Any] | None:
    """Return the context of a message's weekly part, or None where it would tell no line.

    told: the obligations of the first part. room: characters; what finds none is counted as "cut".
    """
    heads, lines = _untold(parts, told)
    shown = lines if room is None else _fitting(lines, room)
    if all(line.get("more") for line in shown):
        return None  # nothing, or only how many more there are
    return {
        "week_on": week_on.isoformat(),
        "on": parts[0]["on"],
        "parts": heads,
        "coordinators": list(dict.fromkeys(n for part in parts for n in part["coordinators"])),
        "lines": shown,
        "cut": len(lines) - len(shown),
        "taps": _taps(shown),
    }


def _taps(lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return the buttons under a leaders' part: label and action."""
    taps = [(label, f"go:{name}:{words}") for (name, words), label in leader_taps(lines)]
    if any(line["section"] == "own" for line in lines):
        taps.insert(0, (_DECIDE, "go:status:"))
    return [tap for tap in taps if len(tap[1].encode()) <= _LONGEST_ACTION]


def weigh_part(parts: Sequence[ScopeFacts], told: Collection[int]) -> int:
    """Return at least the characters that the whole weekly part takes."""
    heads, lines = _untold(parts, told)
    return sum(map(_weigh, lines)) + (_PART_FRAME * len(heads) if lines else 0)


def _untold(
    parts: Sequence[ScopeFacts], told: Collection[int]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    heads: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for place, part in enumerate(parts):
        counts, untold = _leave_out(part, frozenset(told))
        heads.append({**{key: part.get(key) for key in _HEAD}, "counts": counts})
        lines += [{**line, "part": place} for line in untold]
    return heads, lines


def _leave_out(
    part: ScopeFacts, told: frozenset[int]
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Return a part's counts and lines without what is told already.

    A line of several agencies is left out once all of them are told.
    """
    counts = dict(part["counts"])
    by_section = part.get("ids", {})
    counts |= {section: len(set(ids) - told) for section, ids in by_section.items()}
    lines = [line for line in part["lines"] if not line.get("ids") or set(line["ids"]) - told]
    shown = [line for line in lines if not line.get("more")]
    left: list[dict[str, Any]] = []
    for line in lines:
        if line.get("more") and line["section"] in by_section:
            section = line["section"]
            more = counts[section] - sum(each["section"] == section for each in shown)
            if more > 0:
                left.append({**line, "more": more})
        elif line["section"] not in by_section or counts[line["section"]]:
            left.append(line)
    return counts, left


def _fitting(lines: Iterable[dict[str, Any]], room: int) -> list[dict[str, Any]]:
    """Return the lines that find room, in their order; of a section that is not whole no count of others.

    A leaders' part without its figures tells nothing.
    """
    shown: list[dict[str, Any]] = []
    skipped: set[tuple[int, str]] = set()
    part = -1
    for line in lines:
        section = (line["part"], line["section"])
        weight = _weigh(line) + (_PART_FRAME if line["part"] != part else 0)
        fits = weight <= room and (line["part"], _FIGURES) not in skipped
        if not fits or (line.get("more") and section in skipped):
            skipped.add(section)
            continue
        room -= weight
        part = line["part"]
        shown.append(line)
    return shown


def _weigh(line: Mapping[str, Any]) -> int:
    """Return at least the characters that a line takes."""
    frame = _LINE_FRAMES.get(line["section"], _LINE_FRAME)
    return frame + _DUTY_FRAME * len(line.get("duties", ())) + _count_letters(line)


def _count_letters(value: Any) -> int:
    if isinstance(value, str):
        return len(value) + 2
    if isinstance(value, Mapping):
        return sum(map(_count_letters, value.values()))
    if isinstance(value, Sequence):
        return sum(map(_count_letters, value))
    return 0


def redraw_part(
    renderer: Renderer, parts: Sequence[ScopeFacts], *, week_on: date, channel: Capabilities
) -> str:
    """Return the text that shows some facts in full on a channel."""
    context = weekly_part(parts, week_on=week_on)
    content = Content(TEMPLATE, {"week": context}, ())
    return renderer.render(content, channel, repeated=False, plain=False, address="").text
