"""The lazy command tree: imports a command's module and builds its Typer command on first use.

Guarantees:
- A list of commands shows the table's own lines, so that it imports no command's module.
- A command is the function of its module named as it is typed: `plan list` is `plan_list`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

import typer

from bot.cli.help import VietnameseCommand, VietnameseGroup

_Function = TypeVar("_Function", bound=Callable[..., None])


CommandEntry = tuple[str, str]  # the module of its function, its line of help


@dataclass(frozen=True, slots=True)
class CommandGroup:
    """A group of commands under one word, and its help."""

    help: str
    commands: Mapping[str, CommandEntry | CommandGroup]


class LazyGroup(VietnameseGroup):
    """A group that reads its commands from a table."""

    def __init__(self, words: tuple[str, ...], entry: CommandGroup, **attributes: Any) -> None:
        super().__init__(
            name="".join(words[-1:]),
            help=entry.help,
            no_args_is_help=True,
            rich_markup_mode=None,
            **attributes,
        )
        self._words = words
        self._entries = entry.commands

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the table's order."""
        return list(self._entries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, built on first use; None where the table has none of that name."""
        if cmd_name not in self.commands and cmd_name in self._entries:
            self.commands[cmd_name] = _build((*self._words, cmd_name), self._entries[cmd_name])
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands, each with the first sentence of its help."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, _first_sentence(entry)) for name, entry in self._entries.items()]
            )


def examples(*lines: str) -> Callable[[_Function], _Function]:
    """Keep the examples that end a command's help page, each without the program's name."""

    def keep(function: _Function) -> _Function:
        vars(function)["examples"] = lines
        return function

    return keep


def _first_sentence(entry: CommandEntry | CommandGroup) -> str:
    words = entry.help if isinstance(entry, CommandGroup) else entry[1]
    head, dot, _ = words.partition(". ")
    return head + dot.strip()


def _build(words: tuple[str, ...], entry: CommandEntry | CommandGroup) -> Any:
    if isinstance(entry, CommandGroup):
        return LazyGroup(words, entry)
    module, line = entry
    function = getattr(import_module(module), "_".join(words).replace("-", "_"))
    lines = (f"  nhacviec {example}" for example in vars(function)["examples"])
    return build_command(
        function, name=words[-1], help=line, epilog="\n".join(("\b", "Ví dụ:", *lines))
    )


def build_command(function: Callable[..., None], **attributes: Any) -> Any:
    """Return the Typer command that a function is."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(cls=VietnameseCommand, **attributes)(function)
    return typer.main.get_command(app)
