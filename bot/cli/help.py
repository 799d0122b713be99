"""Typer's help in Vietnamese, and what all commands' pages share.

Promises that no English word of Typer's own stands in a help page. Plain text on purpose: importing
Rich for it would double the time to the first line.
"""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

_WORDS = (
    (re.compile(r"^Usage: ", re.MULTILINE), "Cách dùng: "),
    (re.compile(r"^Arguments:$", re.MULTILINE), "Đối số:"),
    (re.compile(r"^Options:$", re.MULTILINE), "Tuỳ chọn:"),
    (re.compile(r"^Commands:$", re.MULTILINE), "Lệnh:"),
    (re.compile(r"\[OPTIONS\]"), "[TUỲ CHỌN]"),
    (re.compile(r"COMMAND \[ARGS\]\.\.\."), "LỆNH …"),
    (re.compile(r"Show this message and exit\."), "Hiện trang trợ giúp này."),
    (re.compile(r" <(str|path|Path|file)>"), ""),
    (re.compile(r"\{(\S+)\}"), r"\1"),
    (re.compile(r"\[required\]"), "[bắt buộc]"),
    (re.compile(r"\[default: "), "[mặc định: "),
)


JsonOption = Annotated[bool, typer.Option("--json", help="In ra JSON để chương trình khác đọc.")]


class VietnameseCommand(TyperCommand):
    """A command whose help is Vietnamese."""

    def get_help(self, ctx: Any) -> str:
        """Return the help page in Vietnamese."""
        return _translated(super().get_help(ctx))

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the whole first line for the list of commands: it wraps, it is not cut."""
        return super().get_short_help_str(max(limit, 200))


class VietnameseGroup(TyperGroup):
    """A group whose help is Vietnamese and that names the nearest command for a wrong one."""

    def get_help(self, ctx: Any) -> str:
        """Return the help page in Vietnamese."""
        return _translated(super().get_help(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command typed; refuses an unknown one with the nearest that exists."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Có phải «{near[0]}»?" if near else ""
            ctx.fail(f"Không có lệnh «{args[0]}».{hint}")
        return super().resolve_command(ctx, args)


def _translated(text: str) -> str:
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    return text
