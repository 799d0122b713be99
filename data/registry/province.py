"""A province's agencies as of a date: named by words, members of groups, successors. Pure.

Guarantees:
- Words that name no agency, or two equally, resolve to None; nothing is guessed.
- Work that was split among agencies is marked as needing a decision.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from data.registry.agency_kinds import AgencyGroup, group_of_kind, is_generic
from data.registry.schema import (
    OUTSIDE_KINDS,
    AgencyEntry,
    GroupEntry,
    ProvinceFile,
    SuccessionEntry,
)
from data.text import collapse_whitespace, fold, spelling_key

_JOINTS = re.compile(r" ?(?:;|,|\bvà\b) ?")  # in words with single spaces

_LONGEST_WORDS = 1000
_MOST_CACHED = 2000  # member lists of a group on a day


@dataclass(frozen=True, slots=True)
class Successors:
    """The agencies that do an agency's work as of a date; among several a person decides."""

    codes: tuple[str, ...]
    needs_decision: bool


class Province:
    """One province's file with its lookup tables."""

    def __init__(self, file: ProvinceFile) -> None:
        self.file = file
        self.code = file.province
        self.name = file.name
        self.agencies: dict[str, AgencyEntry] = {entry.code: entry for entry in file.agencies}
        self.groups: dict[str, GroupEntry] = {entry.code: entry for entry in file.groups}
        self.positions = {entry.code: index for index, entry in enumerate(file.agencies)}

    def entries(self) -> list[AgencyEntry | GroupEntry]:
        """Return all agencies, then all groups, in the file's order."""
        return [*self.file.agencies, *self.file.groups]

    def leaders_of(self, code: str | None = None) -> str:
        """Return how a letter addresses an agency's leaders; None: those of the People's Committee."""
        committees = (entry for entry in self.file.agencies if entry.kind == "committee")
        entry = next(committees, None) if code is None else self.agencies[code]
        if entry is None:
            return f"Lãnh đạo {self.name}"
        name = entry.short or entry.name
        return f"Lãnh đạo {name}" + (f" {self.name}" if entry.kind == "committee" else "")

    def resolve(self, words: str) -> AgencyEntry | GroupEntry | None:
        """Return the one agency or group that words name, or None where none or several match."""
        exact = self._by_words.get(spelling_key(words))
        if exact is not None:
            return exact
        return self._by_fold.get(fold(words))

    def resolve_all(self, words: str) -> list[AgencyEntry | GroupEntry]:
        """Return every agency or group named in a phrase that may join several ("UBND tỉnh, Ban …").

        The whole phrase is tried first, then its parts, longest first. Parts that name nothing are left out.
        """
        whole = self.resolve(words)
        if whole is not None:
            return [whole]
        words = collapse_whitespace(words)
        if len(words) > _LONGEST_WORDS:  # no list of agencies; the loop below would take too long
            return []
        parts = [part for part in _JOINTS.split(words) if part]
        joints = _JOINTS.findall(words)
        found: list[AgencyEntry | GroupEntry] = []
        index = 0
        while index < len(parts):
            for end in range(len(parts), index, -1):
                phrase = parts[index]
                for offset in range(index, end - 1):
                    phrase += joints[offset] + parts[offset + 1]
                entry = self.resolve(phrase)
                if entry is not None:
                    found.append(entry)
                    index = end
                    break
            else:
                index += 1
        return found

    def find(self, words: str, *, on: date | None = None) -> list[AgencyEntry]:
        """Return the agencies that words may mean: by exact name, else by initials, else by some words.

        Initials match with or without the first word and spaces ("SKHCN", "so khcn", "Sở KH&CN").
        on: leave out agencies that do not exist on that date, unless their exact name is given.
        What many are called ("xã", "sở") names none, even where there is only one.
        """
        if is_generic(words):
            return []
        exact = self.agencies.get(words.strip()) or self.resolve(words)
        if isinstance(exact, AgencyEntry):
            return [exact]
        wanted = fold(words).split()
        if not wanted:
            return []
        by_initials = [
            entry
            for entry in self._by_initials.get("".join(wanted), ())
            if on is None or is_alive(entry, on)
        ]
        if by_initials:
            return by_initials
        return [
            entry
            for entry in self.file.agencies
            if (on is None or is_alive(entry, on))
            and all(word in self._searchable[entry.code].split() for word in wanted)
        ]

    def searchable(self, code: str) -> str:
        """Return an agency's names and spellings, folded."""
        return self._searchable[code]

    @cached_property
    def _searchable(self) -> dict[str, str]:
        return {entry.code: fold(" ".join(_names(entry))) for entry in self.file.agencies}

    @cached_property
    def _by_words(self) -> dict[str, AgencyEntry | GroupEntry]:
        table: dict[str, AgencyEntry | GroupEntry] = {}
        for entry in self.entries():
            for name in _names(entry):
                table.setdefault(spelling_key(name), entry)
        return table

    @cached_property
    def _by_fold(self) -> dict[str, AgencyEntry | GroupEntry | None]:
        table: dict[str, AgencyEntry | GroupEntry | None] = {}
        for entry in self.entries():
            for key in {fold(name) for name in _names(entry)}:
                # Two names that differ by marks alone are ambiguous without marks.
                table[key] = entry if table.get(key, entry) is entry else None
        return table

    @cached_property
    def _by_initials(self) -> dict[str, list[AgencyEntry]]:
        table: dict[str, list[AgencyEntry]] = {}
        for entry in self.file.agencies:
            keys: set[str] = set()
            for name in _names(entry):
                words = fold(name).split()
                if not words:
                    continue
                initials = "".join(word[0] for word in words if word != "va")
                keys |= {"".join(words), initials, words[0] + initials[1:]}
            for key in keys:
                table.setdefault(key, []).append(entry)
        return table

    def members(self, group: GroupEntry, on: date, *, issued_on: date) -> list[AgencyEntry]:
        """Return a group's members as of a date, in the official order.

        A plan binds the territory of its province at issue: one issued before a merger of provinces leaves
        out the communes of the other province.
        """
        key = (group.code, on, issued_on)
        if key not in self._members:
            if len(self._members) >= _MOST_CACHED:
                self._members.clear()
            self._members[key] = self._find_members(group, on, issued_on)
        return list(self._members[key])

    def members_of_group(
        self, group: AgencyGroup, on: date, *, issued_on: date
    ) -> list[AgencyEntry]:
        """Return the agencies that people mean by "các sở" or "các xã" as of a date, as members() binds them."""
        return [
            entry
            for entry in self.file.agencies
            if group_of_kind(entry.kind) == group
            and is_alive(entry, on)
            and self._is_bound(entry, issued_on)
        ]

    def _find_members(self, group: GroupEntry, on: date, issued_on: date) -> list[AgencyEntry]:
        chosen: set[str] = set()
        for rule in group.members:
            if not _within(on, rule.valid_from, rule.valid_until):
                continue
            chosen.update(rule.agencies)
            chosen.update(
                entry.code
                for kind in rule.kinds
                for entry in self._by_kind.get(kind, ())
                if self._is_bound(entry, issued_on)
            )
        return [
            entry for entry in self.file.agencies if entry.code in chosen and is_alive(entry, on)
        ]

    def successor_of(self, code: str, on: date) -> Successors:
        """Return the agencies that do an agency's work as of a date, over as many hops as it takes.

        An agency that still exists succeeds itself. Where its work was split, all candidates are returned,
        the one with the bulk first, and needs_decision is true.
        """
        successors: list[str] = []
        needs_decision = False
        waiting = [code]
        seen = {code}
        while waiting:
            current = waiting.pop(0)
            passed = [s for s in self._passed.get(current, ()) if s.on <= on]
            if not passed:
                successors.append(current)
                continue
            needs_decision |= any(s.needs_decision for s in passed)
            for succession in sorted(passed, key=lambda s: s.part is not None):
                if succession.to not in seen:
                    seen.add(succession.to)
                    waiting.append(succession.to)
        return Successors(tuple(successors), needs_decision)

    def main_successor(self, code: str, on: date) -> str:
        """Return the agency that took over the bulk of an agency's work by a date.

        For reports and the coordinator's role; for tasks use successor_of. Where no bulk was named (a city
        that became several wards) the agency itself is returned.
        """
        seen = {code}
        while True:
            bulk = [s for s in self._passed.get(code, ()) if s.on <= on and s.part is None]
            if len(bulk) != 1 or bulk[0].to in seen:
                return code
            code = bulk[0].to
            seen.add(code)

    def is_outside(self, code: str) -> bool:
        """Tell whether an agency is outside the People's Committee (asked, never escalated)."""
        return self.agencies[code].kind in OUTSIDE_KINDS

    @cached_property
    def turning_days(self) -> tuple[date, ...]:
        """The days on which some agency or succession begins, in order."""
        days = {entry.valid_from for entry in self.file.agencies if entry.valid_from}
        days |= {succession.on for succession in self.file.successions}
        return tuple(sorted(days))

    def _is_bound(self, entry: AgencyEntry, issued_on: date) -> bool:
        merged_on = self.file.merged_on
        if merged_on is None or issued_on >= merged_on or entry.territory is None:
            return True
        return entry.territory == self.code

    @cached_property
    def _members(self) -> dict[tuple[str, date, date], list[AgencyEntry]]:
        return {}  # a cache: planning reads the same groups on the same days again and again

    @cached_property
    def _by_kind(self) -> dict[str, list[AgencyEntry]]:
        table: dict[str, list[AgencyEntry]] = {}
        for entry in self.file.agencies:
            table.setdefault(entry.kind, []).append(entry)
        return table

    @cached_property
    def _passed(self) -> dict[str, list[SuccessionEntry]]:
        table: dict[str, list[SuccessionEntry]] = {}
        for succession in self.file.successions:
            table.setdefault(succession.from_, []).append(succession)
        return table


def is_alive(entry: AgencyEntry, on: date) -> bool:
    """Tell whether an agency exists on a date."""
    return _within(on, entry.valid_from, entry.valid_until)


def _within(on: date, first: date | None, last: date | None) -> bool:
    return (first is None or first <= on) and (last is None or on <= last)


def _names(entry: AgencyEntry | GroupEntry) -> list[str]:
    names = [entry.name, *entry.spellings]
    if isinstance(entry, AgencyEntry) and entry.short:
        names.append(entry.short)
    return names
