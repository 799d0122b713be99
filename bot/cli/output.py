"""Print tables and JSON on standard output; progress and questions go to standard error.

Guarantees: standard output holds the answer and nothing else, so that `--json` can be piped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from bot.errors import AdminError
from data.clock import ZONE, require_aware
from data.text import escape_invisible, fold
from jobs.channel import Capabilities

_MOST_ON_SCREEN = 400  # rows; Rich takes over a millisecond for each
# A channel that shows a chat's words on a terminal.
SCREEN = Capabilities(1_000_000, False, False, True, "plain", 1, False)
_YES = ("c", "co", "y", "yes")


class CommandFailed(AdminError):
    """The command cannot be done; str() is a Vietnamese sentence that says what to do."""


def print_json(value: Any) -> None:
    """Print a value as JSON, Vietnamese letters as they are, dates as ISO 8601."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=_date_as_json)
    sys.stdout.write("\n")


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str
) -> None:
    """Print rows under their columns, or the sentence `empty` where there are none.

    A terminal gets a table that fits it. A pipe, and more rows than a screen can show, get one line
    a row, as long as the row needs.
    """
    if not rows:
        print(empty)
        return
    cells = [[format_cell(cell) for cell in row] for row in rows]
    if sys.stdout.isatty() and len(rows) <= _MOST_ON_SCREEN:
        _print_fitted(title, columns, cells)
    else:
        _print_lines(title, columns, cells)


def _print_fitted(title: str, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(
        *(Column(name, overflow="fold") for name in columns),
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)


def _print_lines(title: str, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.cells import cell_len

    lines = [list(columns), *([" / ".join(cell.splitlines()) for cell in row] for row in cells)]
    widest = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    if title:
        print(title)
    for line in lines:
        padded = (
            cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widest, strict=True)
        )
        print("  ".join(padded).rstrip())


def format_cell(value: object) -> str:
    """Return a cell's words: dates as Vietnamese write them, "" for None, no control characters.

    An instant is told in the province's zone; a naive one is refused.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{require_aware(value).astimezone(ZONE):%d/%m/%Y %H:%M}"
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    if isinstance(value, bool):
        return "có" if value else ""
    if isinstance(value, list | tuple):
        return "; ".join(format_cell(item) for item in value)
    return escape_invisible(str(value))


def format_number(value: int) -> str:
    """Return a number as Vietnamese write it: 3.000."""
    return f"{value:,}".replace(",", ".")


def require_consent(question: str, *, verb: str, refused: str, can_look: bool = True) -> None:
    """Ask on the terminal; raises CommandFailed for any answer but yes, and without a terminal.

    verb: of the sentence that names --yes; refused: the sentence for a no; can_look: there is --dry-run.
    """
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        look = ", hoặc --dry-run để xem" if can_look else ""
        raise CommandFailed(f"Không có ai để hỏi lại. Hãy thêm --yes để {verb}{look}.")
    print(f"{question} [c/K] ", end="", file=sys.stderr, flush=True)
    try:
        answer = sys.stdin.readline()
    except UnicodeDecodeError:  # another encoding than the terminal's
        answer = ""
    if fold(answer) not in _YES:
        raise CommandFailed(refused)


def ask_before(would: str, *, yes: bool, as_json: bool = False) -> None:
    """Say what a command will do, and go on only with --yes or after a yes; raises CommandFailed."""
    if yes:
        return
    if as_json:
        raise CommandFailed(f"{would}\nVới --json hãy thêm --yes để thực hiện; chưa thay đổi gì.")
    print(would, file=sys.stderr)
    require_consent(
        "Tiếp tục?", verb="thực hiện", refused="Đã dừng, chưa thay đổi gì.", can_look=False
    )


@contextmanager
def show_progress(words: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal that work goes on and for how long; silent into a pipe.

    Yields a function that changes the words ("Đang xuất: Câu trả lời, 120.000 dòng").
    """
    if not sys.stderr.isatty():
        yield lambda words: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(words, total=None)
        yield lambda words: bar.update(task, description=words)


@contextmanager
def count_progress(words: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show on a terminal how much of the work is done; yields None into a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn(words),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(words, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _date_as_json(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")
