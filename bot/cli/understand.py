"""`understand`: how a typed answer is read, for trying and for measuring.

Promises exactly the keys of Understanding as JSON, one line of JSON for each line read, in order; needs
and touches no database.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime

from bot.cli.output import format_weekday_date, print_json
from bot.conversation.reader.understand import Understanding, understand_reply
from data.clock import civil_date

_INTENTS = {
    "status": "báo tình hình",
    "acknowledge": "đã nhận",
    "extension": "xin gia hạn",
    "dispute": "không phải việc của cơ quan",
    "question": "hỏi",
    "multi": "nói về nhiều việc",
    "unclear": "chưa rõ: bot sẽ hỏi lại",
}
_STATUSES = {
    "completed": "đã xong",
    "in_progress": "đang làm",
    "not_started": "chưa làm",
    "blocked": "vướng mắc",
}


def run(text: str, *, today: date | None, as_json: bool) -> None:
    """Print how an answer is read; text "-": every line of standard input, each as a line of JSON."""
    day = today or civil_date(datetime.now(UTC))
    if text == "-":
        for raw in sys.stdin.buffer:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            shown = json.dumps(understand_reply(line, today=day).as_dict(), ensure_ascii=False)
            sys.stdout.write(shown + "\n")
        return
    reading = understand_reply(text, today=day)
    if as_json:
        print_json(reading.as_dict())
        return
    _print_words(reading)


def _print_words(reading: Understanding) -> None:
    print(f"Hiểu là: {_said(reading.intent, reading.status, reading.percent, reading.until)}.")
    if reading.document:
        on = f" ngày {format_weekday_date(reading.document_on)}" if reading.document_on else ""
        print(f"Văn bản: {reading.document}{on}.")
    for task in reading.tasks:
        print(f"Việc {task.ref}: {_said(task.intent, task.status, task.percent, task.until)}.")
    if reading.note:
        print(f"Ghi chú: {reading.note}")


def _said(intent: str, status: str | None, percent: int | None, until: date | None) -> str:
    words = _STATUSES[status] if status else _INTENTS[intent]
    if percent is not None and status != "completed":
        words += f" {percent}%"
    return f"{words} đến {format_weekday_date(until)}" if until else words
