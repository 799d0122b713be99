"""The house: who may import whom, where each library lives, and that nothing is left undocumented."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from bot.config import list_setting_names

TOP = Path(__file__).parent.parent
LAYERS = {"data": {"data"}, "jobs": {"data", "jobs"}, "bot": {"data", "jobs", "bot"}}
MOST_LINES = 330
MODULES = sorted(path for layer in LAYERS for path in (TOP / layer).rglob("*.py"))
ONLY_IN = {
    "apscheduler": {"jobs/schedule.py"},
    "telegram": {"bot/channels/telegram/channel.py", "bot/channels/telegram/request.py"},
}
# Each takes some ten megabytes.
NOT_HELD = {
    "alembic",
    "docx",
    "docxtpl",
    "icalendar",
    "matplotlib",
    "openpyxl",
    "psycopg",
    "xlsxwriter",
}


def name_of(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return what a module says by which something comes into it, in one walk for all questions."""
    asked = (ast.Import, ast.ImportFrom, ast.Attribute)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(node for node in ast.walk(tree) if isinstance(node, asked))


@cache
def imported(path: Path) -> set[str]:
    """Return the top-level packages that a module imports, wherever in it."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_no_module_imports_a_layer_above_its_own() -> None:
    upwards = {
        name_of(path): imported(path) & LAYERS.keys() - LAYERS[path.relative_to(TOP).parts[0]]
        for path in MODULES
    }
    assert {name: layers for name, layers in upwards.items() if layers} == {}


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_in_its_one_place(library: str) -> None:
    assert {name_of(path) for path in MODULES if library in imported(path)} <= ONLY_IN[library]


@pytest.mark.slow
def test_a_service_that_idles_holds_no_library_that_only_some_work_needs() -> None:
    command = "import sys, bot.cli.main, bot.app, bot.cli.run; print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    assert NOT_HELD & set(told.stdout.split()) == set()


def test_the_environment_is_read_in_config_alone() -> None:
    readers = set()
    for path in MODULES:
        for node in nodes(path):
            is_attribute = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            is_name = isinstance(node, ast.ImportFrom) and any(
                alias.name in ("environ", "getenv") for alias in node.names
            )
            if is_attribute or is_name:
                readers.add(name_of(path))
    assert readers == {"bot/config.py"}


def test_every_module_stays_readable_in_one_sitting() -> None:
    lengths = {
        name_of(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in MODULES
        if "migrations" not in path.parts  # a migration is written once and not lived in
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_the_example_names_every_setting_once_each_with_a_line_of_why() -> None:
    lines = (TOP / ".env.example").read_text(encoding="utf-8").splitlines()
    places = {line.partition("=")[0]: index for index, line in enumerate(lines) if "=" in line}
    settings = {name: index for name, index in places.items() if name.startswith("NHACVIEC_")}
    assert set(settings) == set(list_setting_names())
    assert all(lines[index - 1].startswith("# ") for index in settings.values())


def test_nothing_of_the_registry_is_ignored() -> None:
    ignored = (TOP / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert not [line for line in ignored if line.strip("/").startswith("data")]


def test_every_pin_has_a_hash_and_no_index_address_stands_in_the_requirements() -> None:
    text = (TOP / "requirements.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    for pin in text.replace(" \\\n", " ").splitlines():
        if "==" in pin and not pin.lstrip().startswith("#"):
            assert "--hash=sha256:" in pin, pin
