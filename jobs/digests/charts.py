"""Pictures that go with a digest: where agencies or plans stand, and how a plan came along over the weeks.

Promises PNG bytes that are the same for the same values, readable on a phone, and told apart without
colour: late is hatched or has a shape of its own. Never sorts: rows stand in the order given, which
is the official one. Pure; what is drawn with is loaded at the first picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from jobs.digests.canvas import FAINT, INK, MARGIN, MUTED, WIDTH, Canvas

# Telegram refuses a photo whose width and height are more than 10000 together, and shows a tall one
# made smaller (Bot API, sendPhoto): 80 rows on two lines stay below.
MOST_ROWS = 80

# Okabe and Ito's colours ("Color Universal Design", 2008); done is dark and open is light, on time is
# plain and late is hatched, so that a grey print tells all four apart.
_STATES = (
    ("done_on_time", "Hoàn thành đúng hạn", "#009E73", ""),
    ("done_late", "Hoàn thành quá hạn", "#56B4E9", "/"),
    ("open_on_time", "Đang thực hiện trong hạn", "#F0E442", ""),
    ("open_late", "Đang thực hiện quá hạn", "#D55E00", "\\"),
)
_BLUE, _GREEN, _RED = "#0072B2", "#009E73", "#D55E00"

_TITLE, _WORDS, _SMALL = 38, 28, 26  # sizes of letters, in pixels
_LABELS, _BARS, _BARS_END = MARGIN, 490, 950  # where labels and bars begin, where the longest ends
_BAR, _THINNEST = 44, 6


@dataclass(frozen=True, slots=True)
class BarRow:
    """One agency or plan, and how many of its works are in each of the four official states."""

    label: str
    done_on_time: int
    done_late: int
    open_on_time: int
    open_late: int

    @property
    def total(self) -> int:
        """Return how many there are."""
        return self.done_on_time + self.done_late + self.open_on_time + self.open_late

    @property
    def late(self) -> int:
        """Return how many are not done and late."""
        return self.open_late


@dataclass(frozen=True, slots=True)
class BurnPoint:
    """How a plan stood in a week: of how many works how many were done, how many open and late."""

    week_on: date
    done: int
    total: int
    late: int


def draw_bars(title: str, rows: Sequence[BarRow], *, as_of: date) -> bytes:
    """Return stacked bars of the four official states, one a row, all on one scale.

    Counts stand in a part where there is room, the total at the bar's end; what is not nought is never
    too thin to be seen. Beyond MOST_ROWS the rest is told in one line of words. Raises ValueError for
    no rows.
    """
    return bars_page(title, rows, as_of=as_of).png()


def draw_burn_up(
    title: str, points: Sequence[BurnPoint], *, as_of: date, due_on: date | None
) -> bytes:
    """Return total, done and late over the weeks, with an upright mark at due_on.

    One point is a mark without a line. Raises ValueError for no points.
    """
    return burn_up_page(title, points, as_of=as_of, due_on=due_on).png()


# ------------------------------------------------------------------ bars


def bars_page(title: str, rows: Sequence[BarRow], *, as_of: date) -> Canvas:
    """Return what `bars` draws, before it is saved."""
    if not rows:
        raise ValueError("no rows to draw")
    page = Canvas()
    y = _legend(page, _heading(page, title, as_of))
    longest = max(row.total for row in rows[:MOST_ROWS])
    for row in rows[:MOST_ROWS]:
        y = _row(page, row, y, longest)
    if rest := rows[MOST_ROWS:]:
        works, late = sum(row.total for row in rest), sum(row.late for row in rest)
        words = f"… và {len(rest)} cơ quan khác: {works} việc, {late} đang quá hạn"
        page.write(_LABELS, y + 40, words, _WORDS)
        y += 70
    page.height = y + MARGIN
    page.fix_height()
    return page


def _heading(page: Canvas, title: str, as_of: date) -> float:
    """Write the title and its day; returns where the next thing begins."""
    y = float(MARGIN)
    for line in page.wrap(title, _TITLE, WIDTH - 2 * MARGIN, bold=True):
        page.write(MARGIN, y + 24, line, _TITLE, bold=True)
        y += 52
    page.write(MARGIN, y + 22, f"Tính đến ngày {as_of:%d/%m/%Y}", _WORDS, colour=MUTED)
    return y + 62


def _legend(page: Canvas, y: float) -> float:
    for place, (_name, words, colour, hatch) in enumerate(_STATES):
        x, middle = (MARGIN, 540)[place // 2], y + 22 + 50 * (place % 2)
        page.box(x, middle - 17, 50, 34, colour, hatch=hatch)
        page.write(x + 64, middle, words, _SMALL)
    return y + 118


def _row(page: Canvas, row: BarRow, y: float, longest: int) -> float:
    lines = page.wrap(row.label, _SMALL, _BARS - 24 - _LABELS)
    height = max(_BAR, 33 * len(lines)) + 24
    page.line((MARGIN, WIDTH - MARGIN), (y, y), FAINT)
    middle = y + height / 2
    for place, line in enumerate(lines):
        page.write(_LABELS, middle + 33 * (place - (len(lines) - 1) / 2), line, _SMALL)
    x, told = float(_BARS), False
    for name, _words, colour, hatch in _STATES:
        count = getattr(row, name)
        if count:
            width = _width(count, longest)
            page.box(x, middle - _BAR / 2, width, _BAR, colour, hatch=hatch)
            words = str(count)
            told = page.width_of(words, _SMALL, bold=True) + 14 <= width
            if told:
                ground = colour if hatch else None
                page.write(
                    x + width / 2, middle, words, _SMALL, bold=True, align="center", ground=ground
                )
            x += width
    words = str(row.total)
    if row.late and not told:  # what is late is the last part
        longer = f"{words}, quá hạn {row.late}"
        if x + 12 + page.width_of(longer, _SMALL) <= WIDTH - MARGIN:
            words = longer
    page.write(x + 12, middle, words, _SMALL, colour=INK if row.total else MUTED)
    return y + height


def _width(count: int, longest: int) -> float:
    """Return how wide a part is: to scale, but seen; room for four thinnest parts is left for that."""
    return max(_THINNEST, count / longest * (_BARS_END - _BARS - 4 * _THINNEST))


# ------------------------------------------------------------------ burn-up


_LEFT, _RIGHT, _PLOT = (
    130,
    WIDTH - 70,
    640,
)  # sides and height of the field in which lines are drawn


def burn_up_page(
    title: str, points: Sequence[BurnPoint], *, as_of: date, due_on: date | None
) -> Canvas:
    """Return what `burn_up` draws, before it is saved."""
    if not points:
        raise ValueError("no points to draw")
    page = Canvas()
    points = sorted(points, key=lambda point: point.week_on)
    last = points[-1]
    # Total below and late on top: where two lines run together the one that matters more is seen.
    series = (
        ("Tổng số", [point.total for point in points], _BLUE, "s", (3, 1.5), last.total),
        ("Hoàn thành", [point.done for point in points], _GREEN, "o", (), last.done),
        ("Đang quá hạn", [point.late for point in points], _RED, "^", (1, 1), last.late),
    )
    x, y = float(MARGIN), _heading(page, title, as_of) + 22
    for words, _values, colour, marker, dashes, latest in series:
        reach = 74 + page.width_of(f"{words}:", _SMALL) + 12
        whole = reach + page.width_of(str(latest), _WORDS, bold=True)
        if x + whole > WIDTH - MARGIN:
            x, y = float(MARGIN), y + 50
        page.line((x, x + 30, x + 60), [y] * 3, colour, thick=6, dashes=dashes)
        page.line((x + 30,), (y,), colour, marker=marker)
        page.write(x + 74, y, f"{words}:", _SMALL)
        page.write(x + reach, y, str(latest), _WORDS, bold=True)
        x += whole + 34
    top = y + 100
    bottom = top + _PLOT

    def down(value: int) -> float:
        return bottom - value / highest * _PLOT

    most = max(max(point.total, point.done, point.late) for point in points)
    step = _step(most)
    highest = max(1, -(-most // step)) * step
    for value in range(0, highest + 1, step):
        page.line((_LEFT, _RIGHT), [down(value)] * 2, FAINT if value else MUTED, thick=2)
        page.write(_LEFT - 16, down(value), str(value), _SMALL, colour=MUTED, align="right")

    across = _scale([point.week_on for point in points] + ([due_on] if due_on else []))
    if due_on is not None:
        page.line([across(due_on)] * 2, (top - 20, bottom), INK, thick=4, dashes=(2, 1.5))
        words = f"Hạn {due_on:%d/%m}" if due_on.year == as_of.year else f"Hạn {due_on:%d/%m/%Y}"
        half = page.width_of(words, _WORDS, bold=True) / 2
        x = min(max(across(due_on), MARGIN + half), WIDTH - MARGIN - half)
        page.write(x, top - 42, words, _WORDS, bold=True, align="center")
    xs = [across(point.week_on) for point in points]
    marked = _labelled_weeks(xs)
    for place in marked:
        page.line([xs[place]] * 2, (bottom, bottom + 12), MUTED, thick=2)
        words = f"{points[place].week_on:%d/%m}"
        page.write(xs[place], bottom + 36, words, _SMALL, colour=MUTED, align="center")
    for _words, values, colour, marker, dashes, _latest in series:
        ys = [down(value) for value in values]
        page.line(xs, ys, colour, thick=6, dashes=dashes)
        for place in marked:
            page.line(xs[place : place + 1], ys[place : place + 1], colour, marker=marker)
    page.height = bottom + 60 + MARGIN
    page.fix_height()
    return page


def _step(most: int) -> int:
    """Return how far apart the marks of a scale stand: 1, 2 or 5 times a power of ten, five at most."""
    step = 1
    while True:
        for times in (1, 2, 5):
            if most <= 5 * step * times:
                return step * times
        step *= 10


def _scale(days: Sequence[date]) -> Callable[[date], float]:
    """Return what puts a day across the field; a lone day stands in its middle."""
    first, last = min(days), max(days)
    if first == last:
        first, last = first - timedelta(weeks=1), last + timedelta(weeks=1)
    span = (last - first).days
    left, right = _LEFT + 40, _RIGHT - 30

    def across(day: date) -> float:
        return left + (day - first).days / span * (right - left)

    return across


def _labelled_weeks(xs: Sequence[float]) -> list[int]:
    """Return which weeks are marked: the last one, and before it those with room for their dates."""
    marked = [len(xs) - 1]
    for place in range(len(xs) - 2, -1, -1):
        if xs[marked[-1]] - xs[place] >= 110:
            marked.append(place)
    return marked
