"""The command line: what it prints, what it refuses, and that refusing leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import pytest
import vobject
from sqlalchemy.engine import URL, make_url

from bot.__main__ import run_command_line
from bot.cli.main import COMMANDS
from bot.cli.tree import CommandGroup
from bot.config import DEFAULT_DATABASE_URL, list_setting_names
from data.db.database import Database
from tests.conftest import SHIPPED
from tests.support import databases

PLAN_KEYS = [
    "number", "province", "title", "issued_on", "signer", "coordinator", "replaces",
    "tasks", "report_duties", "targets",
]  # fmt: skip
PREVIEW_KEYS = [
    "date", "province", "agency", "plan", "code", "kind",
    "due_on", "due_words", "rung", "working_days_left",
]  # fmt: skip


class Terminal:
    """The program as somebody types it, in a folder of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.database_url = DEFAULT_DATABASE_URL

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements on the terminal's database, past the program; returns the last one's rows."""

        async def work() -> list[tuple[Any, ...]]:
            database = Database(self.database_url)
            async with database.write() as connection:
                if not database.is_sqlite:
                    await connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
                for statement in statements:
                    result = await connection.exec_driver_sql(statement)
                rows = [tuple(row) for row in result] if result.returns_rows else []
            await database.dispose()
            return rows

        return asyncio.run(work())

    def type(self, *words: str) -> tuple[int, str, str]:
        """Run a command; returns its exit code, what it printed, and what it complained of."""
        self._capsys.readouterr()
        code = run_command_line(list(words))
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err

    def json(self, *words: str) -> Any:
        code, out, err = self.type(*words, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    def refused(self, *words: str) -> str:
        """Run a command that must fail in words: no traceback, nothing on standard output."""
        code, out, err = self.type(*words)
        assert code != 0
        assert out == ""
        assert "Traceback" not in err
        return err


@pytest.fixture
def terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    for name in list_setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Terminal(capsys)


@pytest.fixture(scope="session")
def loaded_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> URL:
    """A database into which the shipped registry was loaded, made once."""
    folder = tmp_path_factory.mktemp("loaded")
    url = make_url(f"sqlite+aiosqlite:///{folder / 'loaded.db'}")
    if request.config.getoption("--postgres"):
        url = databases.on_server(request.getfixturevalue("server"), "loaded")
        databases.make(url)
    with pytest.MonkeyPatch.context() as patch:
        for name in list_setting_names():
            patch.delenv(name, raising=False)
        patch.setenv("NHACVIEC_DATABASE_URL", url.render_as_string(hide_password=False))
        patch.chdir(folder)
        assert run_command_line(["plan", "load"]) == 0
    return url


@pytest.fixture
def loaded(
    terminal: Terminal, loaded_file: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """A terminal whose database holds the shipped registry: a file where none is named, or on a server."""
    if loaded_file.get_backend_name() == "sqlite":
        (tmp_path / "var").mkdir()
        shutil.copy(str(loaded_file.database), tmp_path / "var" / "nhacviec.db")
        return terminal
    url = loaded_file.set(database="nhacviec")
    databases.make(url, like=loaded_file)
    terminal.database_url = url.render_as_string(hide_password=False)
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", terminal.database_url)
    return terminal


def own_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "registry"
    for name in ("plans", "agencies", "calendar"):
        shutil.copytree(SHIPPED / name, folder / name)
    monkeypatch.setenv("NHACVIEC_REGISTRY_DIR", str(folder))
    return folder


# ------------------------------------------------------------------ help and mistyping


def commands(group: CommandGroup = COMMANDS, words: tuple[str, ...] = ()) -> list[list[str]]:
    found: list[list[str]] = []
    for name, entry in group.commands.items():
        if isinstance(entry, CommandGroup):
            found += commands(entry, (*words, name))
        else:
            found.append([*words, name])
    return found


def groups() -> list[list[str]]:
    return [list(words) for words in {tuple(words[:-1]): None for words in commands()}]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_of_the_table_is_a_function_with_an_example_and_a_line_of_help(
    words: list[str],
) -> None:
    entry: Any = COMMANDS
    for word in words:
        entry = entry.commands[word]
    module, line = entry
    function = getattr(import_module(module), "_".join(words).replace("-", "_"))
    assert all(example.startswith(" ".join(words)) for example in function.examples)
    assert function.examples
    assert line.endswith(".")
    assert not line.isascii()


@pytest.mark.parametrize("words", [*groups(), ["zalo"], *commands()], ids=" ".join)
def test_every_help_page_is_vietnamese_and_commands_have_an_example(
    words: list[str], terminal: Terminal
) -> None:
    code, out, _ = terminal.type(*words, "--help")
    assert code == 0
    for english in (
        "Usage",
        "Options",
        "Arguments",
        "Commands",
        "Show this",
        "required",
        "<str>",
        "<int>",
        "list[",
    ):
        assert english not in out
    if words in commands():
        assert f"nhacviec {' '.join(words)}" in out.partition("Ví dụ:")[2]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sandbx"], "Không có lệnh «sandbx». Có phải «sandbox»?"),
        (["plan", "lst"], "Không có lệnh «lst». Có phải «list»?"),
        (["plan", "show"], "Thiếu SỐ."),
        (["plan", "list", "--jsn"], "Không có tuỳ chọn --jsn. Có phải --json?"),
        (["workday", "2026-01-01", "2026-01-02"], "Thừa «2026-01-02»."),
        (["preview", "--from", "2026-01-01"], "Thiếu --to."),
        (["preview", "--from"], "Tuỳ chọn --from cần một giá trị."),
        (["urge", "10", "--out", "a.docx", "--late-days", "0"], "không phải số ngày từ 1 đến 999"),
        (["workday", "31/2/2026"], "«31/2/2026» không phải ngày."),
        (["tick", "--now", "2026-11-09T07:30"], "thiếu múi giờ"),
        (["tick", "--now", "2026-11-09"], "ví dụ 2026-11-09T00:00+07:00"),
        (["digest", "--province", "gia-lai"], "Không có tuỳ chọn --province.\n"),
        (["tick", "--now", "mai"], "không phải thời điểm"),
        (
            ["invite", "--province", "gia-lai", "--agency", "x", "--role", "chief"],
            "không phải vai trò",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_typed_wrongly_is_told_in_vietnamese(
    words: list[str], told: str, terminal: Terminal
) -> None:
    assert told in terminal.refused(*words)


def test_without_a_command_the_help_is_shown(terminal: Terminal) -> None:
    code, _, err = terminal.type()
    assert code == 2
    assert err.startswith("Cách dùng: nhacviec")


def test_a_misspelt_setting_stops_every_command(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NHACVIEC_REGISTRY", "x")
    assert "NHACVIEC_REGISTRY_DIR" in terminal.refused("check")


# ------------------------------------------------------------------ the registry


def test_plan_show_gives_exactly_the_promised_json(terminal: Terminal) -> None:
    plan = terminal.json("plan", "show", "131/KH-UBND")
    assert list(plan) == PLAN_KEYS
    assert (plan["number"], plan["province"], plan["issued_on"]) == (
        "131/KH-UBND",
        "lang-son",
        "2020-08-05",
    )
    for task in plan["tasks"]:
        names = ["code", "section", "text", "leads", "supports", "actions", "period"]
        assert list(task) == names
        assert list(task["period"]) == ["raw", "kind", "start_year", "end_year"]
    for duty in plan["report_duties"]:
        assert list(duty) == ["code", "from", "to", "via", "frequency", "deadline", "quote"]
        if duty["deadline"] is not None:
            assert list(duty["deadline"]) == ["operator", "month", "day", "year", "raw"]
    for target in plan["targets"]:
        assert list(target) == ["code", "text", "year", "comparator", "value", "unit"]
    assert any(task["actions"] for task in plan["tasks"])
    assert plan["report_duties"]


def test_figures_of_targets_stand_as_the_document_writes_them(terminal: Terminal) -> None:
    targets = {
        t["code"]: t["value"] for t in terminal.json("plan", "show", "93/KH-UBND")["targets"]
    }
    assert targets["CT.10"] == [15, 20]
    assert repr(targets["CT.8"]) == "7"
    assert targets["CT.13"] == 7.5


def test_plan_list_names_the_five_plans(terminal: Terminal) -> None:
    plans = terminal.json("plan", "list")
    assert {plan["code"] for plan in plans} == {
        "gia-lai-1901-2020", "gia-lai-1331-2022", "lang-son-131-2020",
        "dak-lak-146-2025", "dong-thap-93-2020",
    }  # fmt: skip
    assert all(plan["tracked_from"] is None for plan in plans)
    assert [p["province"] for p in terminal.json("plan", "list", "--province", "Lạng Sơn")] == [
        "lang-son"
    ]


def test_a_table_into_a_pipe_keeps_every_row_on_its_line(terminal: Terminal) -> None:
    _, out, _ = terminal.type("plan", "list")
    row = next(line for line in out.splitlines() if "gia-lai-1331-2022" in line)
    assert "1331/KH-UBND" in row
    assert "Sở Thông tin và Truyền thông" in row


def test_an_unknown_plan_or_province_is_told_with_what_to_do(terminal: Terminal) -> None:
    assert "nhacviec plan list" in terminal.refused("plan", "show", "77/KH-UBND")
    assert "lang-son" in terminal.refused("plan", "list", "--province", "Atlantis")


def test_preview_gives_exactly_the_promised_json(terminal: Terminal) -> None:
    rows = terminal.json(
        "preview", "--from", "2026-10-01", "--to", "2026-12-31", "--province", "lang-son"
    )
    assert rows
    assert all(list(row) == PREVIEW_KEYS for row in rows)
    on_the_day = [row for row in rows if row["rung"] == 0]
    assert {row["date"] for row in on_the_day if row["due_on"] == "2026-11-09"} == {"2026-11-09"}
    assert {row["date"] for row in on_the_day if row["due_on"] == "2026-11-24"} == {"2026-11-23"}


@pytest.mark.sqlite
def test_preview_says_whether_it_knows_decisions_and_reckons_with_them(
    loaded: Terminal, tmp_path: Path
) -> None:
    words = ["preview", "--from", "2026-12-01", "--to", "2026-12-31", "--province", "lang-son"]
    before = loaded.json(*words)
    assert before
    assert "các quyết định đã ghi trong cơ sở dữ liệu" in loaded.type(*words)[1]
    assert loaded.type("plan", "close", "131", "--on", "2026-11-30", "--yes")[0] == 0
    assert loaded.json(*words) == []
    (tmp_path / "var" / "nhacviec.db").unlink()
    assert len(loaded.json(*words)) >= len(before)
    assert "chưa có cơ sở dữ liệu nên không có quyết định nào" in loaded.type(*words)[1]
    assert not (tmp_path / "var" / "nhacviec.db").exists()


def test_preview_refuses_an_end_before_the_beginning(terminal: Terminal) -> None:
    assert "--to" in terminal.refused("preview", "--from", "2026-02-01", "--to", "2026-01-01")


def test_workday_tells_a_day_off_and_why(terminal: Terminal) -> None:
    day = terminal.json("workday", "24/11/2026")
    assert (day["working"], day["reason"]) == (False, "Ngày Văn hóa Việt Nam")
    assert (day["on_or_before"], day["on_or_after"]) == ("2026-11-23", "2026-11-25")
    _, out, _ = terminal.type("workday", "2026-08-22")
    assert out.startswith("thứ Bảy, ngày 22/8/2026: làm việc (làm bù")


def test_check_finds_the_shipped_registry_right(terminal: Terminal) -> None:
    answer = terminal.json("check")
    assert (answer["ok"], answer["plans"], answer["faults"]) == (True, 5, [])


def test_check_names_every_fault_by_file_and_line(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = own_registry(tmp_path, monkeypatch)
    plan = folder / "plans" / "lang-son-131-2020.yaml"
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace("issued_on: 2020-08-05", "issued_on: hôm qua"), encoding="utf-8")
    (folder / "plans" / "dong-thap-93-2020.yaml").write_bytes(b"number: \xff\xfe\n")
    with (folder / "plans" / "dak-lak-146-2025.yaml").open("ab") as file:
        file.truncate(50_000_000)
    err = terminal.refused("check")
    assert "plans/lang-son-131-2020.yaml, dòng" in err or "plans/dong-thap-93-2020.yaml" in err
    code, out, _ = terminal.type("check", "--json")
    assert code == 1
    assert {fault["file"] for fault in json.loads(out)["faults"]} >= {
        "plans/dong-thap-93-2020.yaml",
        "plans/dak-lak-146-2025.yaml",
    }


def test_check_refuses_a_folder_of_documents_that_is_not_there(terminal: Terminal) -> None:
    assert "no-such-folder" in terminal.refused("check", "--seeds", "no-such-folder")


def test_registry_init_makes_a_copy_that_checks(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert terminal.type("registry", "init", "so-bo")[0] == 0
    monkeypatch.setenv("NHACVIEC_REGISTRY_DIR", str(tmp_path / "so-bo"))
    assert terminal.json("check")["plans"] == 5


def test_registry_init_writes_over_nothing(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "mine").write_text("mine")
    assert "không trống" in terminal.refused("registry", "init")
    assert [path.name for path in (tmp_path / "registry").iterdir()] == ["mine"]


def test_the_template_is_written_once_and_an_empty_one_is_refused_by_cell(
    terminal: Terminal, tmp_path: Path
) -> None:
    assert terminal.type("plan", "template", "mau.xlsx")[0] == 0
    size = (tmp_path / "mau.xlsx").stat().st_size
    assert "không bị ghi đè" in terminal.refused("plan", "template", "mau.xlsx")
    assert (tmp_path / "mau.xlsx").stat().st_size == size
    assert "Kế hoạch!B1: thiếu «Số»" in terminal.refused("plan", "import", "mau.xlsx")
    assert not list(tmp_path.glob("*.yaml"))


# ------------------------------------------------------------------ the database


def test_what_reads_the_database_says_when_there_is_none(
    terminal: Terminal, tmp_path: Path
) -> None:
    for words in (["obligations"], ["status"], ["plan", "diff"], ["backup", "x.db"]):
        assert "Chưa có cơ sở dữ liệu" in terminal.refused(*words)
    assert not list(tmp_path.iterdir())


def test_a_database_folder_that_is_missing_is_told(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/none/x.db")
    assert "Chưa có thư mục" in terminal.refused("plan", "load")
    assert not list(tmp_path.iterdir())


@pytest.mark.sqlite
@pytest.mark.slow  # waits as long as people would
def test_a_database_locked_by_another_program_is_told(loaded: Terminal, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "var" / "nhacviec.db")
    other.execute("BEGIN IMMEDIATE")
    try:
        assert "đang bị chương trình khác khoá" in loaded.refused("plan", "load")
    finally:
        other.close()


def test_a_file_that_is_no_database_is_told(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "notes.db").write_text("not a database, only some notes of somebody" * 50)
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/notes.db")
    assert "không phải cơ sở dữ liệu" in terminal.refused("status")


def test_loading_twice_changes_nothing(loaded: Terminal) -> None:
    assert loaded.json("plan", "diff") == []
    code, out, _ = loaded.type("plan", "load")
    assert code == 0
    assert "Không có gì thay đổi" in out
    assert all(plan["tracked_from"] for plan in loaded.json("plan", "list"))


def test_diff_shows_an_edited_file_and_leaves_the_database_as_it_is(
    loaded: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = own_registry(tmp_path, monkeypatch) / "plans" / "lang-son-131-2020.yaml"
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace("BC.2", "BC.3"), encoding="utf-8")
    first = loaded.json("plan", "diff")
    assert [(c["what"], c["code"], c["how"]) for c in first] == [
        ("file", "plans/lang-son-131-2020.yaml", "changed"),
        ("duty", "lang-son-131-2020 BC.3", "new"),
        ("duty", "lang-son-131-2020 BC.2", "withdrawn"),
    ]
    assert loaded.json("plan", "diff") == first


@pytest.mark.sqlite
def test_a_faulty_file_loads_nothing(
    loaded: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (tmp_path / "var" / "nhacviec.db").read_bytes()
    plan = own_registry(tmp_path, monkeypatch) / "plans" / "lang-son-131-2020.yaml"
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace("II.1b", "II.1a"), encoding="utf-8")
    assert "II.1a ghi hai lần" in loaded.refused("plan", "load")
    assert (tmp_path / "var" / "nhacviec.db").read_bytes() == before


def test_obligations_are_listed_by_due_date_for_one_agency(loaded: Terminal) -> None:
    rows = loaded.json("obligations", "--province", "gia-lai", "--agency", "Sở Tài chính")
    assert rows
    assert {row["agency"] for row in rows} == {"Sở Tài chính"}
    dues = [row["extended_to"] or row["due_on"] for row in rows]
    assert dues == sorted(dues)
    within = loaded.json("obligations", "--from", "2026-11-01", "--to", "2026-11-30")
    assert all("2026-11-01" <= row["due_on"] <= "2026-11-30" for row in within)


def test_an_agency_needs_its_province(loaded: Terminal) -> None:
    assert "--province" in loaded.refused("obligations", "--agency", "Sở Tài chính")


def test_status_counts_each_task_of_a_plan_once(loaded: Terminal) -> None:
    (row,) = loaded.json("status", "--plan", "1901")["plans"]
    plan = loaded.json("plan", "show", "1901")
    assert row["tasks"]["total"] == len(plan["tasks"])
    assert row["tasks"]["done_on_time"] == 0


def test_status_tells_what_each_account_sent_this_month(loaded: Terminal) -> None:
    assert loaded.json("status")["accounts"] == []
    now = datetime.now(UTC)
    loaded.sql(
        """INSERT INTO account (id, channel, name, title, epoch)
           VALUES (1, 'telegram', '77', '@nhacviec_bot', 0), (2, 'of_old', '78', NULL, 0),
                  (3, 'zalo_bot', '7001', 'Bot A', 0)""",
        """INSERT INTO chat (id, account_id, address, thread, kind, state)
           VALUES (1, 1, '555', '', 'private', 'living')""",
        f"""INSERT INTO message
            (account_id, chat_id, priority, template, context, buttons, created_at, send_at, state, sent_at)
            VALUES (1, 1, 0, 'help', '{{}}', '[]', '{now:%F %T.%f}', '{now:%F %T.%f}', 'sent', '{now:%F %T.%f}')""",
        f"""INSERT INTO inbox_event (account_id, update_id, raw, received_at)
            VALUES (1, 'a', '', '{now:%F %T.%f}'), (3, 'b', '', '{now:%F %T.%f}')""",
    )
    telegram, old, zalo = loaded.json("status")["accounts"]
    assert telegram["name"] == "@nhacviec_bot"
    uncapped = {"used": 1, "cap": None, "percent": None, "level": 0, "sent": 1, "received": 0}
    assert telegram["messages"] == uncapped
    assert (zalo["messages"]["used"], zalo["messages"]["received"]) == (1, 1)
    assert (old["name"], old["messages"]["used"]) == ("78", 0)
    _, out, _ = loaded.type("status")
    assert "@nhacviec_bot" in out
    assert "1/3.000 (0 %): gửi 0, nhận 1" in out


@pytest.mark.sqlite
def test_an_invitation_is_made_for_one_agency_and_only_its_hash_is_kept(
    loaded: Terminal, tmp_path: Path
) -> None:
    made = loaded.json(
        "invite", "--province", "Gia Lai", "--agency", "so khcn", "--role", "đầu mối"
    )
    assert made["agency"] == "Sở Khoa học và Công nghệ"
    assert made["role"] == "focal"
    assert made["links"] == []
    database = sqlite3.connect(tmp_path / "var" / "nhacviec.db")
    dump = "\n".join(database.iterdump())
    database.close()
    assert made["code"] not in dump
    assert made["code"].replace("-", "") not in dump
    assert dump.count('INSERT INTO "invitation"') + dump.count("INSERT INTO invitation") == 1


def test_an_agency_that_could_be_several_is_not_guessed(loaded: Terminal) -> None:
    err = loaded.refused("invite", "--province", "gia-lai", "--agency", "sở", "--role", "focal")
    assert "là tên chung của nhiều cơ quan" in err


def test_closing_a_plan_withdraws_what_falls_due_later_and_is_recorded(loaded: Terminal) -> None:
    assert loaded.type("plan", "close", "131", "--on", "2026-11-30", "--yes")[0] == 0
    rows = loaded.json("obligations", "--province", "lang-son", "--from", "2026-12-01")
    assert rows == []
    (plan,) = loaded.json("plan", "list", "--province", "lang-son")
    assert plan["closed_on"] == "2026-11-30"
    decisions = loaded.sql("SELECT kind, plan_code, decided_by FROM decision")
    assert decisions == [("close_plan", "lang-son-131-2020", "quản trị")]


def test_closing_a_closed_plan_later_says_what_is_followed_again(loaded: Terminal) -> None:
    assert loaded.type("plan", "close", "131", "--on", "2026-06-30", "--yes")[0] == 0
    ((withdrawn,),) = loaded.sql("SELECT count(*) FROM obligation WHERE state = 'withdrawn'")
    told = loaded.refused("plan", "close", "131", "--on", "2030-12-31")
    assert (
        f" 0 nhiệm vụ có hạn sau ngày ấy được rút, không nhắc nữa. {withdrawn} nhiệm vụ đã rút"
        in told
    )


def test_closing_before_the_plan_was_issued_is_refused(loaded: Terminal) -> None:
    assert "trước ngày ban hành" in loaded.refused("plan", "close", "131", "--on", "2019-01-01")


@pytest.mark.sqlite
def test_a_backup_is_a_whole_database_in_one_private_file(loaded: Terminal, tmp_path: Path) -> None:
    assert loaded.type("backup", "copy.db")[0] == 0
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0
    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("SELECT count(*) FROM plan").fetchone() == (5,)
    copy.close()


@pytest.mark.sqlite
def test_a_backup_writes_over_nothing(loaded: Terminal, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("mine")
    assert "không bị ghi đè" in loaded.refused("backup", "copy.db")
    assert (tmp_path / "copy.db").read_text() == "mine"


@pytest.mark.sqlite
def test_a_backup_that_fails_leaves_nothing_behind(loaded: Terminal, tmp_path: Path) -> None:
    (tmp_path / "var" / "nhacviec.db").write_bytes(b"SQLite format 3\0" + b"x" * 9000)
    assert "Sao lưu không thành" in loaded.refused("backup", "copy.db")
    assert not list(tmp_path.glob("copy*"))


@pytest.mark.parametrize(
    ("word", "unwanted"),
    [
        ("--help", ("sqlalchemy", "pydantic", "rich", "telegram", "openpyxl")),
        ("--version", ("typer", "bot.cli", "sqlalchemy", "pydantic", "rich")),
    ],
)
def test_help_and_version_start_without_the_heavy_libraries(
    word: str, unwanted: tuple[str, ...]
) -> None:
    probe = (
        "import sys; from bot.__main__ import run_command_line as run;"
        f"run([{word!r}]); print([m for m in {unwanted!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_the_installed_one(terminal: Terminal) -> None:
    assert terminal.type("--version") == (0, f"nhacviec {metadata.version('nhacviec')}\n", "")
    assert "--version" in terminal.type("--help")[1]


# ------------------------------------------------------------------ calendars


def test_a_calendar_is_written_once_and_read_by_another_program(
    loaded: Terminal, tmp_path: Path
) -> None:
    words = ("calendar", "Sở Khoa học và Công nghệ", "--province", "lang-son")
    code, out, err = loaded.type(*words, "--out", "lich.ics")
    assert (code, err) == (0, "")
    assert "mốc hạn của Sở Khoa học và Công nghệ" in out
    own = vobject.readOne((tmp_path / "lich.ics").read_text())
    assert loaded.type(*words, "--role", "theo dõi", "--out", "theo-doi.ics")[0] == 0
    both = vobject.readOne((tmp_path / "theo-doi.ics").read_text())
    mine = {event.uid.value for event in own.vevent_list}
    every = {event.uid.value for event in both.vevent_list}
    assert mine < every
    assert all(uid.startswith("duty-") for uid in every - mine)
    assert "không bị ghi đè" in loaded.refused(*words, "--out", "lich.ics")
    assert "không có cơ quan" in loaded.refused(
        "calendar", "Sở Vũ trụ", "--province", "lang-son", "--out", "x.ics"
    )
    assert "đầu mối" in loaded.refused(*words, "--role", "leader", "--out", "x.ics")
    assert not (tmp_path / "x.ics").exists()


def test_without_a_database_there_is_no_calendar(terminal: Terminal) -> None:
    words = ("calendar", "so-khcn", "--province", "lang-son", "--out", "x.ics")
    assert "nhacviec plan load" in terminal.refused(*words)
