"""The name under which a process owns accounts, proven by a lock beside the database file.

Guarantees:
- Two live processes never share a name.
- On a file, a killed service takes its accounts back at once: with the lock it has the machine's own name. On a
  database server its lease must expire first.
- While `lock_out_services` holds the lock, no service starts on the file.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bot.errors import AdminError
from data.db.private_files import make_private_file

try:
    import fcntl
except ImportError:  # not a Unix: no such lock, so every process has a name of its own
    fcntl = None  # type: ignore[assignment]


_ALONE = b"alone"  # content of the lock's file while its holder is no service


class DatabaseInUse(AdminError):
    """Another process uses the database; str() is a Vietnamese sentence that says what to do."""


class ProcessLock:
    """A process's name, and the lock that proves it; keep it while the process owns accounts."""

    def __init__(self, database_file: Path | None) -> None:
        """Take the machine's name if it is free; database_file: None for a database server.

        Raises DatabaseInUse while the file is restored or moved.
        """
        host = socket.gethostname()[:40]
        self._lock = _lock_file(database_file)
        self.name = (
            f"{host}-{os.getpid()}-{secrets.token_hex(4)}" if self._lock is None else f"{host}-file"
        )

    @property
    def is_held(self) -> bool:
        """Whether this process has the lock."""
        return self._lock is not None

    def mark(self, words: bytes) -> None:
        """Write into the lock's file, for another process that finds it locked."""
        assert self._lock is not None
        self._lock.truncate(0)
        self._lock.write(words)
        self._lock.flush()

    def release(self) -> None:
        """Give the name up; a second call does nothing."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


@contextmanager
def lock_out_services(database_file: Path | None) -> Iterator[str]:
    """Keep services from the file; yield the name by which a dead one may have owned accounts.

    Raises DatabaseInUse where a service runs. On a database server (None) nothing is locked: ask the leases.
    """
    ownership = ProcessLock(database_file)
    try:
        if ownership.is_held:
            ownership.mark(_ALONE)
        elif (
            database_file is not None and fcntl is not None and _lock_beside(database_file).exists()
        ):
            raise DatabaseInUse(
                "Dịch vụ đang chạy trên cơ sở dữ liệu này. Hãy dừng «nhacviec run» rồi thử lại."
            )
        yield ownership.name
    finally:
        if ownership.is_held:
            ownership.mark(b"")
        ownership.release()


def _lock_beside(database_file: Path) -> Path:
    return database_file.with_name(f"{database_file.name}.owner")


def _lock_file(database_file: Path | None) -> IO[bytes] | None:
    if fcntl is None or database_file is None:
        return None
    try:
        make_private_file(_lock_beside(database_file))
        file = _lock_beside(database_file).open("a+b")
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        with file:
            file.seek(0)
            if file.read(len(_ALONE)) == _ALONE:
                raise DatabaseInUse(
                    "Cơ sở dữ liệu đang được khôi phục hoặc chuyển đi. Hãy chờ lệnh ấy xong rồi thử lại."
                ) from None
        return None
    file.truncate(0)  # the mark of a process that was killed
    return file
