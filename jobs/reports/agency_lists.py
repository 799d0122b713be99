"""Lists of agencies as official texts have them: named up to seven, grouped by kind, else counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST_NAMED = 7
_OTHERS = "các cơ quan, đơn vị khác"
# Opening of a name, and the words for several of its kind.
_KINDS = (
    ("Sở ", "các Sở"),
    ("UBND xã ", "UBND các xã"),
    ("UBND phường ", "UBND các phường"),
    ("UBND đặc khu ", "UBND các đặc khu"),
    ("UBND huyện ", "UBND các huyện"),
)
_COMMUNES = tuple(opening for opening, _ in _KINDS[1:])
_COUNTED = (
    ("sở, ban, ngành và cơ quan cấp tỉnh", False),
    ("UBND cấp xã", True),
)


def group_agencies(names: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Return names by kind: ("các Sở", ["Tài chính", "Xây dựng"]); others, in full, come last."""
    groups: dict[str, list[str]] = {words: [] for _, words in _KINDS}
    others: list[str] = []
    for name in dict.fromkeys(names):
        opening, words = next((kind for kind in _KINDS if name.startswith(kind[0])), ("", ""))
        if opening:
            groups[words].append(name[len(opening) :])
        else:
            others.append(name)
    found = [(words, rest) for words, rest in groups.items() if rest]
    return [*found, (_OTHERS, others)] if others else found


def name_agencies(names: Sequence[str]) -> str:
    """Return the names in one phrase: "các Sở: Tài chính, Xây dựng; UBND xã Gào"."""
    parts = []
    openings = {words: opening for opening, words in _KINDS}
    for words, rest in group_agencies(names):
        if words == _OTHERS:
            parts += rest
        elif len(rest) == 1:
            parts.append(f"{openings[words]}{rest[0]}")
        else:
            separator = "; " if any("," in name for name in rest) else ", "
            parts.append(f"{words}: {separator.join(rest)}")
    return "; ".join(parts)


def name_or_count(names: Sequence[str]) -> str:
    """Return the names, or counts by kind where there are more than seven: "19 sở, ban, ngành …"."""
    names = list(dict.fromkeys(names))
    if len(names) <= MOST_NAMED:
        return name_agencies(names)
    communes = sum(name.startswith(_COMMUNES) for name in names)
    counts = {False: len(names) - communes, True: communes}
    return "; ".join(
        f"{counts[is_commune]:02} {words}" for words, is_commune in _COUNTED if counts[is_commune]
    )


def name_speakers(names: Sequence[str]) -> str:
    """Return who said the same: bodies of the province by name where few, communes counted."""
    names = list(dict.fromkeys(names))
    bodies = [name for name in names if not name.startswith(_COMMUNES)]
    if len(names) <= MOST_NAMED or len(bodies) > MOST_NAMED:
        return name_or_count(names)
    communes = f"{len(names) - len(bodies):02} UBND cấp xã"
    return f"{name_agencies(bodies)} và {communes}" if bodies else communes
