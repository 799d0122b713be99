"""The name under which a process owns accounts.

Promises that two live processes never share a name, and that a service on one machine which was killed
takes its accounts back at once: its name is the machine's own while a lock on the database file proves
that nobody else there uses it. Elsewhere the lease has to run out.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # not a Unix: no such lock, so every process has a name of its own
    fcntl = None  # type: ignore[assignment]


class Ownership:
    """A process's name, and the lock that it rests on; keep it for as long as the process owns."""

    def __init__(self, database_file: Path | None) -> None:
        """Take the machine's name if nobody has it; database_file: None for a database server."""
        host = socket.gethostname()[:40]
        self._lock = _locked(database_file)
        self.name = (
            f"{host}-{os.getpid()}-{secrets.token_hex(4)}" if self._lock is None else f"{host}-file"
        )

    def release(self) -> None:
        """Give the name up; harmless when done twice."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _locked(database_file: Path | None) -> IO[bytes] | None:
    if fcntl is None or database_file is None:
        return None
    try:
        file = database_file.with_name(f"{database_file.name}.owner").open("ab")
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
