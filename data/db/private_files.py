"""Files that their owner alone may read: a database's, with its copies and what lies beside it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_PRIVATE_FILE = 0o600
_ANYBODY = 0o007


def make_private_file(path: str | Path) -> None:
    """Make an empty file before a program does by its umask; an existing one is not even opened.

    SQLite gives its log and journals the mode of the database's file. To close a file that SQLite has open in
    this process would end SQLite's locks on it (POSIX). Raises OSError.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE))


def close_to_others(path: Path) -> None:
    """Take a file that anybody may read from all but its owner; another mode is the office's choice."""
    if path.stat().st_mode & _ANYBODY:
        with suppress(PermissionError):  # it belongs to somebody else
            path.chmod(_PRIVATE_FILE)
