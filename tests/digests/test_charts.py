"""Pictures of a digest: whole, the same every time, and readable whatever the names and counts are."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from matplotlib.font_manager import get_font
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from data.registry.registry import Registry
from jobs.digests.canvas import WIDTH, Canvas, font_file, strip_undrawable
from jobs.digests.charts import (
    MOST_ROWS,
    BarRow,
    BurnPoint,
    bars_page,
    burn_up_page,
    draw_bars,
    draw_burn_up,
)

pytestmark = pytest.mark.slow  # draws dozens of pictures

AS_OF = date(2026, 11, 23)
BORDER = "Ban Quản lý Khu kinh tế cửa khẩu Đồng Đăng - Lạng Sơn"
ROWS = (
    BarRow(BORDER, 12, 3, 5, 4),
    BarRow("Ủy ban nhân dân xã Kon Chiêng", 0, 1, 0, 0),
    BarRow("Sở Y tế", 0, 0, 0, 0),
)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="session")
def names(registry: Registry) -> list[str]:
    """The names of all agencies that the registry ships, the longest last."""
    agencies = [
        agency for province in registry.provinces.values() for agency in province.file.agencies
    ]
    return sorted({agency.name for agency in agencies}, key=len)


def size_of(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(SIGNATURE)
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def extents(page: Canvas) -> list[tuple[str, Bbox]]:
    texts = [text for text in page.axes.texts if text.get_text()]
    return [(text.get_text(), Text.get_window_extent(text)) for text in texts]


def cut(page: Canvas) -> list[str]:
    """Return the texts that do not lie within the picture."""
    whole = page.figure.bbox
    return [
        words
        for words, box in extents(page)
        if box.x0 < 0 or box.y0 < 0 or box.x1 > whole.x1 or box.y1 > whole.y1
    ]


def overlapping(page: Canvas) -> list[tuple[str, str]]:
    boxes = extents(page)
    return [
        (one, other)
        for place, (one, box) in enumerate(boxes)
        for other, its in boxes[place + 1 :]
        if box.x0 < its.x1 and its.x0 < box.x1 and box.y0 < its.y1 and its.y0 < box.y1
    ]


def words_of(page: Canvas) -> list[str]:
    return [words for words, _box in extents(page)]


def weeks(count: int, *, total: int = 60) -> list[BurnPoint]:
    done = total - total // 10
    return [
        BurnPoint(
            date(2026, 1, 5) + timedelta(weeks=n), done - done // (n + 1), total, total // 9 + n % 5
        )
        for n in range(count)
    ]


# ------------------------------------------------------------------ letters


def vietnamese_letters() -> set[str]:
    """Every letter of the alphabet under every tone, small and capital, in one code point each."""
    plain = "aăâbcdđeêghiklmnoôơpqrstuưvxy"
    tones = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    made = {
        unicodedata.normalize("NFC", letter + tone)
        for letter in plain
        for tone in (tones if letter in "aăâeêioôơuưy" else ("",))
    }
    return made | {letter.upper() for letter in made}


@pytest.mark.parametrize("bold", [False, True])
def test_the_letters_in_the_package_are_all_vietnamese_ones(bold: bool) -> None:
    letters = vietnamese_letters()
    assert len(letters) == 2 * (12 * 6 + 17)
    assert all(len(letter) == 1 for letter in letters)
    signs = "0123456789.,:;/-–…%()«»“”\"'+ "
    font = get_font(font_file(bold=bold))
    assert {
        letter for letter in letters | set(signs) if ord(letter) not in font.get_charmap()
    } == set()


def test_letters_written_in_parts_are_put_together_and_what_has_no_letter_is_left_out() -> None:
    assert (
        strip_undrawable(unicodedata.normalize("NFD", "Đắk Lắk, Kỹ thuật")) == "Đắk Lắk, Kỹ thuật"
    )
    assert strip_undrawable("Sở Y tế 📌🫠") == "Sở Y tế "
    draw_bars("📌 Kế hoạch $1901$ \U0001fae0", [BarRow("Sở 📌", 1, 0, 0, 0)], as_of=AS_OF)


# ------------------------------------------------------------------ bars


def test_the_same_values_make_the_same_bytes() -> None:
    assert draw_bars("Gia Lai", ROWS, as_of=AS_OF) == draw_bars("Gia Lai", ROWS, as_of=AS_OF)
    assert draw_bars("Gia Lai", ROWS, as_of=AS_OF) != draw_bars("Gia Lai", ROWS[::-1], as_of=AS_OF)
    one, other = (draw_burn_up("1901", weeks(3), as_of=AS_OF, due_on=None) for _ in range(2))
    assert one == other


def test_a_picture_names_neither_a_date_nor_a_version() -> None:
    for picture in (
        draw_bars("Gia Lai", ROWS, as_of=AS_OF),
        draw_burn_up("1901", weeks(3), as_of=AS_OF, due_on=None),
    ):
        assert size_of(picture)[0] == WIDTH == 1080
        assert not [kind for kind in (b"tEXt", b"iTXt", b"zTXt", b"tIME") if kind in picture]


def test_a_row_tells_its_states_its_total_and_what_is_late() -> None:
    page = bars_page("Gia Lai", ROWS, as_of=AS_OF)
    words = words_of(page)
    assert words[:2] == ["Gia Lai", "Tính đến ngày 23/11/2026"]
    assert words[2:6] == [
        "Hoàn thành đúng hạn",
        "Hoàn thành quá hạn",
        "Đang thực hiện trong hạn",
        "Đang thực hiện quá hạn",
    ]
    assert words[6:13] == [
        "Ban Quản lý Khu kinh tế cửa",
        "khẩu Đồng Đăng - Lạng Sơn",
        "12",
        "3",
        "5",
        "4",
        "24",
    ]
    assert words[-2:] == ["Sở Y tế", "0"]
    assert (cut(page), overlapping(page)) == ([], [])


def test_what_is_late_is_told_beside_a_bar_too_thin_to_hold_it() -> None:
    rows = [BarRow("Sở Y tế", 1, 0, 1, 2), BarRow("Sở Nội vụ", 900, 0, 0, 0)]
    page = bars_page("Gia Lai", rows, as_of=AS_OF)
    assert "4, quá hạn 2" in words_of(page)
    assert (cut(page), overlapping(page)) == ([], [])
    # after the legend: four boxes, two of them hatched
    thin = page.axes.patches[6:9]
    assert [round(patch.get_width()) for patch in thin] == [6, 6, 6]


@pytest.mark.parametrize("big", [1, 99, 100_000])
def test_no_name_of_the_registry_is_cut_or_runs_into_another(names: list[str], big: int) -> None:
    longest = names[-25:]
    rows = [BarRow(name, big, n, 2 * n, big if n % 2 else n) for n, name in enumerate(longest)]
    page = bars_page("Kế hoạch số 1901/KH-UBND ngày 15/8/2025 " * 3, rows, as_of=AS_OF)
    assert (cut(page), overlapping(page)) == ([], [])
    shown = " ".join(words_of(page))
    assert [name for name in longest if name not in shown] == []


def test_every_name_of_the_registry_takes_two_lines_at_most(names: list[str]) -> None:
    page = Canvas()
    assert [name for name in names if len(page.wrap(name, 26, 426)) > 2] == []


def test_a_word_wider_than_its_place_is_broken_and_loses_nothing() -> None:
    page = Canvas()
    lines = page.wrap("ngắn " + "dài" * 60 + " rồi", 26, 426)
    assert all(page.width_of(line, 26) <= 426 for line in lines)
    assert "".join(lines).replace(" ", "") == "ngắn" + "dài" * 60 + "rồi"


@pytest.mark.parametrize(
    "rows",
    [
        [BarRow("Sở Y tế", 0, 0, 1, 0)],
        [BarRow("Sở Y tế", 0, 0, 0, 0)],
        [BarRow("Sở Y tế", 0, 0, 0, 0), BarRow(BORDER, 0, 0, 0, 0)],
        [BarRow("", 1, 1, 1, 1)],
    ],
)
def test_one_row_and_nothing_but_noughts_make_a_whole_picture(rows: Sequence[BarRow]) -> None:
    page = bars_page("Gia Lai", rows, as_of=AS_OF)
    assert (cut(page), overlapping(page)) == ([], [])
    assert size_of(page.png()) == (1080, round(page.height))


@pytest.mark.slow
def test_eighty_of_the_longest_names_are_a_photo_that_telegram_takes() -> None:
    page = bars_page("Gia Lai", [BarRow(BORDER, 5, 1, 2, 3)] * MOST_ROWS, as_of=AS_OF)
    assert MOST_ROWS == 80
    width, height = size_of(page.png())
    assert width + height <= 10_000
    assert cut(page) == []


def test_what_does_not_fit_is_summed_up_in_words() -> None:
    rows = [BarRow(f"Xã {n}", 1, 0, 2, 3) for n in range(MOST_ROWS + 3)]
    words = words_of(bars_page("Gia Lai", rows, as_of=AS_OF))
    assert "Xã 79" in words
    assert "Xã 80" not in words
    assert words[-1] == "… và 3 cơ quan khác: 18 việc, 9 đang quá hạn"


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="no rows"):
        draw_bars("Gia Lai", [], as_of=AS_OF)
    with pytest.raises(ValueError, match="no points"):
        draw_burn_up("1901", [], as_of=AS_OF, due_on=None)


# ------------------------------------------------------------------ burn-up


@pytest.mark.parametrize("count", [1, 2, 52])
@pytest.mark.parametrize("total", [0, 60, 43_210])
@pytest.mark.parametrize("due_on", [None, date(2026, 1, 25), date(2027, 12, 31), date(2025, 6, 1)])
def test_no_word_of_a_burn_up_is_cut_or_runs_into_another(
    count: int, total: int, due_on: date | None
) -> None:
    page = burn_up_page("Kế hoạch 1901", weeks(count, total=total), as_of=AS_OF, due_on=due_on)
    assert (cut(page), overlapping(page)) == ([], [])


def test_a_burn_up_tells_the_latest_week_and_the_due_date() -> None:
    page = burn_up_page("Kế hoạch 1901", weeks(21)[::-1], as_of=AS_OF, due_on=date(2026, 11, 25))
    words = words_of(page)
    told = dict(zip(words[2:8:2], words[3:8:2], strict=True))
    assert told == {"Tổng số:": "60", "Hoàn thành:": "52", "Đang quá hạn:": "6"}
    assert "Hạn 25/11" in words
    assert "25/05" in words  # the last week
    later = burn_up_page("1901", weeks(2), as_of=AS_OF, due_on=date(2030, 12, 31))
    assert "Hạn 31/12/2030" in words_of(later)


def test_a_single_week_stands_in_the_middle() -> None:
    page = burn_up_page("Kế hoạch 1901", weeks(1), as_of=AS_OF, due_on=None)
    (week,) = [text for text in page.axes.texts if text.get_text() == "05/01"]
    marks = [line for line in page.axes.lines if line.get_marker() not in ("None", "")]
    assert {float(line.get_xdata()[0]) for line in marks[-3:]} == {week.get_position()[0]}
    assert 500 < week.get_position()[0] < 660
    assert size_of(page.png())[0] == 1080
