"""Two figures: works by official state of each agency or plan, and a plan's progress over the weeks.

Guarantees:
- States and lines differ without colour: late is hatched or has its own marker.
- Rows keep the order given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING

from jobs.digests.canvas import (
    FAINT,
    MUTED,
    SMALL,
    WORDS,
    add_heading,
    font,
    new_figure,
    wrap,
)

if TYPE_CHECKING:
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from matplotlib.text import Annotation

# Telegram refuses a photo whose width and height are more than 10000 together, and shows a tall one
# made smaller (Bot API, sendPhoto): 80 rows on two lines stay below.
MOST_ROWS = 80

# Okabe and Ito's colours ("Color Universal Design", 2008); done is dark and open is light, on time is
# plain and late is hatched, so that a grey print tells all four apart.
_STATES = (
    ("done_on_time", "#009E73", ""),
    ("done_late", "#56B4E9", "/"),
    ("open_on_time", "#F0E442", ""),
    ("open_late", "#D55E00", "\\"),
)
OFFICIAL_WORDS = {
    "done_on_time": "Hoàn thành đúng hạn",
    "done_late": "Hoàn thành quá hạn",
    "open_on_time": "Đang thực hiện, chưa quá hạn",
    "open_late": "Đang thực hiện quá hạn",
}
# Total below and late on top: where two lines meet, the one that matters more is seen.
_SERIES = (
    ("total", "Tổng số", "#0072B2", "s", (3, 1.5)),
    ("done", "Hoàn thành", "#009E73", "o", ()),
    ("late", "Đang quá hạn", "#D55E00", "^", (1, 1)),
)
_LABEL_LETTERS = 30  # in a line
_LINE, _BAR, _GAP = 33, 44, 24  # pixels
_THINNEST = 1 / 70  # of the longest bar: some six pixels, which are seen
_PLOT = 780  # pixels, with dates and due mark
_MOST_DATES = 7
_REST = 70  # pixels, of the line that sums up the rows beyond


@dataclass(frozen=True, slots=True)
class BarRow:
    """One agency or plan, and the number of its works in each of the four official states."""

    label: str
    done_on_time: int
    done_late: int
    open_on_time: int
    open_late: int

    @property
    def total(self) -> int:
        """Return the number of all works."""
        return self.done_on_time + self.done_late + self.open_on_time + self.open_late


@dataclass(frozen=True, slots=True)
class BurnPoint:
    """A plan's works in a week: done, all, open and late."""

    week_on: date
    done: int
    total: int
    late: int


def bars_figure(
    title: str, rows: Sequence[BarRow], *, as_of: date, words: Mapping[str, str] = OFFICIAL_WORDS
) -> Figure:
    """Return stacked bars of the four official states, one a row, all on one scale.

    words: the name of each state that is drawn; reports have no state of late completion.

    A part shows its count where there is room; every count but nought shows a part. One line of words
    sums up the rows beyond MOST_ROWS. Raises ValueError for no rows.
    """
    if not rows:
        raise ValueError("no rows to draw")
    shown, rest = rows[:MOST_ROWS], rows[MOST_ROWS:]
    labels = [wrap(row.label, _LABEL_LETTERS) for row in shown]
    heights = [max(_BAR, _LINE * (label.count("\n") + 1)) + _GAP for label in labels]
    edges = list(accumulate(heights, initial=0))
    middles = [edge + height / 2 for edge, height in zip(edges, heights, strict=False)]
    figure, axes = new_figure()
    handles: list[BarContainer] = []
    parts: list[tuple[Rectangle, Annotation]] = []
    ends = [0.0] * len(shown)
    thinnest = _THINNEST * max(row.total for row in shown)
    for name, colour, hatch in _STATES:
        if name not in words:
            continue
        values = [getattr(row, name) for row in shown]
        widths = [max(value, thinnest) if value else 0.0 for value in values]
        bars = axes.barh(middles, widths, _BAR, ends, color=colour, label=words[name])
        for bar in bars:
            bar.set(hatch=hatch, edgecolor="white", linewidth=0, hatch_linewidth=3)
        texts = axes.bar_label(
            bars,
            [str(value or "") for value in values],
            label_type="center",
            font=font(SMALL, bold=True),
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 3},
            in_layout=False,
        )
        handles.append(bars)
        parts += zip(bars, texts, strict=True)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    totals = axes.bar_label(bars, [str(row.total) for row in shown], padding=12, font=font(SMALL))
    below = edges[-1] + (_REST if rest else 0)
    axes.set_xlim(0, max(ends) or 1)
    axes.set_ylim(below, 0)
    axes.xaxis.set_visible(False)
    axes.set_yticks(middles, labels, font=font(SMALL), va="center", parse_math=False)
    axes.set_yticks(edges, minor=True)
    axes.grid(axis="y", which="minor", color=FAINT)
    if rest:
        works, late = sum(row.total for row in rest), sum(row.open_late for row in rest)
        told = f"… và {len(rest)} cơ quan khác: {works} nội dung, {late} đang quá hạn"
        figure.text(0, 0, told, font=font(WORDS), va="bottom")
    add_heading(figure, title, as_of=as_of, handles=handles, below=below)
    for part, count in parts:
        if count.get_window_extent().width + 14 > part.get_window_extent().width:
            count.set_text("")
    for row, (_, count), total in zip(shown, parts[-len(shown) :], totals, strict=True):
        if row.open_late and not count.get_text():
            total.set_text(f"{row.total}, quá hạn {row.open_late}")
            if total.get_window_extent().x1 > figure.bbox.x1:
                total.set_text(str(row.total))
    return figure


def burn_up_figure(
    title: str, points: Sequence[BurnPoint], *, as_of: date, due_on: date | None
) -> Figure:
    """Return total, done and late over the weeks, with an upright line at due_on.

    One point is a marker without a line. Raises ValueError for no points.
    """
    from matplotlib.ticker import MaxNLocator

    if not points:
        raise ValueError("no points to draw")
    points = sorted(points, key=lambda point: point.week_on)
    weeks = [point.week_on.toordinal() for point in points]
    days = [*weeks, due_on.toordinal()] if due_on else weeks
    # Dates at equal distances from the last week back, so that each has room.
    step = 1 + (max(days) - min(days)) // (7 * _MOST_DATES)
    marked = slice((len(weeks) - 1) % step, None, step)
    figure, axes = new_figure()
    handles = []
    for name, words, colour, marker, dashes in _SERIES:
        values = [getattr(point, name) for point in points]
        handles += axes.plot(
            weeks,
            values,
            color=colour,
            linewidth=6,
            linestyle=(0, dashes) if dashes else "-",
            marker=marker,
            markevery=marked,
            markersize=18,
            markeredgecolor="white",
            markeredgewidth=2,
            clip_on=False,
            label=f"{words}: {values[-1]}",
        )
    if due_on:
        axes.axvline(days[-1], color="black", linewidth=4, linestyle=(0, (2, 1.5)))
        axes.text(
            days[-1],
            1.02,
            f"Hạn {due_on:{'%d/%m' if due_on.year == as_of.year else '%d/%m/%Y'}}",
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="bottom",
            font=font(WORDS, bold=True),
        )
    most = max(max(point.total, point.done, point.late) for point in points)
    axes.set_ylim(0, 1.05 * max(most, 1))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    axes.set_xticks(weeks[marked], [f"{point.week_on:%d/%m}" for point in points[marked]])
    axes.grid(axis="y", color=FAINT, linewidth=2)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set(font=font(SMALL), color=MUTED)
    add_heading(figure, title, as_of=as_of, handles=handles, below=_PLOT)
    return figure
