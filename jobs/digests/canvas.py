"""Figures of a fixed width with Vietnamese letters, a heading and a legend; their PNG bytes.

Guarantees:
- The same figures give the same bytes: no date, no version and no font of the system is in them.
- Figures share no state, so several threads may draw at once; pyplot is never used.
- Matplotlib is imported at the first figure and writes nothing on standard error.
"""

from __future__ import annotations

import io
import logging
import textwrap
import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

WIDTH = 1080  # pixels; a phone shows it at about a third
MARGIN = 40
MUTED, FAINT = "#595959", "#d9d9d9"
TITLE, WORDS, SMALL = 38, 28, 26  # font sizes in pixels
_INNER = WIDTH - 2 * MARGIN
_DPI = 72  # one point is one pixel
_GAP = 24
_TITLE_LETTERS = 42  # in a line

# At its first start, and where its cache folder is read-only, Matplotlib warns about its list of fonts.
logging.getLogger("matplotlib").setLevel(logging.ERROR)


def new_figure() -> tuple[Figure, Axes]:
    """Return a figure without margins and its axes, which find their place in `add_heading`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_INNER / _DPI, 1), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(frame_on=False)
    axes.tick_params(which="both", length=0, pad=16)
    return figure, axes


def add_heading(
    figure: Figure, title: str, *, as_of: date, handles: Sequence[Any], below: float
) -> None:
    """Put legend, day and title above the lowest `below` pixels, which the axes fill; fix the layout."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.transforms import IdentityTransform

    pixels = IdentityTransform()
    legend = figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, below + _GAP),
        bbox_transform=pixels,
        ncols=2,
        prop=font(SMALL),
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        columnspacing=2.5,
        handlelength=2.3,
        handleheight=1.2,
        handletextpad=0.5,
    )
    top = legend.get_window_extent().y1 + _GAP
    heading = wrap(title, _TITLE_LETTERS)
    for words, letters, colour in (
        (f"Tính đến ngày {as_of:%d/%m/%Y}", font(WORDS), MUTED),
        (heading, font(TITLE, bold=True), "black"),
    ):
        text = figure.text(
            0,
            top,
            words,
            font=letters,
            color=colour,
            va="bottom",
            transform=pixels,
            parse_math=False,
        )
        if (width := text.get_window_extent().width) > _INNER:  # a line of capitals
            text.set_fontsize(int(letters.get_size() * _INNER / width))
        top = text.get_window_extent().y1 + 8
    figure.set_size_inches(_INNER / _DPI, round(top) / _DPI)
    rect = (0, 0, 1, below / round(top))
    layout = ConstrainedLayoutEngine(w_pad=0, h_pad=0, wspace=0, hspace=0, rect=rect)
    layout.execute(figure)


def to_png(figures: Sequence[Figure]) -> bytes:
    """Return one picture of the figures, one below the other."""
    from PIL import Image

    images = [_image(figure) for figure in figures]
    height = sum(image.height + 2 * MARGIN for image in images)
    page = Image.new("RGB", (WIDTH, height), "white")
    top = MARGIN
    for image in images:
        page.paste(image, (MARGIN, top))
        top += image.height + 2 * MARGIN
    # 64 colours hold the few and their edges, at a third of the size.
    small = page.quantize(64, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    out = io.BytesIO()
    small.save(out, "PNG")
    return out.getvalue()


def _image(figure: Figure) -> Any:
    from PIL import Image

    canvas: Any = figure.canvas
    canvas.draw()
    size = canvas.get_width_height()
    image = Image.frombuffer("RGBA", size, canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
    return image.convert("RGB")


def font(size: float, *, bold: bool = False) -> FontProperties:
    """Return the package's letters in a size of pixels."""
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=font_file(bold=bold), size=size)


def font_file(*, bold: bool = False) -> Path:
    """Return the file of DejaVu Sans in matplotlib's own package."""
    from matplotlib import get_data_path

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(get_data_path()) / "fonts" / "ttf" / name


def wrap(words: str, most: int) -> str:
    """Return drawable words in lines of at most `most` letters; only a longer word is broken."""
    return textwrap.fill(strip_undrawable(words), most, break_on_hyphens=False)


def strip_undrawable(words: str) -> str:
    """Return words in composed letters, without those that the font lacks (an emoji)."""
    letters = _letters()
    composed = unicodedata.normalize("NFC", words)
    return "".join(letter for letter in composed if letter.isspace() or ord(letter) in letters)


@cache
def _letters() -> frozenset[int]:
    from matplotlib.font_manager import get_font

    both = (get_font(font_file()), get_font(font_file(bold=True)))
    return frozenset(both[0].get_charmap()).intersection(both[1].get_charmap())
