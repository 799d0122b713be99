"""What a YAML text says, built while it is looked through for what is hostile: in one pass.

Promises the values that ruamel's safe loader gives, which looks at each text three times; whatever is rare
in our files (tags, merges, a key twice) is left to it, and so are all faults of syntax and value.
Anchors, aliases, depth, NUL and sheer number are refused before anything is built any further.
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
MAX_VALUES = 150_000  # beginnings, ends and values of one file; the largest shipped has about 6,000
_STRING = "tag:yaml.org,2002:str"
_NO_KEY = object()  # what is put next into a mapping is a key


class HostileYaml(Exception):
    """Raised where a text is refused; line and message say why, in Vietnamese."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class _Rare(Exception):
    """Raised for what ruamel is left to build, or to refuse."""


def build_yaml(text: str) -> Any:
    """Return what a text of one document says, or raise Hostile or what ruamel raises."""
    events = _unharmful(text)
    try:
        found = _built(events)
    except _Rare:
        for _ in events:  # the rest is looked at, too, before ruamel gets it
            pass
        found = YAML(typ="safe").load(text)
    return found


def _unharmful(text: str) -> Iterator[Any]:
    """Yield the events, which takes no recursion, as long as there is no harm in them."""
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


def _built(events: Iterator[Any]) -> Any:
    documents: list[Any] = []
    plain = _Plain()
    place: Any = documents  # the list or mapping that is being filled
    key: Any = _NO_KEY
    around: list[tuple[Any, Any]] = []  # the places around it, each with its key
    for event in events:
        kind = type(event)
        if kind is ScalarEvent:
            if event.ctag is not None:
                raise _Rare
            value = plain[event.value] if event.implicit[0] else event.value
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


class _Plain(dict[str, Hashable]):
    """What unquoted words mean: text, a number, a date, nothing; each is looked at once."""

    def __init__(self) -> None:
        super().__init__()
        self._yaml = YAML(typ="safe")

    def __missing__(self, words: str) -> Hashable:
        tag = self._yaml.resolver.resolve(ScalarNode, words, (True, False))
        value: Hashable = words
        if str(tag) != _STRING:
            try:
                value = self._yaml.constructor.construct_object(ScalarNode(tag, words))
            except Exception as fault:  # a merge, a date that is none: ruamel knows, or tells where
                raise _Rare from fault
        self[words] = value
        return value
