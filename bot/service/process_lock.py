"""The name under which a process owns accounts.

Promises that two live processes never share a name, and that a service on one machine which was killed
takes its accounts back at once: its name is the machine's own while a lock on the database file proves
that nobody else there uses it. Elsewhere the lease has to run out. Who puts another database in the
place of the file (`alone`) has that lock too, and no service begins meanwhile.
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

try:
    import fcntl
except ImportError:  # not a Unix: no such lock, so every process has a name of its own
    fcntl = None  # type: ignore[assignment]


_ALONE = b"alone"  # stands in the lock's file while who holds it serves nobody


class DatabaseInUse(AdminError):
    """Another process has the database; str() is a Vietnamese sentence that says what to do."""


class ProcessLock:
    """A process's name, and the lock that it rests on; keep it for as long as the process owns."""

    def __init__(self, database_file: Path | None) -> None:
        """Take the machine's name if nobody has it; database_file: None for a database server.

        Raises InUse while the file is restored or moved.
        """
        host = socket.gethostname()[:40]
        self._lock = _lock_file(database_file)
        self.name = (
            f"{host}-{os.getpid()}-{secrets.token_hex(4)}" if self._lock is None else f"{host}-file"
        )

    @property
    def is_held(self) -> bool:
        """Tell whether no other process here has the file."""
        return self._lock is not None

    def mark(self, words: bytes) -> None:
        """Write into the lock's file what who finds it locked should know."""
        assert self._lock is not None
        self._lock.truncate(0)
        self._lock.write(words)
        self._lock.flush()

    def release(self) -> None:
        """Give the name up; harmless when done twice."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


@contextmanager
def lock_out_services(database_file: Path | None) -> Iterator[str]:
    """Keep services from the file meanwhile; yields the name that a dead one may have owned accounts by.

    Raises InUse where a service has it. Of a database server (None) only the leases tell.
    """
    ownership = ProcessLock(database_file)
    try:
        if ownership.is_held:
            ownership.mark(_ALONE)
        elif database_file is not None and fcntl is not None and database_file.exists():
            raise DatabaseInUse(
                "Dịch vụ đang chạy trên cơ sở dữ liệu này. Hãy dừng «nhacviec run» rồi thử lại."
            )
        yield ownership.name
    finally:
        if ownership.is_held:
            ownership.mark(b"")
        ownership.release()


def _lock_file(database_file: Path | None) -> IO[bytes] | None:
    if fcntl is None or database_file is None:
        return None
    try:
        file = database_file.with_name(f"{database_file.name}.owner").open("a+b")
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
    file.truncate(0)  # what one that was killed while alone left there
    return file
