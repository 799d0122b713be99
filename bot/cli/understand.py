"""`nhacviec understand`: how the bot reads a typed reply, for trying and for measuring.

Guarantees:
- JSON has exactly the keys of Understanding; input by lines gives one line of JSON each, in order.
- It uses no database.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from bot.cli.options import JsonOption, day_option
from bot.cli.output import print_json
from bot.cli.tree import examples
from bot.conversation.reader.understand import Understanding, understand_reply
from data.clock import civil_date
from jobs.rendering.dates import full_date

_INTENTS = {
    "status": "báo tình hình",
    "acknowledge": "đã nhận",
    "extension": "đề nghị gia hạn",
    "dispute": "đề nghị xem lại: không thuộc cơ quan",
    "question": "hỏi",
    "multi": "về nhiều nhiệm vụ",
    "unclear": "chưa rõ: Hệ thống sẽ hỏi lại",
}
_STATUSES = {
    "completed": "đã hoàn thành",
    "in_progress": "đang thực hiện",
    "not_started": "chưa triển khai",
    "blocked": "có khó khăn, vướng mắc",
}


@examples(
    "understand «2 xong»",
    "understand «xin gia hạn thêm 1 tuần» --today 2026-11-22 --json",
    "understand - --today 2026-11-22 < tra-loi.txt",
)
def understand(
    text: Annotated[
        str, typer.Argument(metavar="CÂU", help="Câu trả lời; «-»: mỗi dòng nhập vào là một câu.")
    ],
    today: Annotated[
        date | None,
        day_option("--today", "Ngày để tính «tuần sau», «cuối tháng» [mặc định: hôm nay]."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print how a reply is read; text "-": each line of standard input, as JSON."""
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
    words = _describe(reading.intent, reading.status, reading.percent, reading.until)
    print(f"Hiểu là: {words}.")
    if reading.document:
        on = f" ngày {full_date(reading.document_on)}" if reading.document_on else ""
        print(f"Văn bản: {reading.document}{on}.")
    for task in reading.tasks:
        print(
            f"Nhiệm vụ {task.ref}: {_describe(task.intent, task.status, task.percent, task.until)}."
        )
    if reading.note:
        print(f"Ghi chú: {reading.note}")


def _describe(intent: str, status: str | None, percent: int | None, until: date | None) -> str:
    words = _STATUSES[status] if status else _INTENTS[intent]
    if percent is not None and status != "completed":
        words += f" {percent}%"
    return f"{words} đến ngày {full_date(until)}" if until else words
