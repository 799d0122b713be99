"""`nhacviec tick`: what it shows, that showing uses nothing up, and when it may really send."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data.clock import ZONE
from data.models import Base
from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal
from tests.contacts.test_people_cli import peopled

__all__ = ["loaded", "loaded_file", "peopled", "terminal"]  # fixtures

MORNING = "2031-11-10T07:30+07:00"  # a Monday; the registry was loaded years before
EVENING = "2031-11-10T20:00+07:00"


def counted(terminal: Terminal) -> dict[str, Any]:
    return {
        name: terminal.sql(f'SELECT count(*) FROM "{name}"') for name in Base.metadata.tables
    } | {
        "obligations": terminal.sql("SELECT id, state, rung, remind_on FROM obligation ORDER BY id")
    }


def test_a_tick_shows_the_morning_and_its_first_words_and_uses_nothing_up(
    peopled: Terminal, tmp_path: Path
) -> None:
    before = counted(peopled)
    for _ in range(2):  # the second sees what the first saw
        told = peopled.json("tick", "--now", MORNING)
        assert told["sent"] is False
        assert told["morning"]["provinces"]
        assert told["morning"]["done_before"] == []
        assert told["waiting"] == told["morning"]["messages"] >= 2
        assert len(told["first"]) >= 2
    code, out, _ = peopled.type("tick", "--now", MORNING)
    assert code == 0
    assert "Chỉ xem, chưa ghi và chưa gửi gì. Lúc 07:30 10/11/2031" in out
    assert "── Sở Tài chính, nhóm «Nhóm STC» (Telegram) ──" in out
    assert "Tin tự động, thay mặt" in out
    assert "thêm --send" in out
    assert counted(peopled) == before
    assert [path.name for path in tmp_path.glob("var/.*")] == []


def test_a_tick_outside_sending_hours_says_why_there_is_nothing(peopled: Terminal) -> None:
    _, out, _ = peopled.type("tick", "--now", EVENING)
    assert "Ngoài giờ gửi" in out
    assert "Nhắc buổi sáng: 0 tin" in out


def test_a_morning_that_was_composed_is_told(peopled: Terminal) -> None:
    peopled.sql(
        """INSERT INTO job_run (job, subject, run_on, finished_at)
           VALUES ('morning', 'gia-lai', '2031-11-10', '2031-11-10 00:30:00.000000')"""
    )
    told = peopled.json("tick", "--now", MORNING)
    assert told["morning"]["done_before"] == ["gia-lai"]
    assert "gia-lai" not in told["morning"]["provinces"]


def test_a_tick_shows_beside_a_real_account_at_any_instant_and_asks_no_platform(
    peopled: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN", "77:" + "a" * 35)
    monkeypatch.setenv("NHACVIEC_TELEGRAM_BASE_URL", "http://127.0.0.1:9")
    assert peopled.json("tick", "--now", MORNING)["waiting"] >= 2


def test_a_database_that_knows_bots_gets_no_real_morning_of_another_day(
    peopled: Terminal,
) -> None:
    before = counted(peopled)
    err = peopled.refused("tick", "--now", MORNING, "--send")
    assert "Bỏ --send để chỉ xem" in err
    assert counted(peopled) == {**before, "meta": [(1,)]}  # the key of links, made by any start
    now = datetime.now(UTC) + timedelta(minutes=1)
    told = peopled.json("tick", "--now", now.astimezone(ZONE).isoformat(), "--send")
    assert told["sent"] is True


def test_without_a_database_there_is_nothing_to_show(terminal: Terminal, tmp_path: Path) -> None:
    assert "Chưa có cơ sở dữ liệu" in terminal.refused("tick", "--now", MORNING)
    assert not list(tmp_path.iterdir())
