"""Pictures of a digest: whole, the same every time, and readable whatever the names and counts are."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from data.digests.kept_weeks import ScopeFacts
from data.registry.registry import Registry
from jobs.digests.canvas import WIDTH, font_file, strip_undrawable, to_png, wrap
from jobs.digests.charts import MOST_ROWS, BarRow, BurnPoint, bars_figure, burn_up_figure
from jobs.digests.week_charts import draw_digest

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


def draw_bars(title: str, rows: Sequence[BarRow]) -> bytes:
    return to_png([bars_figure(title, rows, as_of=AS_OF)])


def draw_burn_up(count: int) -> bytes:
    return to_png([burn_up_figure("1901", weeks(count), as_of=AS_OF, due_on=None)])


def extents(figure: Figure) -> list[tuple[str, Bbox]]:
    """Return every text that the figure shows, from its heading down, and the pixels that it takes."""
    (axes,), (legend,) = figure.axes, figure.legends
    texts = [*figure.texts[::-1], *legend.get_texts(), *axes.texts]
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = axis.get_major_ticks() if axis.get_visible() else []
        texts += [tick.label1 for tick in ticks if low <= tick.get_loc() <= high]
    figure.draw_without_rendering()
    return [
        (text.get_text(), Text.get_window_extent(text))
        for text in texts
        if text.get_text() and text.get_visible()
    ]


def cut(figure: Figure) -> list[str]:
    """Return the texts that do not lie within the figure, to a pixel; its margins come around it."""
    whole = figure.bbox.padded(1)
    return [
        words
        for words, box in extents(figure)
        if box.x0 < whole.x0 or box.y0 < whole.y0 or box.x1 > whole.x1 or box.y1 > whole.y1
    ]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    boxes = extents(figure)
    return [
        (one, other)
        for place, (one, box) in enumerate(boxes)
        for other, its in boxes[place + 1 :]
        if box.x0 < its.x1 and its.x0 < box.x1 and box.y0 < its.y1 and its.y0 < box.y1
    ]


def beside_their_parts(figure: Figure) -> list[str]:
    """Return the counts that do not lie within the part of a bar that they count."""
    (axes,) = figure.axes
    parts = [part.get_window_extent() for part in axes.patches]
    counts = [text for text in axes.texts if text.get_text() and text.xy == (0.5, 0.5)]
    return [
        count.get_text()
        for count in counts
        for box in [Text.get_window_extent(count)]
        if not any(part.x0 < box.x0 and box.x1 < part.x1 for part in parts)
    ]


def words_of(figure: Figure) -> list[str]:
    return [words for words, _box in extents(figure)]


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
    draw_bars("📌 Kế hoạch $1901$ \U0001fae0", [BarRow("Sở 📌 $1$", 1, 0, 0, 0)])


# ------------------------------------------------------------------ pictures


def test_the_same_values_make_the_same_bytes() -> None:
    assert draw_bars("Gia Lai", ROWS) == draw_bars("Gia Lai", ROWS)
    assert draw_bars("Gia Lai", ROWS) != draw_bars("Gia Lai", ROWS[::-1])
    assert draw_burn_up(3) == draw_burn_up(3)


def test_a_picture_names_neither_a_date_nor_a_version() -> None:
    for picture in (draw_bars("Gia Lai", ROWS), draw_burn_up(3)):
        assert size_of(picture)[0] == WIDTH == 1080
        assert not [kind for kind in (b"tEXt", b"iTXt", b"zTXt", b"tIME") if kind in picture]


def test_two_figures_are_one_picture_below_each_other() -> None:
    bars = bars_figure("Gia Lai", ROWS, as_of=AS_OF)
    lines = burn_up_figure("1901", weeks(3), as_of=AS_OF, due_on=None)
    alone = [size_of(to_png([figure]))[1] for figure in (bars, lines)]
    assert size_of(to_png([bars, lines])) == (1080, sum(alone))


def test_the_first_picture_of_a_process_writes_nothing_on_standard_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    program = (
        "from datetime import date;"
        "from jobs.digests.canvas import to_png;"
        "from jobs.digests.charts import BarRow, bars_figure;"
        "to_png([bars_figure('Gia Lai', [BarRow('Sở Y tế', 1, 2, 3, 4)], as_of=date(2026, 1, 5))])"
    )
    # Matplotlib warns where it cannot keep its list of fonts; it makes a new one then.
    nowhere = {"MPLCONFIGDIR": str(tmp_path / "file" / "folder")}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **nowhere}, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_figure_is_what_loads_matplotlib() -> None:
    program = "import sys, jobs.digests.week_charts; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"False\n"


# ------------------------------------------------------------------ bars


def test_a_row_tells_its_states_its_total_and_what_is_late() -> None:
    figure = bars_figure("Gia Lai", ROWS, as_of=AS_OF)
    words = words_of(figure)
    assert words[:6] == [
        "Gia Lai",
        "Tính đến ngày 23/11/2026",
        "Hoàn thành đúng hạn",
        "Hoàn thành quá hạn",
        "Đang thực hiện, chưa quá hạn",
        "Đang thực hiện quá hạn",
    ]
    assert words[6:13] == ["12", "3", "5", "4", "24", "1", "0"]
    assert words[13:] == [
        "Ban Quản lý Khu kinh tế cửa\nkhẩu Đồng Đăng - Lạng Sơn",
        "Ủy ban nhân dân xã Kon Chiêng",
        "Sở Y tế",
    ]
    assert (cut(figure), overlapping(figure), beside_their_parts(figure)) == ([], [], [])


def test_what_is_late_is_told_apart_without_colour() -> None:
    bars = bars_figure("Gia Lai", ROWS, as_of=AS_OF).legends[0].get_patches()
    assert [patch.get_hatch() or "" for patch in bars] == ["", "/", "", "\\"]
    lines = burn_up_figure("1901", weeks(3), as_of=AS_OF, due_on=None).axes[0].lines
    assert len({line.get_marker() for line in lines}) == len(lines) == 3


def test_what_is_late_is_told_beside_a_bar_too_thin_to_hold_it() -> None:
    rows = [BarRow("Sở Y tế", 1, 0, 1, 2), BarRow("Sở Nội vụ", 900, 0, 0, 0)]
    figure = bars_figure("Gia Lai", rows, as_of=AS_OF)
    assert "4, quá hạn 2" in words_of(figure)
    assert (cut(figure), overlapping(figure)) == ([], [])
    widths = [part.get_window_extent().width for part in figure.axes[0].patches]
    of_first = widths[::2]
    assert of_first[1] == 0
    assert all(6 <= width <= 12 for width in (of_first[0], *of_first[2:]))


@pytest.mark.parametrize("big", [1, 99, 100_000])
def test_no_name_of_the_registry_is_cut_or_runs_into_another(names: list[str], big: int) -> None:
    longest = names[-25:]
    rows = [BarRow(name, big, n, 2 * n, big if n % 2 else n) for n, name in enumerate(longest)]
    figure = bars_figure("Kế hoạch số 1901/KH-UBND ngày 15/8/2025 " * 3, rows, as_of=AS_OF)
    assert (cut(figure), overlapping(figure), beside_their_parts(figure)) == ([], [], [])
    shown = " ".join(words_of(figure)).replace("\n", " ")
    assert [name for name in longest if name not in shown] == []


def test_capitals_without_a_space_are_whole_too() -> None:
    rows = [BarRow("W" * 100, 12, 3, 5, 4), BarRow("ỦY BAN NHÂN DÂN THÀNH PHỐ " * 3, 1, 2, 3, 4)]
    figure = bars_figure("W" * 100, rows, as_of=AS_OF)
    assert (cut(figure), overlapping(figure), beside_their_parts(figure)) == ([], [], [])
    assert [words.count("W") for words in words_of(figure) if "W" in words] == [100, 100]


def test_every_name_of_the_registry_takes_two_lines_at_most(names: list[str]) -> None:
    figure = bars_figure("Gia Lai", [BarRow(name, 1, 0, 0, 0) for name in names[-80:]], as_of=AS_OF)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == 80
    assert [label for label in labels if label.count("\n") > 1] == []


def test_a_word_wider_than_its_place_is_broken_and_loses_nothing() -> None:
    lines = wrap("ngắn " + "dài" * 60 + " rồi", 30).split("\n")
    assert all(len(line) <= 30 for line in lines)
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
    figure = bars_figure("Gia Lai", rows, as_of=AS_OF)
    assert (cut(figure), overlapping(figure)) == ([], [])
    assert size_of(to_png([figure])) == (1080, round(figure.bbox.height) + 80)


@pytest.mark.slow
def test_eighty_of_the_longest_names_are_a_photo_that_telegram_takes() -> None:
    figure = bars_figure("Gia Lai", [BarRow(BORDER, 5, 1, 2, 3)] * MOST_ROWS, as_of=AS_OF)
    assert MOST_ROWS == 80
    width, height = size_of(to_png([figure]))
    assert width + height <= 10_000
    assert cut(figure) == []


def test_what_does_not_fit_is_summed_up_in_words() -> None:
    rows = [BarRow(f"Xã {n}", 1, 0, 2, 3) for n in range(MOST_ROWS + 3)]
    figure = bars_figure("Gia Lai", rows, as_of=AS_OF)
    words = words_of(figure)
    assert "Xã 79" in words
    assert "Xã 80" not in words
    assert "… và 3 cơ quan khác: 18 nội dung, 9 đang quá hạn" in words
    assert (cut(figure), overlapping(figure)) == ([], [])


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="no rows"):
        bars_figure("Gia Lai", [], as_of=AS_OF)
    with pytest.raises(ValueError, match="no points"):
        burn_up_figure("1901", [], as_of=AS_OF, due_on=None)


# ------------------------------------------------------------------ burn-up


@pytest.mark.parametrize("count", [1, 2, 52])
@pytest.mark.parametrize("total", [0, 60, 43_210])
@pytest.mark.parametrize("due_on", [None, date(2026, 1, 25), date(2027, 12, 31), date(2025, 6, 1)])
def test_no_word_of_a_burn_up_is_cut_or_runs_into_another(
    count: int, total: int, due_on: date | None
) -> None:
    points = weeks(count, total=total)
    figure = burn_up_figure("Kế hoạch 1901", points, as_of=AS_OF, due_on=due_on)
    assert (cut(figure), overlapping(figure)) == ([], [])


def test_a_burn_up_tells_the_latest_week_and_the_due_date() -> None:
    due_on = date(2026, 11, 25)
    figure = burn_up_figure("Kế hoạch 1901", weeks(21)[::-1], as_of=AS_OF, due_on=due_on)
    words = words_of(figure)
    assert words[2:5] == ["Tổng số: 60", "Hoàn thành: 52", "Đang quá hạn: 6"]
    assert "Hạn 25/11" in words
    assert "25/05" in words  # the last week
    later = burn_up_figure("1901", weeks(2), as_of=AS_OF, due_on=date(2030, 12, 31))
    assert "Hạn 31/12/2030" in words_of(later)


def test_a_single_week_stands_in_the_middle() -> None:
    figure = burn_up_figure("Kế hoạch 1901", weeks(1), as_of=AS_OF, due_on=None)
    (axes,) = figure.axes
    (week,) = [box for words, box in extents(figure) if words == "05/01"]
    (day,) = {float(line.get_xdata()[0]) for line in axes.lines}
    middle = axes.transData.transform((day, 0))[0]
    assert middle == pytest.approx((week.x0 + week.x1) / 2, abs=1)
    assert 460 < middle < 620  # of 1000
    assert [line.get_markevery() for line in axes.lines] == [slice(0, None, 1)] * 3


def test_the_leaders_picture_shows_reports_beside_tasks() -> None:
    plan: ScopeFacts = {
        "number": "1901/KH-UBND",
        "tasks": {"done_on_time": 1, "done_late": 0, "open_on_time": 4, "open_late": 1},
        "duties": [],
    }
    duty = {"title": "Báo cáo năm 2026", "expected": 91, "received": 3, "overdue": 88}
    running = {**plan, "duties": [{**duty, "late": 9, "left": 0}]}
    far = {**plan, "duties": [{**duty, "overdue": 0, "late": 0, "left": 237}]}
    facts: ScopeFacts = {"scope": "province", "name": "Gia Lai", "on": "2026-11-30"}

    def height(of: ScopeFacts) -> int:
        drawn = draw_digest(facts, {"1901": of}, [])
        assert drawn is not None
        return int(struct.unpack(">II", drawn[16:24])[1])

    assert height(running) > height(plan) == height(far)
    alone = draw_digest(facts, {"1901": {**running, "tasks": None}}, [])
    assert alone is not None
