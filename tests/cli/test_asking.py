"""What ends or deletes something says what it will do and asks; without anybody to ask it does nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.test_cli import Terminal, loaded, loaded_file, own_registry, terminal
from tests.contacts.test_people_cli import peopled
from tests.sheets.test_status_import import Sat

__all__ = ["loaded", "loaded_file", "peopled", "terminal"]  # fixtures

ENDING = [
    (("people", "remove", "1"), "1 (Chị Lan) sẽ kết thúc 1 vai trò: đầu mối của Sở Tài chính."),
    (("people", "remove", "g2"), "g2 (Nhóm STC) sẽ kết thúc 1 vai trò"),
    (("people", "erase", "1"), "Sẽ xoá hẳn tên, 1 định danh, chat riêng và 0 tin thô"),
    (
        ("plan", "close", "131", "--on", "2026-11-30"),
        "Kế hoạch 131/KH-UBND (lang-son-131-2020) sẽ đóng sau ngày 30/11/2026:",
    ),
]
EVERYTHING = (
    "SELECT count(*) FROM enrolment WHERE ended_at IS NULL"
    " UNION ALL SELECT count(*) FROM identity"
    " UNION ALL SELECT count(*) FROM plan WHERE closed_on IS NULL"
    " UNION ALL SELECT count(*) FROM decision"
    " UNION ALL SELECT count(*) FROM obligation WHERE state = 'open'"
)


@pytest.mark.parametrize(("words", "told"), ENDING, ids=lambda each: " ".join(each[:3]))
def test_a_command_that_ends_something_says_what_and_waits_for_a_yes(
    words: tuple[str, ...], told: str, peopled: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = peopled.sql(EVERYTHING)
    err = peopled.refused(*words)  # nobody there
    assert (told in err, "--yes" in err, "--dry-run" in err) == (True, True, False)
    for line in ("\n", "", "k\n", "không\n"):  # "" is the end of the input
        monkeypatch.setattr(sys, "stdin", Sat(line))
        err = peopled.refused(*words)
        assert (told in err, "[c/K]" in err, "chưa thay đổi gì" in err) == (True, True, True)
    assert peopled.sql(EVERYTHING) == before
    monkeypatch.setattr(sys, "stdin", Sat("có\n"))
    assert peopled.type(*words)[0] == 0
    assert peopled.sql(EVERYTHING) != before


@pytest.mark.parametrize(("words", "told"), ENDING, ids=lambda each: " ".join(each[:3]))
def test_with_yes_nothing_is_asked(words: tuple[str, ...], told: str, peopled: Terminal) -> None:
    before = peopled.sql(EVERYTHING)
    code, _, err = peopled.type(*words, "--yes")
    assert (code, err) == (0, "")
    assert peopled.sql(EVERYTHING) != before


def test_json_is_refused_without_a_yes_ahead(peopled: Terminal) -> None:
    for words in (("people", "remove", "1"), ("people", "erase", "1")):
        assert "Với --json hãy thêm --yes" in peopled.refused(*words, "--json")
    assert peopled.json("people", "remove", "1", "--yes") == {"who": "1", "ended": 1}


def test_an_input_that_is_closed_is_nobody_to_ask(
    peopled: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert "Không có ai để hỏi lại" in peopled.refused("people", "remove", "1")


def test_who_leaves_an_agency_without_anybody_is_told(peopled: Terminal) -> None:
    alone = "Sau đó không còn ai nhận tin của: Sở Tài chính."
    assert alone not in peopled.refused("people", "remove", "1")
    assert peopled.type("people", "remove", "g2", "--yes")[0] == 0
    assert alone in peopled.refused("people", "remove", "1")


def test_loading_asks_where_the_files_drop_something_and_only_there(
    loaded: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = own_registry(tmp_path, monkeypatch)
    plan = folder / "plans" / "lang-son-131-2020.yaml"
    plan.write_text(plan.read_text("utf-8") + "\n# đã đọc lại\n", "utf-8")
    assert loaded.type("plan", "load")[0] == 0
    plan.unlink()
    err = loaded.refused("plan", "load")
    assert "Sổ bộ không còn" in err
    assert "kế hoạch lang-son-131-2020" in err
    assert "nhiệm vụ, không nhắc nữa" in err
    assert "--yes" in err
    gone = "SELECT count(*) FROM plan WHERE withdrawn_at IS NOT NULL"
    assert loaded.sql(gone) == [(0,)]
    monkeypatch.setattr(sys, "stdin", Sat("c\n"))
    code, out, _ = loaded.type("plan", "load")
    assert (code, "Đã nạp 4 kế hoạch" in out) == (0, True)
    assert loaded.sql(gone) == [(1,)]
