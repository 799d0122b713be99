"""The pages that people read: short, whole, and true of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
DECISIONS = sorted((TOP / "docs" / "decisions").glob("*.md"))
PAGES = [
    TOP / "README.md",
    TOP / "README.vi.md",
    TOP / "ARCHITECTURE.md",
    TOP / "CONTRIBUTING.md",
    TOP / "docs" / "machines.md",
    TOP / "docs" / "capacity.md",
    *DECISIONS,
]
LINKED = [*PAGES, TOP / "SECURITY.md", *sorted((TOP / "docs").glob("*.md"))]
MAX_CHARACTERS = {"README.md": 6_000, "README.vi.md": 6_000, "ARCHITECTURE.md": 12_000}
MAX_WORDS = 60


def page_name(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def paragraphs(text: str) -> list[str]:
    """Return what is neither code, table nor heading; an item of a list is a paragraph of its own."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    parts = re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", prose)
    return [
        part for part in map(str.strip, parts) if part and not part.startswith(("|", "#", "!["))
    ]


@pytest.mark.parametrize("name", MAX_CHARACTERS)
def test_a_page_is_read_within_a_few_screens(name: str) -> None:
    assert len(read(TOP / name)) <= MAX_CHARACTERS[name]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_no_paragraph_is_longer_than_sixty_words(page: Path) -> None:
    long = {part[:60]: len(part.split()) for part in paragraphs(read(page))}
    assert {start: words for start, words in long.items() if words > MAX_WORDS} == {}


def test_a_paragraph_of_sixty_one_words_would_be_found() -> None:
    text = "# Title\n\n" + "word " * 61 + "\n\n| a table | " + "cell " * 80 + "|\n\n- one\n- two\n"
    assert [len(part.split()) for part in paragraphs(text)] == [61, 2, 2]


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:2]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_context_decision_and_consequence(page: Path) -> None:
    text = read(page)
    assert text.startswith(f"# {int(page.name[:2])}. ")
    parts = re.findall(r"^\*\*(\w+)\.\*\* ", text, flags=re.MULTILINE)
    assert parts in (
        ["Context", "Decision", "Consequence"],
        ["Context", "Decision", "Consequence", "Tried"],
    )


def test_every_promise_of_the_security_page_names_the_tests_that_hold_it() -> None:
    table = read(TOP / "SECURITY.md").partition("| held by |\n")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[1:]]
    assert len(rows) > 10
    assert {row[0]: len(row) for row in rows if len(row) != 3} == {}
    assert {row[0] for row in rows if not re.search(r"`tests/[\w/]+\.py`", row[2])} == set()


@pytest.mark.parametrize("page", LINKED, ids=page_name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = read(page)
    linked = {target.partition("#")[0] for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", text)}
    missing = {target for target in linked if target and not (page.parent / target).exists()}
    code = "bot|jobs|data|tests|templates|benchmarks|docs|deploy"
    named = set(re.findall(rf"`((?:{code})/[\w./-]*)`", text))
    missing |= {path for path in named if not (TOP / path).exists()}
    assert missing == set()


def test_each_way_to_add_something_takes_at_most_five_steps() -> None:
    ways = re.split(r"^## ", read(TOP / "CONTRIBUTING.md"), flags=re.MULTILINE)[1:]
    steps = {way.splitlines()[0]: len(re.findall(r"^\d\. ", way, re.MULTILINE)) for way in ways}
    adding = {name: count for name, count in steps.items() if name.startswith("Add ")}
    assert len(adding) == 6
    assert set(adding.values()) <= {4, 5}
