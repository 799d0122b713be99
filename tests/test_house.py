"""The house: who may import whom, what each package keeps to itself, and where each library lives."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from bot.config import list_setting_names
from tests.support.sources import MODULES, TOP, path_name, tree

LAYERS = {"data": {"data"}, "jobs": {"data", "jobs"}, "bot": {"data", "jobs", "bot"}}
MAX_LINES = 330
ONLY_IN = {
    "apscheduler": {"jobs/schedule.py"},
    "telegram": {"bot/channels/telegram/channel.py", "bot/channels/telegram/request.py"},
}
# Each takes some ten megabytes.
NOT_LOADED_WHILE_IDLE = {
    "alembic",
    "docx",
    "docxtpl",
    "icalendar",
    "matplotlib",
    "openpyxl",
    "psycopg",
    "xlsxwriter",
}

# Who may import whom inside a floor, besides GROUND. A package is a folder, or a module that stands alone.
GROUND = {"data.clock", "data.text", "data.log", "data.models", "data.db", "data.os_errors"}
MAY_IMPORT: dict[str, set[str]] = {
    "bot.__main__": {"bot.cli"},
    "bot.app": {
        "bot.config",
        "bot.conversation.commands",
        "bot.conversation.router",
        "bot.service",
        "bot.web",
    },
    "bot.channels": {"bot.config"},
    "bot.cli": {
        "bot.app",
        "bot.channels",
        "bot.config",
        "bot.conversation.reader",
        "bot.errors",
        "bot.health",
        "bot.sandbox",
        "bot.service",
        "bot.web",
    },
    "bot.config": {"bot.errors"},
    "bot.conversation.commands": {
        "bot.conversation.contacts",
        "bot.conversation.context",
        "bot.conversation.decisions",
        "bot.conversation.queries",
        "bot.conversation.targets",
    },
    "bot.conversation.contacts": {"bot.conversation.context", "bot.conversation.reader"},
    "bot.conversation.decisions": {
        "bot.conversation.context",
        "bot.conversation.lists",
        "bot.conversation.reader",
    },
    "bot.conversation.lists": {"bot.conversation.context"},
    "bot.conversation.queries": {
        "bot.conversation.contacts",
        "bot.conversation.context",
        "bot.conversation.reader",
    },
    "bot.conversation.replies": {
        "bot.conversation.context",
        "bot.conversation.decisions",
        "bot.conversation.lists",
        "bot.conversation.reader",
        "bot.conversation.targets",
    },
    "bot.conversation.router": {
        "bot.conversation.commands",
        "bot.conversation.contacts",
        "bot.conversation.context",
        "bot.conversation.queries",
        "bot.conversation.replies",
    },
    "bot.conversation.targets": {
        "bot.conversation.context",
        "bot.conversation.lists",
        "bot.conversation.reader",
    },
    "bot.health": {"bot.channels"},
    "bot.sandbox": {"bot.channels", "bot.config", "bot.conversation.router", "bot.web"},
    "bot.service": {"bot.channels", "bot.config", "bot.errors"},
    "bot.web": {"bot.channels", "bot.config", "bot.errors", "bot.health"},
    "data.backup": {"data.files", "data.privacy"},
    "data.calendars": {"data.obligations", "data.rules"},
    "data.contacts": {"data.accounts"},
    "data.digests": {"data.job_runs", "data.obligations", "data.progress"},
    "data.exports": {"data.registry", "data.sheets"},
    "data.figures": {"data.obligations", "data.registry", "data.rows", "data.rules"},
    "data.inbox": {"data.secrecy"},
    "data.loading": {"data.progress", "data.registry", "data.rows", "data.rules"},
    "data.obligations": {"data.rules"},
    "data.outbox": {"data.accounts", "data.contacts"},
    "data.privacy": {
        "data.calendars",
        "data.contacts",
        "data.files",
        "data.outbox",
        "data.progress",
        "data.reports",
    },
    "data.progress": {"data.obligations", "data.registry", "data.rules"},
    "data.reports": {
        "data.figures",
        "data.progress",
        "data.registry",
        "data.rules",
        "data.sheets",
        "data.targets",
    },
    "data.rules": {"data.registry"},
    "data.sheets": {
        "data.obligations",
        "data.old_fonts",
        "data.progress",
        "data.registry",
        "data.rules",
        "data.secrecy",
        "data.untrusted",
    },
    "data.untrusted": {"data.secrecy"},
    "data.targets": {"data.progress", "data.registry", "data.rows"},
    "jobs.calendars": {"jobs.rendering"},
    "jobs.delivery": {"jobs.channel", "jobs.rendering"},
    "jobs.digests": {"jobs.channel", "jobs.delivery", "jobs.planning", "jobs.rendering"},
    "jobs.inbox": {"jobs.channel", "jobs.delivery"},
    "jobs.menus": {"jobs.channel", "jobs.delivery"},
    "jobs.morning": {
        "jobs.channel",
        "jobs.delivery",
        "jobs.digests",
        "jobs.planning",
        "jobs.rendering",
    },
    "jobs.planning": {"jobs.rendering"},
    "jobs.rendering": {"jobs.channel"},
    "jobs.reports": {"jobs.rendering"},
}
PURE = {"data.registry", "data.rules", "bot.conversation.reader"}
PURE_HELPERS = {
    "data.clock",
    "data.os_errors",
    "data.text",
    "data.targets.indicators",
}  # modules that pure packages may use
# Modules that other packages import; all others a package keeps to itself.
DOORS: dict[str, set[str]] = {
    "bot.channels": {
        "capabilities",
        "http_client",
        "local",
        "messenger",
        "zalo.account",
        "zalo.webhook",
    },
    "bot.cli": {"errors", "main"},
    "bot.conversation.contacts": {
        "agencies",
        "announce",
        "channels",
        "enrol",
        "handover",
        "invite",
        "remind_now",
    },
    "bot.conversation.context": {
        "access",
        "arguments",
        "buttons",
        "deciding",
        "dialogs",
        "history_lines",
        "lookup",
        "notify",
        "pages",
        "preview",
        "scope",
        "sent_files",
        "turn",
    },
    "bot.conversation.decisions": {
        "answer_files",
        "assignment",
        "cause",
        "common",
        "completion",
        "dispute",
        "explanation",
        "extension",
        "files",
        "forms",
        "open_duty",
        "question",
        "table",
        "undo",
    },
    "bot.conversation.lists": {"confirmed", "last_list", "menus", "numbers", "references"},
    "bot.conversation.queries": {
        "calendar",
        "chart",
        "deadlines",
        "detail",
        "evidence_sheet",
        "history",
        "missing",
        "reasons",
        "report",
        "search",
        "spoken",
        "status",
        "tasks",
    },
    "bot.conversation.reader": {
        "asked_document",
        "copied",
        "dates",
        "documents",
        "leaving",
        "lexicon",
        "objections",
        "questions",
        "snooze",
        "spoken_orders",
        "spoken_queries",
        "target_matching",
        "targets",
        "tokens",
        "topics",
        "understand",
        "verdicts",
    },
    "bot.conversation.replies": {"borrowed", "dispatch", "labels", "show", "summary"},
    "bot.conversation.targets": {"ask", "dispatch", "record", "view"},
    "bot.health": {"finding", "running"},
    "bot.sandbox": {"serve"},
    "bot.service": {"accounts", "logs", "ping", "process_lock", "registry", "startup"},
    "bot.web": {"calendars", "files", "routes", "server"},
    "data.accounts": {"leases", "usage", "usage_warnings"},
    "data.backup": {"copy", "removals", "restore", "state", "undone"},
    "data.calendars": {"deadlines", "feeds"},
    "data.contacts": {
        "chats",
        "codes",
        "enrolments",
        "handover",
        "invitations",
        "invite_links",
        "people",
        "recipients",
        "silence",
    },
    "data.db": {
        "database",
        "errors",
        "private_files",
        "server_clock",
        "statements",
        "upgrade",
    },
    "data.digests": {"kept_weeks", "queries"},
    "data.exports": {"page", "record_pages", "writers"},
    "data.figures": {
        "agencies",
        "groups",
        "metrics",
        "plans",
        "pressing",
        "reports",
        "states",
        "tasks",
    },
    "data.loading": {"assignments", "load", "upsert"},
    "data.obligations": {"batch", "due", "lists", "search"},
    "data.outbox": {
        "announcements",
        "arrivals",
        "claims",
        "lost_accounts",
        "lost_chats",
        "messages",
        "queue",
        "receipts",
        "set_back",
    },
    "data.privacy": {"personal_data", "removal", "retention"},
    "data.progress": {
        "contradictions",
        "deciders",
        "decision_undo",
        "decisions",
        "dialogs",
        "evidence",
        "evidence_quota",
        "explanations",
        "extensions",
        "forms",
        "history",
        "outcomes",
        "questions",
        "reasons",
        "replies",
        "submissions",
        "undo",
        "waiting",
    },
    "data.registry": {
        "agency_kinds",
        "files",
        "province",
        "registry",
        "schema",
        "short_names",
        "titles",
        "workdays",
    },
    "data.reports": {
        "evidence_facts",
        "evidence_sheet",
        "facts",
        "gather",
        "late_agencies",
        "lines",
        "period",
        "requests",
        "result_words",
        "sums",
    },
    "data.rules": {
        "due_dates",
        "holders",
        "ladder",
        "overrides",
        "owners",
        "planning",
        "preview",
        "states",
        "undated",
    },
    "data.sheets": {
        "labels",
        "phrases",
        "plan_import",
        "plan_template",
        "status_import",
        "status_reader",
        "status_sheet",
        "workbook",
    },
    "data.targets": {"facts", "indicators", "numbers", "statuses", "values"},
    "data.untrusted": {"apart", "archives", "attachments"},
    "jobs.calendars": {"entries", "ics"},
    "jobs.delivery": {"dispatcher", "lease", "sending_hours", "usage"},
    "jobs.digests": {"compose", "leader_screen", "letters", "pictures", "records", "week_charts"},
    "jobs.inbox": {"intake", "worker"},
    "jobs.morning": {"run"},
    "jobs.planning": {"auto_confirm", "ladder_cache", "materialise", "onward", "postpone", "rungs"},
    "jobs.rendering": {
        "buttons",
        "dates",
        "environment",
        "fitting",
        "items",
        "links",
        "markup",
        "qr",
        "reminder",
        "renderer",
    },
    "jobs.reports": {"evidence_sheet", "make", "missing_sheet", "requests"},
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__")


NAMES = {module_name(path) for path in MODULES}


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return the imports and attributes of a module, in one walk for all questions."""
    kinds = (ast.Import, ast.ImportFrom, ast.Attribute)
    return tuple(node for node in ast.walk(tree(path)) if isinstance(node, kinds))


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Return the modules that a module imports, wherever in it; of another library its dotted name."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in NAMES else node.module)
    return frozenset(found)


def libraries_of(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports_of(path)}


def package_of(module: str) -> str:
    """Return the package that a module belongs to: "data.outbox"; of a module that stands alone its own name."""
    depth = 3 if module.startswith("bot.conversation.") else 2
    return ".".join(module.split(".")[:depth])


def arrows() -> dict[str, set[str]]:
    """Return who imports whom inside a floor, package by package, GROUND apart."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in MODULES:
        source = package_of(module_name(path))
        for target in imports_of(path) & NAMES:
            package = package_of(target)
            same_floor = package.partition(".")[0] == source.partition(".")[0]
            if same_floor and package not in GROUND | {source} and "." in package:
                found[source].add(package)
    return found


# ------------------------------------------------------------------ floors


def test_no_module_imports_a_layer_above_its_own() -> None:
    upwards = {
        path_name(path): libraries_of(path) & LAYERS.keys() - LAYERS[path.relative_to(TOP).parts[0]]
        for path in MODULES
    }
    assert {name: layers for name, layers in upwards.items() if layers} == {}


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_in_its_one_place(library: str) -> None:
    assert {path_name(path) for path in MODULES if library in libraries_of(path)} <= ONLY_IN[
        library
    ]


@pytest.mark.slow
def test_a_service_that_idles_holds_no_library_that_only_some_work_needs() -> None:
    command = "import sys, bot.cli.main, bot.app, bot.cli.run; print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    assert NOT_LOADED_WHILE_IDLE & set(told.stdout.split()) == set()


def test_the_environment_is_read_in_config_alone() -> None:
    readers = set()
    for path in MODULES:
        for node in nodes(path):
            is_attribute = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            is_name = isinstance(node, ast.ImportFrom) and any(
                alias.name in ("environ", "getenv") for alias in node.names
            )
            if is_attribute or is_name:
                readers.add(path_name(path))
    assert readers == {"bot/config.py"}


# ------------------------------------------------------------------ packages


def test_packages_import_only_whom_the_table_allows() -> None:
    forbidden = {
        package: targets - MAY_IMPORT.get(package, set()) for package, targets in arrows().items()
    }
    assert {package: targets for package, targets in forbidden.items() if targets} == {}


def test_the_table_allows_nothing_that_nobody_uses() -> None:
    used = arrows()
    unused = {package: allowed - used[package] for package, allowed in MAY_IMPORT.items()}
    assert {package: targets for package, targets in unused.items() if targets} == {}


def test_packages_form_no_circle() -> None:
    order = list(TopologicalSorter(arrows()).static_order())  # raises CycleError
    assert order.index("data.rules") < order.index("data.loading")


@pytest.mark.parametrize("package", sorted(PURE))  # workers collect in one order
def test_a_pure_package_knows_no_database(package: str) -> None:
    inside = [path for path in MODULES if package_of(module_name(path)) == package]
    assert inside
    assert [path_name(path) for path in inside if "sqlalchemy" in libraries_of(path)] == []
    outside = {name for path in inside for name in imports_of(path) & NAMES} - PURE_HELPERS
    assert {package_of(name) for name in outside} - PURE == set()
    helpers = [path for path in MODULES if module_name(path) in PURE_HELPERS]
    assert [path_name(path) for path in helpers if "sqlalchemy" in libraries_of(path)] == []


def test_what_a_package_keeps_to_itself_is_imported_by_nobody_else() -> None:
    used: dict[str, set[str]] = defaultdict(set)
    for path in MODULES:
        source = package_of(module_name(path))
        for target in imports_of(path) & NAMES:
            package = package_of(target)
            if package not in (source, target):
                used[package].add(target.removeprefix(f"{package}."))
    assert used == DOORS


def test_a_package_front_door_holds_one_line_and_no_code() -> None:
    listing = {"data/models/__init__.py", "bot/channels/__init__.py"}  # these two list names
    crowded = {
        path_name(path): path.read_text(encoding="utf-8").splitlines()[1:]
        for path in MODULES
        if path.name == "__init__.py" and path_name(path) not in listing
    }
    assert {name: lines for name, lines in crowded.items() if lines} == {}


def test_the_map_names_exactly_the_packages_that_exist() -> None:
    page = (TOP / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tree = page.split("## Map", 1)[1].split("```", 2)[1]
    mapped: set[str] = set()
    above: list[str] = []
    for indent, folder in re.findall(r"^( *)([a-z_]+)/", tree, flags=re.MULTILINE):
        above[len(indent) // 2 :] = [folder]
        mapped.add("/".join(above))
    folders = {path_name(path.parent) for path in MODULES if path.name == "__init__.py"}
    mapped = {folder for folder in mapped if folder.partition("/")[0] in LAYERS}
    assert mapped - {"data/plans", "data/agencies", "data/calendar"} == folders


def test_every_module_stays_readable_in_one_sitting() -> None:
    lengths = {
        path_name(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in MODULES
        if "migrations" not in path.parts  # a migration is written once and not lived in
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


# ------------------------------------------------------------------ settings, registry, pins


def test_the_example_names_every_setting_once_each_with_a_line_of_why() -> None:
    lines = (TOP / ".env.example").read_text(encoding="utf-8").splitlines()
    places = {line.partition("=")[0]: index for index, line in enumerate(lines) if "=" in line}
    settings = {name: index for name, index in places.items() if name.startswith("NHACVIEC_")}
    assert set(settings) == set(list_setting_names())
    assert all(lines[index - 1].startswith("# ") for index in settings.values())


def test_nothing_of_the_registry_is_ignored() -> None:
    ignored = (TOP / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert not [line for line in ignored if line.strip("/").startswith("data")]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_has_a_hash_and_no_index_address_stands_in_the_requirements(name: str) -> None:
    text = (TOP / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    for pin in text.replace(" \\\n", " ").splitlines():
        if "==" in pin and not pin.lstrip().startswith("#"):
            assert "--hash=sha256:" in pin, pin


def pins(name: str) -> set[str]:
    text = (TOP / name).read_text(encoding="utf-8")
    return {_normal(pin) for pin in re.findall(r"^([A-Za-z0-9._-]+)==", text, flags=re.MULTILINE)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_running_installs_no_tool_for_testing() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]

    def names_of(wanted: list[str]) -> set[str]:
        return {_normal(re.match(r"[A-Za-z0-9._-]+", each).group()) for each in wanted}

    assert names_of(project["dependencies"] + extras["build"]) <= pins("requirements.txt")
    assert names_of(extras["dev"]) <= pins("requirements-dev.txt")
    assert pins("requirements.txt") & pins("requirements-dev.txt") == set()
