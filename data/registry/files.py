"""Read the registry's files as text, and name their faults."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.os_errors import explain_os_error

MAX_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class FileFault:
    """One fault of a registry file, in words by which a person can mend it."""

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}, dòng {self.line}"
        return f"{where}: {self.message}"


class RegistryFault(Exception):
    """Registry files cannot be used; carries every fault."""

    def __init__(self, faults: Sequence[FileFault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = list(faults)


def file_fault(file: str, message: str, line: int | None = None) -> RegistryFault:
    """Return the refusal of a file with one fault."""
    return RegistryFault([FileFault(file, line, message)])


def read_text(path: Path) -> str:
    """Return the text of a registry file.

    Raises RegistryFault where the file is missing, not a regular file (a pipe would never end), larger
    than MAX_BYTES or not UTF-8.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise file_fault(
                path.name, "không phải tệp thường. Hãy kiểm tra xem có đúng tệp không."
            )
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = (
            f"không đọc được tệp ({explain_os_error(error)}). Hãy kiểm tra đường dẫn và quyền đọc."
        )
        raise file_fault(path.name, message) from error
    if len(raw) > MAX_BYTES:
        message = (
            f"tệp quá lớn ({about.st_size // 1_000_000} MB); tối đa {MAX_BYTES // 1_000_000} MB."
            " Hãy kiểm tra xem có đúng tệp không."
        )
        raise file_fault(path.name, message)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        message = "không phải UTF-8. Hãy lưu lại tệp với bảng mã UTF-8."
        raise file_fault(path.name, message, line) from error
