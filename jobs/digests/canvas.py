"""A page of a picture, drawn in pixels from the top down, with letters that lie in the package.

Promises that the same strokes give the same bytes, that all Vietnamese letters are there without any
font of the system, and that nothing is kept between two pages, so pages may be drawn side by side in
threads. Never uses pyplot; loads matplotlib only when a page is begun.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

WIDTH = 1080  # pixels; a phone shows it at about a third
MARGIN = 40
INK, MUTED, FAINT = "#1a1a1a", "#595959", "#d9d9d9"
_DPI = 72  # one point is one pixel


class Canvas:
    """A white page of WIDTH, as tall as `height` says when it is saved; y grows downwards."""

    def __init__(self) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.height = 100.0
        self.figure: Figure = Figure(figsize=(WIDTH / _DPI, 1), dpi=_DPI, facecolor="white")
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self._canvas: FigureCanvasAgg = FigureCanvasAgg(self.figure)
        self._widths: dict[tuple[str, float, bool], float] = {}  # names repeat their words

    def width_of(self, words: str, size: float, *, bold: bool = False) -> float:
        """Return how wide a line of words is."""
        key = (words, size, bold)
        if key not in self._widths:
            renderer, font = self._canvas.get_renderer(), _font(size, bold)
            width, _, _ = renderer.get_text_width_height_descent(words, font, ismath=False)
            self._widths[key] = float(width)
        return self._widths[key]

    def wrap(self, words: str, size: float, most: float, *, bold: bool = False) -> list[str]:
        """Return words in lines of at most `most` pixels; only a word wider than that is broken."""
        lines: list[str] = [""]
        space, used = self.width_of(" ", size, bold=bold), 0.0
        for word in strip_undrawable(words).split():
            width = self.width_of(word, size, bold=bold)
            if lines[-1] and used + space + width <= most:
                lines[-1] += f" {word}"
                used += space + width
                continue
            if lines[-1]:
                lines.append("")
            for letter in word if width > most else ():
                if self.width_of(lines[-1] + letter, size, bold=bold) > most:
                    lines.append("")
                lines[-1] += letter
            lines[-1] = lines[-1] or word
            used = self.width_of(lines[-1], size, bold=bold)
        return lines

    def write(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        *,
        bold: bool = False,
        colour: str = INK,
        align: Literal["left", "center", "right"] = "left",
        ground: str | None = None,
    ) -> None:
        """Write one line whose letters stand around the height y; ground: the colour behind them."""
        text = self.axes.text(
            x,
            y + size * 0.36,  # half of a capital letter: what the eye takes for the middle
            words,
            font=_font(size, bold),
            color=colour,
            horizontalalignment=align,
            verticalalignment="baseline",
            parse_math=False,
        )
        if ground is not None:
            text.set_bbox({"facecolor": ground, "edgecolor": "none", "pad": 3})

    def box(
        self, x: float, y: float, width: float, height: float, colour: str, *, hatch: str = ""
    ) -> None:
        """Fill a box from its top left corner; hatch: matplotlib's signs, drawn in white over it."""
        from matplotlib.patches import Rectangle

        self.axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, linewidth=0))
        if hatch:
            self.axes.add_patch(
                Rectangle(
                    (x + 2, y + 2),  # inside, so that the box keeps its corners
                    width - 4,
                    height - 4,
                    facecolor="none",
                    edgecolor="white",
                    linewidth=0,
                    hatch=hatch,
                    hatch_linewidth=3,
                )
            )

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        colour: str,
        *,
        thick: float = 1,
        dashes: tuple[float, ...] = (),
        marker: str = "",
        marker_size: float = 18,
    ) -> None:
        """Draw a line through points; dashes: lengths in units of its thickness, none for a whole one."""
        from matplotlib.lines import Line2D

        self.axes.add_line(
            Line2D(
                xs,
                ys,
                color=colour,
                linewidth=thick,
                linestyle=(0, dashes) if dashes else "-",
                marker=marker or "None",
                markersize=marker_size,
                markeredgecolor="white",
                markeredgewidth=2,
            )
        )

    def fix_height(self) -> None:
        """Give the picture its height; from here on its parts know where they stand."""
        self.figure.set_size_inches(WIDTH / _DPI, round(self.height) / _DPI)
        self.axes.set_xlim(0, WIDTH)
        self.axes.set_ylim(round(self.height), 0)

    def png(self) -> bytes:
        """Return the picture; neither a date nor a version stands in it.

        64 colours are enough for its few and their edges, and make a third of the size.
        """
        from PIL import Image

        self.fix_height()
        self._canvas.draw()
        seen = Image.frombuffer(
            "RGBA",
            self._canvas.get_width_height(),
            self._canvas.buffer_rgba(),
            "raw",
            "RGBA",
            0,
            1,
        )
        few = seen.convert("RGB").quantize(
            64, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        )
        made = io.BytesIO()
        few.save(made, "PNG")
        return made.getvalue()


def font_file(*, bold: bool = False) -> Path:
    """Return the letters: DejaVu Sans as it lies in matplotlib's own package."""
    from matplotlib import get_data_path

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(get_data_path()) / "fonts" / "ttf" / name


def strip_undrawable(words: str) -> str:
    """Return words in composed letters, without what the font has no letter for (an emoji)."""
    letters = _letters()
    composed = unicodedata.normalize("NFC", words)
    return "".join(letter for letter in composed if letter.isspace() or ord(letter) in letters)


@cache
def _letters() -> frozenset[int]:
    from matplotlib.font_manager import get_font

    both = (get_font(font_file()), get_font(font_file(bold=True)))
    return frozenset(both[0].get_charmap()).intersection(both[1].get_charmap())


def _font(size: float, bold: bool) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=font_file(bold=bold), size=size)
