"""`nhacviec invite`: what opens which bot, and the picture of it."""

from __future__ import annotations

import io
from itertools import combinations
from pathlib import Path

import pytest
import segno
from PIL import Image, ImageChops, ImageOps, ImageStat

from jobs.rendering.qr import render_qr
from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal

__all__ = ["loaded", "loaded_file", "terminal"]  # fixtures

WORDS = ("invite", "--province", "gia-lai", "--agency", "Sở Tài chính", "--role", "focal")
ROOMY = "https://bot.zaloplatforms.com/bots/145927002"
MODULE = 8  # pixels
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ-"


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
                f"""INSERT INTO chat (id, account_id, address, thread, kind, state)
                    VALUES ({number}, {key}, 'z{number}', '', 'private', 'living')""",
                f"""INSERT INTO enrolment (chat_id, person_id, agency_id, role, may_decide, enrolled_at)
                    SELECT {number}, {number}, min(id), 'focal', FALSE, '2026-11-01 00:00:00.000000'
                    FROM agency""",
            ]
    terminal.sql(*statements)


def opens(png: bytes, link: str) -> bool:
    """Tell whether the upper part of a picture is the QR of a link, to the pixel."""
    modules = [list(row) for row in segno.make_qr(link, error="m").matrix_iter(border=4)]
    picture = picture_of(png)
    left = (picture.width - MODULE * len(modules)) // 2
    expected = Image.new("L", (MODULE * len(modules),) * 2, "white")
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            if dark:
                box = (MODULE * x, MODULE * y, MODULE * (x + 1), MODULE * (y + 1))
                expected.paste("black", box)
    seen = picture.crop((left, 0, left + expected.width, expected.height))
    return seen.tobytes() == expected.tobytes()


def picture_of(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("L")


def letters_under(png: bytes) -> list[Image.Image]:
    """Return the letters under a QR, each cut out of the picture."""
    picture = picture_of(png)
    inked = ImageOps.invert(picture)
    height = picture.height
    while inked.crop((0, height - 1, picture.width, height)).getbbox() is None:
        height -= 1
    top = height
    while inked.crop((0, top - 1, picture.width, top)).getbbox() is not None:
        top -= 1
    columns = [
        inked.crop((x, top, x + 1, height)).getbbox() is not None for x in range(picture.width)
    ]
    letters, start = [], None
    for x, ink in enumerate(columns):
        if ink and start is None:
            start = x
        elif not ink and start is not None:
            strip = inked.crop((start, top, x, height))
            letters.append(strip.crop(strip.getbbox()))
            start = None
    return letters


def read_under(png: bytes) -> str:
    """Read the code under a QR: of each letter the one of the alphabet that looks most like it."""
    alphabet = {letter: letters_under(render_qr(ROOMY, send=letter))[0] for letter in ALPHABET}
    return "".join(
        min(alphabet, key=lambda letter: difference(alphabet[letter], drawn))
        for drawn in letters_under(png)
    )


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return how far two letters differ: 0 for the same, 255 for black and white."""
    size = (max(one.width, other.width), max(one.height, other.height))
    sheets = [Image.new("L", size, 0) for _ in range(2)]
    for sheet, letter in zip(sheets, (one, other), strict=True):
        sheet.paste(letter, (0, 0))
    return float(ImageStat.Stat(ImageChops.difference(*sheets)).mean[0])


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
    assert read_under(drawn) == secret


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


@pytest.mark.slow
def test_every_letter_of_a_code_can_be_drawn_and_told_from_the_others() -> None:
    assert read_under(render_qr(ROOMY, send=ALPHABET)) == ALPHABET
    alone = [letters_under(render_qr(ROOMY, send=letter))[0] for letter in ALPHABET]
    closest = min(difference(one, other) for one, other in combinations(alone, 2))
    assert closest > 10


def test_the_widest_code_is_not_cut_at_the_edges() -> None:
    drawn = render_qr("https://z.vn/1", send="WWWWW-MMMMM")
    assert opens(drawn, "https://z.vn/1")
    assert read_under(drawn) == "WWWWW-MMMMM"
    picture = picture_of(drawn)
    for edge in (0, picture.width - 1):
        assert picture.crop((edge, 0, edge + 1, picture.height)).getextrema() == (255, 255)
