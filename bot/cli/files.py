"""Write the files that commands make: whole or not at all, and no existing one unasked."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.cli.output import CommandFailed
from data.os_errors import explain_os_error


def write_new_file(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise refuse_existing_file(path) from None
    except OSError as error:
        raise CommandFailed(f"Không ghi được {path}: {explain_os_error(error)}.") from None


def refuse_existing_file(path: Path) -> CommandFailed:
    """Return the refusal of a path that a command without --force found taken."""
    return CommandFailed(f"Đã có {path}. Hãy chọn tên khác; tệp cũ không bị ghi đè.")


def require_free_path(out: Path, *, force: bool) -> None:
    """Refuse a path that exists, unless --force is given."""
    if out.exists() and not force:
        raise CommandFailed(f"Đã có {out}. Hãy chọn tên khác, hoặc thêm --force để ghi đè.")


@contextmanager
def replaced_file(out: Path, *, force: bool) -> Iterator[Path]:
    """Yield a path beside `out` to write to; it becomes `out` at the end, or goes after a fault."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            path = Path(folder) / out.name
            yield path
            require_free_path(out, force=force)  # another program may have made it meanwhile
            path.replace(out)
    except OSError as error:
        raise CommandFailed(f"Không ghi được {out}: {explain_os_error(error)}.") from None
