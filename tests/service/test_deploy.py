"""What stands in deploy/ and on the pages about it: commands, options and settings that exist, times that fit."""

from __future__ import annotations

import re
import shlex
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.cli.main import app
from bot.cli.tree import LazyGroup
from bot.config import list_setting_names
from bot.web.server import GRACE_SECONDS
from jobs.delivery.sender import RENEW_SECONDS

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "deploy.md").read_text(encoding="utf-8")
VIETNAMESE = (TOP / "docs" / "deploy.vi.md").read_text(encoding="utf-8")
FILES = [*sorted((TOP / "docs").glob("deploy*.md")), *sorted((TOP / "deploy").iterdir())]


def typed(page: str = PAGE) -> list[list[str]]:
    """Return every command that a page tells to type, in words, without the program's name."""
    lines = [line.split(" #")[0] for line in re.sub(r"&&", "\n", page).splitlines()]
    found = [line.split("nv ", 1)[1] for line in lines if re.match(r"\s*nv ", line)]
    found += re.findall(r"`(?:[A-Z_]+=\S+ )?nhacviec ([a-z][^`]*)`", page)
    found += re.findall(r"# nhacviec ([a-z -]+?)(?::|$)", page, re.MULTILINE)
    return [shlex.split(each) for each in found]


def blocks(page: str) -> list[list[str]]:
    """Return the lines of what is to be typed or written into a file, without comments and placeholders."""
    kept = re.findall(r"^```\w+\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    bare = [re.sub(r" +#.*|ADDRESS|ĐỊA_CHỈ", "", block) for block in kept]
    return [block.splitlines() for block in bare]


def test_both_pages_say_the_same_steps() -> None:
    assert blocks(VIETNAMESE) == blocks(PAGE)
    assert typed(VIETNAMESE) == typed(PAGE)
    assert PAGE.count("\n#") == VIETNAMESE.count("\n#")


def test_every_command_and_option_of_the_page_exists() -> None:
    every = typed()
    assert {words[0] for words in every} >= {"move", "restore", "backup", "doctor", "check"}
    for words in every:
        command: Any = app
        rest = list(words)
        while rest and isinstance(command, LazyGroup):
            command = command.get_command(None, rest.pop(0))
            assert command is not None, words
        known = {option for each in command.params for option in each.opts} | {"--help"}
        assert {word for word in rest if word.startswith("--")} <= known, words


def test_every_setting_that_is_named_exists() -> None:
    known = set(list_setting_names())
    for path in FILES:
        told = set(re.findall(r"NHACVIEC_[A-Z_]+", path.read_text(encoding="utf-8")))
        assert told <= known, path
    assert "NHACVIEC_PING_URL" in PAGE


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", PAGE + VIETNAMESE))
def test_every_link_of_the_page_leads_somewhere(link: str) -> None:
    assert (TOP / "docs" / link).exists()


def test_the_unit_gives_the_service_time_to_end_and_no_more_rights_than_it_needs() -> None:
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(TOP / "deploy" / "nhacviec.service", encoding="utf-8")
    service = unit["Service"]
    assert service["ExecStart"].split()[1:] == ["run"]
    assert float(service["TimeoutStopSec"]) > GRACE_SECONDS + RENEW_SECONDS
    assert service["Restart"] == "always"
    assert service["ProtectSystem"] == "strict"
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    assert "User" in service


def test_the_containers_files_name_what_is_there() -> None:
    compose = YAML(typ="safe").load((TOP / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    for service in compose["services"].values():
        assert set(service["secrets"]) <= set(compose["secrets"])
        for value in service["environment"].values():
            if value.startswith("/run/secrets/"):
                assert Path(value).name in service["secrets"]
    build = compose["services"]["nhacviec"]["build"]
    assert (TOP / "deploy" / build["context"] / build["dockerfile"]).is_file()
    steps = (TOP / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    copied = [
        word
        for line in re.findall(r"^COPY (.+)$", steps, re.MULTILINE)
        for word in line.split()[:-1]
    ]
    assert {"bot", "jobs", "data", "templates", "requirements.txt"} <= set(copied)
    assert all((TOP / word).exists() for word in copied)
