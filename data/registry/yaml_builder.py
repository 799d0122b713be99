"""Build the values of a YAML text and refuse hostile content, in one pass over ruamel's events.

Guarantees:
- The values equal those of ruamel's safe loader, which needs three passes.
- Anchors, aliases, deep nesting, NUL and too many values are refused before more is built.

Rare content (tags, merges, a repeated key) and all faults of syntax and value are left to ruamel.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import ScalarNode

MAX_DEPTH = 20
MAX_VALUES = 150_000  # events of one file; the largest shipped has about 6,000
_STRING = "tag:yaml.org,2002:str"
_NO_KEY = object()  # the next value of a mapping is a key


class HostileYaml(Exception):
    """A text was refused; message gives the reason, in Vietnamese."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class _Rare(Exception):
    """Content that is left to ruamel, to build or to refuse."""


def build_yaml(text: str) -> Any:
    """Return the value of a text of one document; raises HostileYaml, or the errors of ruamel."""
    events = _checked_events(text)
    try:
        return _build(events)
    except _Rare:
        for _ in events:  # check the rest, too, before ruamel gets it
            pass
        return YAML(typ="safe").load(text)


def _checked_events(text: str) -> Iterator[Any]:
    """Yield the events of a text, without recursion, until one is hostile."""
    depth = 0
    for values, event in enumerate(YAML(typ="safe").parse(text)):
        kind = type(event)
        if kind is AliasEvent or getattr(event, "anchor", None) is not None:
            message = (
                "không dùng dấu & và * (anchor, alias). Hãy viết đầy đủ, hoặc đặt trong ngoặc kép."
            )
            raise HostileYaml(event.start_mark.line + 1, message)
        if kind is ScalarEvent:
            if "\x00" in event.value:  # PostgreSQL keeps it in no text
                message = "có ký tự NUL (\\0). Hãy xoá ký tự này."
                raise HostileYaml(event.start_mark.line + 1, message)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            depth += 1
            if depth > MAX_DEPTH:
                message = "lồng nhau quá sâu. Hãy kiểm tra lại tệp."
                raise HostileYaml(event.start_mark.line + 1, message)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            depth -= 1
        if values > MAX_VALUES:
            message = "quá nhiều mục. Hãy chia thành nhiều tệp."
            raise HostileYaml(event.start_mark.line + 1, message)
        yield event


def _build(events: Iterator[Any]) -> Any:
    documents: list[Any] = []
    scalars = _PlainScalars()
    place: Any = documents  # the list or mapping that is being filled
    key: Any = _NO_KEY
    around: list[tuple[Any, Any]] = []  # the places around it, each with its key
    for event in events:
        kind = type(event)
        if kind is ScalarEvent:
            if event.ctag is not None:
                raise _Rare
            value = scalars[event.value] if event.implicit[0] else event.value
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if event.ctag is not None:
                raise _Rare
            around.append((place, key))
            place, key = ({} if kind is MappingStartEvent else []), _NO_KEY
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            value = place
            place, key = around.pop()
        else:
            if kind is DocumentStartEvent and documents:  # a second one
                raise _Rare
            continue
        if type(place) is list:
            place.append(value)
        elif key is not _NO_KEY:
            place[key] = value
            key = _NO_KEY
        elif type(value) in (list, dict) or value in place:
            raise _Rare
        else:
            key = value
    return documents[0] if documents else None


class _PlainScalars(dict[str, Hashable]):
    """The values of unquoted words: text, a number, a date, null; each is resolved once."""

    def __init__(self) -> None:
        super().__init__()
        self._yaml = YAML(typ="safe")

    def __missing__(self, words: str) -> Hashable:
        tag = self._yaml.resolver.resolve(ScalarNode, words, (True, False))
        value: Hashable = words
        if str(tag) != _STRING:
            try:
                value = self._yaml.constructor.construct_object(ScalarNode(tag, words))
            except Exception as fault:  # a merge or an invalid date: ruamel handles it
                raise _Rare from fault
        self[words] = value
        return value
