"""Times that people read are those of Asia/Ho_Chi_Minh, wherever the machine stands."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.cli.output import format_cell
from bot.config import Settings
from bot.service.logs import configure_logging
from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal
from tests.contacts.test_people_cli import peopled

__all__ = ["loaded", "loaded_file", "peopled", "terminal"]  # fixtures

# Half past six in the morning of 9 November, for whom it is still the 8th in London.
STORED = "2026-11-08 23:30:00.000000"


def test_an_instant_in_a_table_is_the_wall_clocks() -> None:
    assert format_cell(datetime(2026, 11, 8, 23, 30, tzinfo=UTC)) == "09/11/2026 06:30"
    with pytest.raises(ValueError, match="naive"):
        format_cell(datetime(2026, 11, 8, 23, 30))


def test_lists_of_people_tell_the_local_hour_and_json_the_instant(peopled: Terminal) -> None:
    peopled.sql(
        f"UPDATE chat SET last_seen_at = '{STORED}' WHERE id = 1",
        f"UPDATE person SET created_at = '{STORED}'",
        f"UPDATE enrolment SET enrolled_at = '{STORED}', ended_at = '{STORED}' WHERE chat_id = 2",
        f"UPDATE enrolment SET enrolled_at = '{STORED}'",
    )
    assert "09/11/2026 06:30" in peopled.type("people", "list")[1]
    shown = peopled.type("people", "show", "1")[1]
    assert "từ 09/11/2026" in shown
    assert "09/11/2026 06:30" in shown
    assert "08/11/2026" not in shown
    (row,) = peopled.json("people", "list")
    assert datetime.fromisoformat(row["last_seen_at"]) == datetime(2026, 11, 8, 23, 30, tzinfo=UTC)


def test_lines_of_the_log_begin_with_the_local_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    before: Any = (root.handlers[:], root.level)
    try:
        configure_logging(Settings())
        record = root.makeRecord("x", logging.INFO, "f", 1, "đã gửi", (), None)
        record.created = datetime(2026, 11, 8, 23, 30, tzinfo=UTC).timestamp()
        root.handle(record)
    finally:
        root.handlers[:], root.level = before
    assert capsys.readouterr().err == "2026-11-09T06:30:00+07:00 info đã gửi\n"
