"""Names: one word one meaning over the whole house, and words that were retired stay away."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict

from tests.support.sources import MODULES as ALL_MODULES
from tests.support.sources import path_name, source, tree

MODULES = [path for path in ALL_MODULES if "migrations" not in path.parts]
# Defined more than once, on purpose: the same thing of several messengers.
SHARED: dict[str, str] = {}
# Names of the house as it was before its subjects were packages; docs/decisions/32 says why they went.
RETIRED_NAMES = {
    "Ahead", "Alike", "Answerable", "Arriving", "Bag", "Ended", "Hostile", "Known", "Laid", "Outlook",
    "Overlay", "Owed", "Said", "Saying", "Standing", "Tenure", "Unsaid", "add_to", "bags", "change_alike",
    "give_up", "give_way", "gives_way", "held_alike", "laid_over", "let_go", "pass_over", "read_alike",
    "scarce", "take_back", "tenure", "tenures", "told", "without_unseen",
}  # fmt: skip
RETIRED_WORDS = re.compile(
    r"\b(promises|reckon\w*|whoever|let go|lets go|laid over|tenure|in hand)\b", re.IGNORECASE
)
LONGEST_FIRST_LINE = 120


def test_no_class_or_public_function_is_defined_twice() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        for node in tree(path).body:
            is_definition = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if is_definition and not node.name.startswith("_"):
                places[node.name].append(path_name(path))
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert set(twice) == set(SHARED), twice


def test_names_that_were_retired_do_not_come_back() -> None:
    found = defaultdict(set)
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found[path_name(path)].update(RETIRED_NAMES & {node.name})
    assert {module: names for module, names in found.items() if names} == {}


def test_words_that_were_retired_do_not_come_back_in_docstrings_and_comments() -> None:
    found: dict[str, list[str]] = {}
    for path in (path for path in MODULES if RETIRED_WORDS.search(source(path))):
        texts = [
            ast.get_docstring(node) or ""
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        tokens = tokenize.generate_tokens(io.StringIO(source(path)).readline)
        texts += [token.string for token in tokens if token.type == tokenize.COMMENT]
        words = [found.group() for text in texts for found in RETIRED_WORDS.finditer(text)]
        if words:
            found[path_name(path)] = words
    assert found == {}


def test_every_module_says_in_one_line_what_is_inside() -> None:
    bad = {}
    for path in MODULES:
        lines = (ast.get_docstring(tree(path)) or "").splitlines()
        if not lines or len(lines[0]) > LONGEST_FIRST_LINE or (len(lines) > 1 and lines[1]):
            bad[path_name(path)] = lines[:2]
    assert bad == {}


def test_no_module_is_a_prefix_that_wants_to_be_a_package() -> None:
    assert [path_name(path) for path in MODULES if "__" in path.stem.strip("_")] == []
