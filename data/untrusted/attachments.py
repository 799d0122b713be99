"""Look through a photo or file that somebody sends: for a secrecy mark, and for what exhausts who opens it.

Guarantees:
- A file is opened in a process of its own (apart.py), at most two at a time.
- What cannot be looked through is not kept.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from data.log import get_logger
from data.secrecy import is_name_marked_secret
from data.untrusted.apart import CallFailed, CallNotStarted, Room, call_apart
from data.untrusted.look import ARCHIVE, OLD_OFFICE, PICTURES, Fault

log = get_logger("files")

_ROOM = Room(seconds=15, memory=512 * 1024 * 1024, result=4096)
_opening = ThreadPoolExecutor(max_workers=2, thread_name_prefix="opening")


async def judge_attachment(content: bytes, name: str) -> Fault:
    """Return why a file is not to be kept: "secret", "heavy" to open, "broken"; "" where it may be kept.

    "lost": it could not be looked through now.
    """
    if is_name_marked_secret(name):
        return "secret"
    if not content.startswith((ARCHIVE, OLD_OFFICE, *PICTURES)):
        return ""  # never opened here: its type decides
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_opening, _judge_apart, content)


def _judge_apart(content: bytes) -> Fault:
    try:
        fault: Fault = call_apart(
            "data.untrusted.look:look_through_attachment", content, {}, room=_ROOM
        )
    except CallFailed as error:
        log.warning("file.not_opened", why=str(error), size=len(content))
        return "lost" if isinstance(error, CallNotStarted) else "heavy"
    return fault
