"""Help pages in Vietnamese: Typer's own English words are replaced.

Plain text on purpose: importing Rich for it would double the time to the first line.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

_WORDS = (
    (re.compile(r"^Usage: ", re.MULTILINE), "Cách dùng: "),
    (re.compile(r"^Arguments:$", re.MULTILINE), "Đối số:"),
    (re.compile(r"^Options:$", re.MULTILINE), "Tuỳ chọn:"),
    (re.compile(r"^Commands:$", re.MULTILINE), "Lệnh:"),
    (re.compile(r"\[OPTIONS\]"), "[TUỲ CHỌN]"),
    (re.compile(r"COMMAND \[ARGS\]\.\.\."), "LỆNH …"),
    (re.compile(r"Show this message and exit\."), "Hiện trang trợ giúp này."),
    (re.compile(r" <(str|int|path|Path|file|list\[str\])>"), ""),
    (re.compile(r"\{(\S+)\}"), r"\1"),
    (re.compile(r"\[required\]"), "[bắt buộc]"),
    (re.compile(r"\[default: "), "[mặc định: "),
)


class VietnameseCommand(TyperCommand):
    """A command whose help is Vietnamese."""

    def get_help(self, ctx: Any) -> str:
        """Return the help page."""
        return _translate(super().get_help(ctx))


class VietnameseGroup(TyperGroup):
    """A group whose help is Vietnamese."""

    def get_help(self, ctx: Any) -> str:
        """Return the help page."""
        return _translate(super().get_help(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command; an unknown one is refused with the nearest name."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Có phải «{near[0]}»?" if near else ""
            ctx.fail(f"Không có lệnh «{args[0]}».{hint}")
        return super().resolve_command(ctx, args)


def _translate(text: str) -> str:
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    return text
