"""The log: by one number each, an update and a message are followed on their whole way."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.db.database import Database
from data.log import get_logger
from tests.support.round_trip import Whole

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
TOP = Path(__file__).parents[2]
LINE = re.compile(r"[a-z_]+(\.[a-z_]+)+( [a-z_]+=(\"[^\"]*\"|\S+))*")


def with_key(lines: list[str], key: str, number: str) -> list[str]:
    """Return what a search for a number of a kind finds, as what happened and how it ended."""
    found = [line for line in lines if f" {key}={number} " in f"{line} "]
    ended = [re.search(r"outcome=(\w+)", line) for line in found]
    return [
        line.split()[0] + (f" {end[1]}" if end else "")
        for line, end in zip(found, ended, strict=True)
    ]


async def test_an_update_and_its_answer_are_followed_by_number(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    whole = await Whole(database, NOW).begin()
    await whole.enrol("7", "stc")
    with caplog.at_level(logging.INFO, logger="nhacviec"):
        caplog.clear()
        await whole.say("7", "lời riêng của chị Lan")
    lines = [record.getMessage() for record in caplog.records]
    (stored,) = [line for line in lines if line.startswith("update.stored")]
    number = re.search(r"update=(\d+)", stored)
    assert number is not None
    assert with_key(lines, "update", number[1]) == ["update.stored", "update.ended done"]
    (ended,) = [line for line in lines if line.startswith("update.ended")]
    answer = re.search(r"messages=(\d+)", ended)
    assert answer is not None
    assert with_key(lines, "message", answer[1]) == ["message.ended sent"]
    assert all(f"account={whole.account_id}" in line for line in lines)
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert "Lan" not in caplog.text


async def test_an_update_that_cannot_be_handled_is_followed_to_its_apology(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    whole = await Whole(database, NOW).begin()
    await whole.enrol("7", "stc")

    async def failing(*_: object, **__: object) -> list[object]:
        raise ArithmeticError("chị Lan")

    whole.inbox._handle = failing  # type: ignore[assignment]
    with caplog.at_level(logging.INFO, logger="nhacviec"):
        caplog.clear()
        await whole.say("7", "/viec")
    lines = [record.getMessage() for record in caplog.records]
    number = re.search(r"update=(\d+)", lines[0])
    assert number is not None
    happened = with_key(lines, "update", number[1])
    assert happened == ["update.stored", *["update.failed"] * 3, "update.ended parked"]
    answer = re.search(r"messages=(\d+)", next(x for x in lines if "parked" in x))
    assert answer is not None
    assert with_key(lines, "message", answer[1]) == ["message.ended sent"]


def test_a_line_holds_no_value_that_is_missing_and_quotes_one_with_spaces(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, logger="nhacviec"):
        get_logger("tests").info("thing.happened", message=5, remote=None, error="two words")
    assert caplog.messages == ['thing.happened message=5 error="two words"']


def test_every_module_writes_its_lines_in_that_form() -> None:
    """The standard library's logger, whose lines have no form, is asked for in three places."""
    askers = {
        path.relative_to(TOP).as_posix()
        for layer in ("bot", "jobs", "data")
        for path in (TOP / layer).rglob("*.py")
        if re.search(r"\bgetLogger\(__name__|getLogger\(\"nhacviec", path.read_text("utf-8"))
    }
    assert askers == {"bot/cli/sandbox.py"}  # which makes one quieter
