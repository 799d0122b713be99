"""Commands where the machine, the network or the office's files are not as they should be: each is told what to do."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal
from tests.contacts.test_people_cli import peopled
from tests.sheets.test_status_import import Sat
from tests.support import databases

pytestmark = pytest.mark.slow

__all__ = ["loaded", "loaded_file", "peopled", "terminal"]  # fixtures

TOKEN = "77:" + "a" * 35
ZALO = "12345678:abcdefghijkl"
LONG = "a" * 300
DATABASE, REGISTRY = "NHACVIEC_DATABASE_URL", "NHACVIEC_REGISTRY_DIR"
SERVER = "postgresql+psycopg://x:y@"

Words = tuple[str, ...]
Settings = dict[str, str]

# What is typed, the settings, and a part of what is told.
CIRCUMSTANCES: list[tuple[Words, Settings, str]] = [
    # the database's address
    (("status",), {DATABASE: f"{SERVER}no-such-host.invalid/x"}, "Không tìm thấy máy chủ"),
    (("status",), {DATABASE: f"{SERVER}127.0.0.1:1/x"}, "Không nối được cơ sở dữ liệu"),
    (("status",), {DATABASE: f"{SERVER}127.0.0.1:abc/x"}, "cổng hoặc tên máy"),
    (("status",), {DATABASE: f"{SERVER}127.0.0.1:99999/x"}, "cổng hoặc tên máy"),
    (("status",), {DATABASE: f"{SERVER}[::1/x"}, "cổng hoặc tên máy"),
    (("status",), {DATABASE: "postgresql+psycopg://127.0.0.1/x?bogus=1"}, "tham số"),
    (("status",), {DATABASE: "mysql://x"}, "phải bắt đầu bằng"),
    (("plan", "load"), {DATABASE: "sqlite+aiosqlite:///folder"}, "Không mở được tệp"),
    (("plan", "load"), {DATABASE: "sqlite+aiosqlite:////proc/x.db"}, "Không mở được tệp"),
    (("plan", "load"), {DATABASE: "sqlite+aiosqlite:///none/x.db"}, "Chưa có thư mục"),
    (("status",), {DATABASE: "sqlite+aiosqlite:///notes.txt"}, "không phải cơ sở dữ liệu"),
    (("backup", "b.db"), {DATABASE: "sqlite+aiosqlite:///notes.txt"}, "Sao lưu không thành"),
    (
        ("tick", "--now", "2026-11-09T07:30+07:00"),
        {DATABASE: "sqlite+aiosqlite:///notes.txt"},
        "không phải cơ sở dữ liệu",
    ),
    # where a bot's platform is
    (("zalo", "webhook", "info"), {"NHACVIEC_ZALO_BOT_BASE_URL": "http://h:99999"}, "cổng"),
    (("zalo", "webhook", "info"), {"NHACVIEC_ZALO_BOT_BASE_URL": "http://[::1"}, "tên máy"),
    (("doctor",), {"NHACVIEC_TELEGRAM_BASE_URL": "http://h:0"}, "cổng"),
    (("doctor",), {"NHACVIEC_PING_URL": "https://h:99999/x"}, "cổng"),
    # the office's files
    (("check",), {REGISTRY: "none"}, "registry init"),
    (("check",), {REGISTRY: "folder"}, "registry init"),
    (("plan", "load"), {REGISTRY: "broken"}, "broken.yaml"),
    (("plan", "list"), {REGISTRY: "broken"}, "broken.yaml"),
    (("plan", "import", "folder"), {}, "không phải tệp Excel"),
    (("plan", "import", "notes.txt"), {}, "không phải tệp Excel"),
    (("plan", "import", "none.xlsx"), {}, "không có tệp hoặc thư mục này"),
    (("import-status", "notes.txt", "--by", "An"), {}, "không phải tệp Excel"),
    (("import-status", LONG, "--by", "An"), {}, "tên quá dài"),
    (("move", "--to-file", "folder"), {}, "Không đọc được tệp"),
    (("move", "--to", f"{SERVER}h:abc/x"), {}, "cổng hoặc tên máy"),
    # where a file is to be written
    (("plan", "template", "none/a.xlsx"), {}, "không có tệp hoặc thư mục này"),
    (("plan", "template", "notes.txt/a.xlsx"), {}, "không phải thư mục"),
    (("plan", "template", f"{LONG}.xlsx"), {}, "tên quá dài"),
    (("plan", "template", ""), {}, "còn trống"),
    (("backup", ""), {}, "còn trống"),
    (("export", "--out", ""), {}, "còn trống"),
    (("registry", "init", ""), {}, "còn trống"),
    (("registry", "init", LONG), {}, "tên quá dài"),
    (("registry", "init", "notes.txt/x"), {}, "không phải thư mục"),
    # dates, instants and numbers
    (("workday", "0001-01-01"), {}, "quá xa"),
    (("preview", "--from", "0001-01-01", "--to", "9999-12-31"), {}, "quá xa"),
    (("understand", "xin gia hạn 3 ngày", "--today", "9999-12-31"), {}, "quá xa"),
    (("tick", "--now", "9999-12-31T23:59+00:00"), {}, "quá xa"),
    (("tick", "--now", "0001-01-01T00:00+07:00"), {}, "quá xa"),
    (("people", "show", "9" * 30), {}, "không phải số"),
    (("people", "erase", "mười"), {}, "không phải số"),
    (("people", "remove", "٣"), {}, "không phải số"),
    # words of another encoding, as Python hands them over
    (("plan", "show", "\udcff"), {}, "không phải chữ UTF-8"),
    (("export", "--out", "\udcff.xlsx"), {}, "không phải chữ UTF-8"),
]


@pytest.fixture
def untidy(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in a folder with files that are not what they seem, and bots that nobody answers for."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("ghi chú, không phải dữ liệu " * 200, "utf-8")
    for name in ("plans", "agencies", "calendar"):
        (tmp_path / "broken" / name).mkdir(parents=True)
    (tmp_path / "broken" / "plans" / "broken.yaml").write_bytes(b"number: [\xff")
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setenv("NHACVIEC_ZALO_BOT_TOKENS", ZALO)
    return terminal


def as_told(code: int, out: str, err: str) -> str:
    """Return what a command that cannot be done says, all of it in Vietnamese and without its insides."""
    assert code in (1, 2)
    for unwanted in ("Lỗi ngoài dự kiến", "Traceback", "Errno", "Error:", "Background on"):
        assert unwanted not in out + err
    assert not err.isascii()
    return err


@pytest.mark.parametrize(
    ("words", "settings", "told"),
    CIRCUMSTANCES,
    ids=lambda each: " ".join(map(ascii, each))[:60] if isinstance(each, tuple) else None,
)
def test_each_circumstance_has_a_sentence_of_its_own(
    words: Words, settings: Settings, told: str, untidy: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    code, out, err = untidy.type(*words)
    assert told in as_told(code, out, err)
    assert out == ""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"NHACVIEC_WEB_PORT=\xff", "UTF-8"),
        (b"NHACVIEC_WEB_PORT=99999999999999999999", "65535"),
        (b"NHACVIEC_TELEGRAM_TOKEN_FILE=/tmp", "đó là một thư mục"),
        (b"NHACVIEC_TELEGRAM_TOKEN_FILE=none", "không có tệp hoặc thư mục này"),
    ],
)
def test_a_file_of_settings_that_is_wrong_is_told_by_every_command(
    content: bytes, told: str, terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_bytes(content)
    for words in (("status",), ("check",), ("run",)):
        assert told in as_told(*terminal.type(*words))


# ------------------------------------------------------------------ a process of its own

MAIN = "from bot.__main__ import main; main()"


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Type a line with the program as `nv`."""
    begin = f"nv() {{ {sys.executable} -c '{MAIN}' \"$@\"; }}; "
    return subprocess.run(
        ["bash", "-c", begin + line], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.sqlite
@pytest.mark.slow  # starts the program for each line
@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("nv status > /dev/full", 1, "hết chỗ trên đĩa"),
        ("ulimit -f 40; nv export --out x.xlsx", 1, "tệp lớn quá mức cho phép"),
        ("ulimit -f 20; nv backup x.db", 1, "Sao lưu không thành"),
        ("nv status <&- >&-", 0, ""),
        ("nv understand - <&-", 0, ""),
        ("nv people remove 99 <&-", 1, "people list"),
        ("nv plan show $'\\xff'", 2, "không phải chữ UTF-8"),
        ("LC_ALL=C PYTHONIOENCODING=ascii nv people show x", 2, "không phải số"),
    ],
)
def test_a_full_disk_closed_streams_and_another_encoding_are_told(
    line: str, code: int, told: str, loaded: Terminal, tmp_path: Path
) -> None:
    done = shell(line, tmp_path)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr
    for unwanted in ("Lỗi ngoài dự kiến", "Traceback", "Errno", "lost sys"):
        assert unwanted not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["var"]


class Interrupted(Sat):
    """A terminal at which Ctrl-C is pressed."""

    def readline(self, *arguments: object) -> str:
        raise KeyboardInterrupt


def test_ctrl_c_at_a_question_ends_the_command_without_a_word(
    peopled: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Interrupted(""))
    code, out, err = peopled.type("people", "remove", "1")
    assert (code, out, err.endswith("Tiếp tục? [c/K] ")) == (130, "", True)
    assert len(peopled.json("people", "list")) == 2


@pytest.mark.parametrize("words", [("run",), ("sandbox",)])
def test_a_port_that_another_program_has_is_told(
    words: Words, untidy: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        monkeypatch.setenv("NHACVIEC_WEB_PORT", port)
        assert f"Cổng {port} đang có chương trình khác dùng" in as_told(*untidy.type(*words))


# ------------------------------------------------------------------ a database server


@pytest.mark.slow  # a server of its own
@pytest.mark.parametrize(
    ("user", "database", "told"),
    [
        (None, "none", "Máy chủ không có cơ sở dữ liệu này"),
        ("nobody", "circumstances", "không có tài khoản này"),
        ("limited", "circumstances", "không đủ quyền"),
    ],
)
def test_a_server_that_refuses_is_told_by_its_reason(
    user: str | None,
    database: str,
    told: str,
    server: Any,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = databases.on_server(server, "circumstances")
    databases.make(url)
    with psycopg.connect(
        url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as own:
        own.execute("DROP ROLE IF EXISTS limited")
        own.execute("CREATE ROLE limited LOGIN")
        own.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    url = url.set(database=database)
    url = url if user is None else url.set(username=user)
    monkeypatch.setenv(DATABASE, url.render_as_string(hide_password=False))
    assert told in as_told(*terminal.type("plan", "load"))
