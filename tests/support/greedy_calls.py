"""Functions that take more than they should, for a process of its own: memory, seconds, room on the disk."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def fill_memory(content: bytes) -> int:
    kept = [content * 1024]
    while True:
        kept.append(kept[-1] + kept[0])


def spin(content: bytes) -> int:
    while True:
        len(content)


def return_much(_content: bytes, *, size: int) -> str:
    return "x" * size


def stop(_content: bytes) -> None:
    os._exit(0)


def tell_surroundings(content: bytes, *, more: Any) -> dict[str, Any]:
    names = sorted(os.environ)
    return {"read": len(content), "more": more, "names": names, "numpy": sys.modules.get("numpy")}


def write_file(_content: bytes, *, path: str) -> str:
    Path(path).write_bytes(b"x" * 10_000_000)
    return "written"
