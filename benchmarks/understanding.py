"""How well and how fast free-text answers are read: `python benchmarks/understanding.py replies.json [--wrong]`.

Prints precision and recall by intent (a status by its state), what was completed without being said, and
texts per second. The file is a list of {"text", "intent", "status", "percent", "until"}, as in
shared/replies; today is the day its relative dates count from.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from bot.conversation.reader.understand import Understanding, understand_reply

FIELDS = ("intent", "status", "percent", "until")


def kind(reading: dict[str, Any]) -> str:
    return str(reading["status"] or reading["intent"])


def completes_unsaid(entry: dict[str, Any], reading: Understanding) -> bool:
    """Tell whether something is completed that was not said; of several tasks, one of them."""
    completed = {task.ref for task in reading.tasks if task.status == "completed"}
    if entry["intent"] == "multi":
        return not completed <= set(entry.get("completed", completed))
    return entry["status"] != "completed" and (reading.status == "completed" or bool(completed))


def speed(texts: list[str], today: date) -> float:
    """Texts a second of processor time, over about a second."""
    count, started = 0, time.process_time()
    while (taken := time.process_time() - started) < 1:
        for text in texts:
            understand_reply(text, today=today)
        count += len(texts)
    return count / taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("replies", type=Path)
    parser.add_argument("--today", type=date.fromisoformat, default=date(2026, 11, 22))
    parser.add_argument("--wrong", action="store_true", help="list what was read otherwise")
    chosen = parser.parse_args()
    replies = json.loads(chosen.replies.read_text(encoding="utf-8"))

    read = [(entry, understand_reply(entry["text"], today=chosen.today)) for entry in replies]
    rows = [(entry, reading, reading.as_dict()) for entry, reading in read]
    said, meant, hit = Counter[str](), Counter[str](), Counter[str]()
    wrong, unsaid = [], []
    for entry, reading, shown in rows:
        said[kind(shown)] += 1
        meant[kind(entry)] += 1
        hit[kind(entry)] += kind(shown) == kind(entry)
        if any(shown[field] != entry[field] for field in FIELDS):
            wrong.append((entry, shown))
        if completes_unsaid(entry, reading):
            unsaid.append(entry["text"])

    if chosen.wrong:
        for entry, shown in wrong:
            print(
                f"{entry['text']!r}: meant {[entry[f] for f in FIELDS]}, read {[shown[f] for f in FIELDS]}"
            )
    print(f"{'':14}{'meant':>6}{'read':>6}{'right':>6}{'precision':>11}{'recall':>8}")
    for name in sorted(meant | said):
        precision = hit[name] / said[name] if said[name] else 1
        recall = hit[name] / meant[name] if meant[name] else 1
        print(f"{name:14}{meant[name]:6}{said[name]:6}{hit[name]:6}{precision:11.1%}{recall:8.1%}")
    print(
        f"every field right: {len(rows) - len(wrong)} of {len(rows)} ({1 - len(wrong) / len(rows):.1%})"
    )
    print(f"completed without being said: {len(unsaid)} {unsaid[:5] or ''}")
    print(
        f"{speed([entry['text'] for entry in replies], chosen.today):,.0f} texts a second of processor time"
    )


if __name__ == "__main__":
    main()
