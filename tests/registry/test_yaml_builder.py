"""A text is built in one pass, to the values of ruamel's safe loader."""

from __future__ import annotations

from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from data.registry.yaml_builder import MAX_VALUES, HostileYaml, build_yaml

SHIPPED = sorted((Path(__file__).parents[2] / "data").rglob("*.yaml"))
PLAIN = (
    *("1", "-1", "+1", "1_000", "0o7", "0x1f", "08", "0b11", "1e3", ".5", "1.0", ".inf", "12:30"),
    *("true", "True", "yes", "on", "null", "~", "", "-", "=", "a: =", "# chỉ ghi chú", "\n\n"),
    *("2026-01-05", "2026-1-5", "2026-01-05T10:00:00Z", "2026-02-30", "tỉnh Gia Lai", "'2026'"),
)
RARE = (
    *(
        "a: 1\na: 2",
        "{<<: {a: 1}}",
        "'<<': 1",
        "=: 3",
        "1: a\ntrue: b",
        "? [a]\n: b",
        "1: a\nnull: b",
    ),
    *("!!int 3", "!!int x", "!x y", "! 3", "!!set {a, b}", "a: !!str 3"),
    *(
        "%YAML 1.1\n---\nyes",
        "%TAG ! !x\n---\n!int 1",
        "a\n---\nb",
        "---\n...",
        "- 1\n- '1'\n- null",
        "a: |\n  x\n  y\n",
    ),
    *("[1,2", "a: b: c", "\t- a", "'"),
)


def said(how: Any, text: str) -> str:
    """Return what is built of a text, with its types, or which fault is found on which line."""
    try:
        return repr(how(text))
    except YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        return f"{type(fault).__name__} {mark.line if mark else ''}"
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        return type(fault).__name__


def by_ruamel(text: str) -> Any:
    return YAML(typ="safe").load(text)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_file_is_built_as_ruamel_builds_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert said(build_yaml, text) == said(by_ruamel, text)


@pytest.mark.parametrize("text", [*PLAIN, *RARE])
def test_plain_words_and_what_is_rare_mean_what_ruamel_says(text: str) -> None:
    assert said(build_yaml, text) == said(by_ruamel, text)


def test_unquoted_words_of_one_text_keep_their_kinds() -> None:
    assert build_yaml("a: 2026\nb: '2026'\nc: 2026-01-05\nd:\ne: [yes, true]\n2026: x") == {
        "a": 2026,
        "b": "2026",
        "c": date(2026, 1, 5),
        "d": None,
        "e": ["yes", True],
        2026: "x",
    }


WORDS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS
    | st.dates() | st.sampled_from(PLAIN),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(value=VALUES, is_flow=st.booleans())
def test_whatever_was_written_is_built_as_ruamel_builds_it(value: Any, is_flow: bool) -> None:
    writer, written = YAML(typ="safe"), StringIO()
    writer.default_flow_style = is_flow
    try:
        writer.dump(value, written)
    except YAMLError:
        return  # a character that YAML does not hold
    text = written.getvalue()
    if "&" in text or "*" in text:  # refused, or the writer's own way to say a thing twice
        return
    assert said(build_yaml, text) == said(by_ruamel, text)


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="ab1-:?[]{}'\",|>!%#~=< \n\t.0", max_size=24))
def test_any_text_is_built_or_refused_as_ruamel_does(text: str) -> None:
    assert said(build_yaml, text) == said(by_ruamel, text)


@pytest.mark.parametrize("text", ["a: 1\na: 2\nb: &x 1", "!x y: [&a 1]", "- &a x\n- *a"])
def test_what_is_left_to_ruamel_is_looked_through_to_its_end_first(text: str) -> None:
    with pytest.raises(HostileYaml):
        build_yaml(text)


@pytest.mark.slow
def test_more_values_than_any_file_has_are_refused_with_the_line_they_are_reached_at() -> None:
    with pytest.raises(HostileYaml, match="quá nhiều mục") as refused:
        build_yaml("- 1\n" * (MAX_VALUES + 10))
    assert MAX_VALUES - 10 < refused.value.line <= MAX_VALUES
