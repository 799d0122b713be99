"""Call a function in a process of its own, for input that may be made to exhaust the machine.

Guarantees:
- The call ends within its seconds and its memory, whatever the input; then it has failed, and nothing else has.
- The process gets no environment, so none of our secrets, and no file that it writes may be larger than its
  result; it compiles no modules, because half a compiled module would stay.
- Where a system has no such limits (Windows), the seconds alone hold.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_TOP = Path(__file__).resolve().parents[2]
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from data.untrusted.apart import carry_out_call; carry_out_call()"
)
# numpy takes address space for every core, and openpyxl imports it where it is; the others are used here never.
_KEPT_OUT = ("numpy", "lxml", "defusedxml")


@dataclass(frozen=True, slots=True)
class Room:
    """What a call may take: seconds of the clock and of the processor, bytes of memory and of its result."""

    seconds: int = 20
    memory: int = 512 * 1024 * 1024
    result: int = 1024 * 1024


class CallFailed(Exception):
    """The call took more than its room, or did not end well."""


class CallNotStarted(CallFailed):
    """This machine could start no process, or was too busy for it; try again later."""


def call_apart(function: str, content: bytes, given: dict[str, Any], *, room: Room = Room()) -> Any:
    """Return what `function` ("package.module:name") returns for (content, **given); both in JSON.

    Blocks; raises CallFailed. An error of the function itself is a failed call too: it returns its refusals.
    """
    order = {"function": function, "given": given, "seconds": room.seconds, "memory": room.memory}
    order["result"] = room.result
    with tempfile.TemporaryFile() as sent, tempfile.TemporaryFile() as returned:
        sent.write(json.dumps(order).encode() + b"\n")
        sent.write(content)
        sent.seek(0)
        try:
            ended = subprocess.run(  # noqa: S603 - our own interpreter and code
                [sys.executable, "-I", "-B", "-c", _START, str(_TOP)],
                stdin=sent,
                stdout=returned,
                stderr=subprocess.DEVNULL,
                env={},
                cwd=_TOP,
                timeout=room.seconds * 2 + 10,  # a busy machine: processor seconds are the measure
                check=False,
            )
        except OSError as error:
            raise CallNotStarted(type(error).__name__) from None
        except subprocess.TimeoutExpired:
            raise CallFailed("out of time") from None
        if ended.returncode != 0:
            raise CallFailed(f"ended with {ended.returncode}")
        return _read_result(returned, room)


def _read_result(returned: IO[bytes], room: Room) -> Any:
    returned.seek(0)
    words = returned.read(room.result + 1)
    if len(words) > room.result:
        raise CallFailed("result too large")
    try:
        return json.loads(words)
    except (ValueError, RecursionError):
        raise CallFailed("no result") from None


def carry_out_call() -> None:
    """Carry out one call: its order on the first line of standard input, its content behind it."""
    order = json.loads(sys.stdin.buffer.readline())
    _limit(order)
    for name in _KEPT_OUT:
        sys.modules[name] = None  # type: ignore[assignment]
    module, _, name = order["function"].partition(":")
    function = getattr(importlib.import_module(module), name)
    result = json.dumps(function(sys.stdin.buffer.read(), **order["given"])).encode()
    sys.stdout.buffer.write(result)
    sys.stdout.buffer.flush()


def _limit(order: dict[str, Any]) -> None:
    try:
        import resource
    except ImportError:  # not a Unix
        return
    for what, most in (
        (resource.RLIMIT_AS, order["memory"]),
        (resource.RLIMIT_CPU, order["seconds"]),
        (resource.RLIMIT_FSIZE, order["result"]),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        with suppress(ValueError, OSError):  # macOS refuses RLIMIT_AS
            resource.setrlimit(what, (most, most))
