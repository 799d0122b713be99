"""The command `nhacviec`: runs it, and turns whatever went wrong into one Vietnamese sentence.

Promises exit code 0 for done, 1 for a fault that a person can mend, 2 for a command typed wrongly, 130
for Ctrl-C; and never a traceback or a secret, unless NHACVIEC_LOG_LEVEL is DEBUG.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (default: what was typed) and exit."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")  # Vietnamese, whatever the machine's locale
    sys.exit(run_command_line(list(sys.argv[1:] if arguments is None else arguments)))


def run_command_line(arguments: list[str]) -> int:
    """Run one command and return its exit code; faults are told on standard error."""
    from bot.cli.main import app

    try:
        code = app(arguments, prog_name="nhacviec", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `nhacviec preview | head`: the reader has seen enough
        sys.stdout = None
        return 0
    except Exception as error:
        from bot.cli.errors import describe_error

        words, code = describe_error(error)
        print(words, file=sys.stderr)
        return code


if __name__ == "__main__":
    main()
