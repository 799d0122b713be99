"""`nhacviec invite`: what opens which bot, and the picture of it."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
import segno

from jobs.rendering.qr import letter_dots
from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal

__all__ = ["loaded", "loaded_file", "terminal"]  # fixtures

WORDS = ("invite", "--province", "gia-lai", "--agency", "Sở Tài chính", "--role", "focal")
ROOMY = "https://bot.zaloplatforms.com/bots/145927002"


def accounts(terminal: Terminal, *rows: tuple[int, str, str, str | None, int]) -> None:
    """Let the database know accounts: id, channel, title, link, and how many people they have."""
    statements = []
    for key, channel, title, link, people in rows:
        way = "NULL" if link is None else f"'{link}'"
        statements.append(
            "INSERT INTO account (id, channel, name, title, link, epoch)"
            f" VALUES ({key}, '{channel}', '{7000 + key}', '{title}', {way}, 0)"
        )
        for number in range(key * 1000, key * 1000 + people):
            statements += [
                f"INSERT INTO person (id, created_at) VALUES ({number}, '2026-11-01 00:00:00.000000')",
                f"""INSERT INTO chat (id, account_id, address, thread, kind, state, wrong_codes)
                    VALUES ({number}, {key}, 'z{number}', '', 'private', 'living', 0)""",
                f"""INSERT INTO enrolment (chat_id, person_id, agency_id, role, may_decide, enrolled_at)
                    SELECT {number}, {number}, min(id), 'focal', FALSE, '2026-11-01 00:00:00.000000'
                    FROM agency""",
            ]
    terminal.sql(*statements)


def dots_of(png: bytes) -> list[str]:
    """Read a black and white PNG back: a line of # and . for each row of dots, four pixels each."""
    width = int.from_bytes(png[16:20], "big")
    length = int.from_bytes(png[33:37], "big")
    lines = zlib.decompress(png[41 : 41 + length])
    size = (width + 7) // 8 + 1
    rows = [lines[start + 1 : start + size] for start in range(0, len(lines), 4 * size)]
    return [
        "".join(".#"[bit == "0"] for bit in f"{int.from_bytes(row, 'big'):b}"[:width:4])
        for row in rows
    ]


def opens(png: bytes, link: str) -> bool:
    """Tell whether the upper part of a picture is the QR of a link."""
    modules = segno.make_qr(link, error="m").matrix_iter(scale=2, border=4)
    expected = ["".join(".#"[dot] for dot in row) for row in modules]
    return dots_of(png)[: len(expected)] == expected


def codes_kept(terminal: Terminal) -> int:
    ((count,),) = terminal.sql("SELECT count(*) FROM invitation")
    return int(count)


def test_on_telegram_the_picture_opens_the_bot_with_the_code(
    loaded: Terminal, tmp_path: Path
) -> None:
    accounts(loaded, (1, "telegram", "@nhacviec_bot", "https://t.me/nhacviec_bot", 0))
    made = loaded.json(*WORDS, "--qr", "moi.png")
    (way,) = made["links"]
    link = f"https://t.me/nhacviec_bot?start={made['code']}"
    assert (way["bot"], way["private"], way["send"]) == ("@nhacviec_bot", link, "")
    drawn = (tmp_path / "moi.png").read_bytes()
    assert drawn.startswith(b"\x89PNG")
    assert opens(drawn, link)
    assert not opens(drawn, "https://t.me/nhacviec_bot")
    assert made["qr"] == "moi.png"


def test_on_zalo_the_picture_opens_the_bot_with_most_room_and_the_code_stands_under_it(
    loaded: Terminal, tmp_path: Path
) -> None:
    accounts(
        loaded,
        (1, "zalo_bot", "Bot Một", "https://bot.zaloplatforms.com/bots/145927001", 3),
        (2, "zalo_bot", "Bot Hai", ROOMY, 1),
        (3, "zalo_bot", "Bot Ba", None, 0),  # never reached: nobody knows where it is
        (4, "telegram", "@nhacviec_bot", "https://t.me/nhacviec_bot", 0),
    )
    code, out, err = loaded.type(*WORDS, "--qr", "moi.png")
    assert (code, err) == (0, "")
    secret = out.partition("(focal): ")[2].split()[0]
    assert f"Zalo: mở {ROOMY} rồi gửi: {secret}" in out
    assert f"Hình QR mở Bot Hai: moi.png; dưới hình là mã cần gửi: {secret}" in out
    assert f"https://t.me/nhacviec_bot?start={secret}" in out
    assert "Bot Một" not in out
    drawn = (tmp_path / "moi.png").read_bytes()
    assert opens(drawn, ROOMY)
    assert [row.strip(".") for row in dots_of(drawn)[-11:-4]] == [
        "".join(".#"[dot] for dot in row).strip(".") for row in letter_dots(secret)
    ]


def test_a_full_or_stopped_zalo_bot_is_not_drawn_and_no_code_is_made(
    loaded: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NHACVIEC_ZALO_BOT_PEOPLE", "2")
    accounts(loaded, (1, "zalo_bot", "Bot Một", ROOMY, 2), (2, "zalo_bot", "Bot Hai", ROOMY, 0))
    loaded.sql("UPDATE account SET stopped_at = '2026-11-01 00:00:00.000000' WHERE id = 2")
    assert "các bot Zalo đã đủ người" in loaded.refused(*WORDS, "--qr", "moi.png")
    assert not (tmp_path / "moi.png").exists()
    assert codes_kept(loaded) == 0
    (way,) = loaded.json(*WORDS)["links"]  # without a picture the code is made all the same
    assert way["private"] == ""


def test_a_picture_writes_over_nothing_and_then_makes_no_code(
    loaded: Terminal, tmp_path: Path
) -> None:
    accounts(loaded, (1, "telegram", "@nhacviec_bot", "https://t.me/nhacviec_bot", 0))
    (tmp_path / "moi.png").write_text("mine")
    assert "không bị ghi đè" in loaded.refused(*WORDS, "--qr", "moi.png")
    assert (tmp_path / "moi.png").read_text() == "mine"
    assert "Không ghi được" in loaded.refused(*WORDS, "--qr", "none/moi.png")
    assert codes_kept(loaded) == 0


def test_every_letter_of_a_code_can_be_drawn_and_told_from_the_others() -> None:
    drawn = {letter: str(letter_dots(letter)) for letter in "0123456789ABCDEFGHJKMNPQRSTVWXYZ-"}
    assert len(set(drawn.values())) == 33
    assert ["".join(".#"[dot] for dot in row) for row in letter_dots("7-T")] == [
        "#####.......#####",
        "....#.........#..",
        "...#..........#..",
        "..#...#####...#..",
        ".#............#..",
        ".#............#..",
        ".#............#..",
    ]
