"""What must be true of obligations after each step, whoever said what: the oracle of the stateful test.

It reckons from rows alone, in plain Python: states, what an undo brings back, days of reminders, counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from data.registry.registry import Registry
from data.rules.ladder import NEVER, RUNGS, UNDATED, compute_due_date, next_step, schedule_rungs

# As ARCHITECTURE.md draws them; what a file brings back stands as it was answered.
ARROWS = {
    ("open", "submitted"),
    ("submitted", "open"),
    ("submitted", "confirmed"),
    *((state, end) for state in ("open", "submitted") for end in ("withdrawn", "superseded")),
    *((end, state) for state in ("open", "submitted") for end in ("withdrawn", "superseded")),
    ("withdrawn", "superseded"),
    ("superseded", "withdrawn"),
}
ANSWERED = (
    *("state", "percent", "progress", "acknowledged_until", "done_on", "blocked_at"),
    *("disputed_at", "extension_asked_at", "returned_at", "submitted_at"),
)
RECKONED = ("state", "due_on", "extended_to", "acknowledged_until", "rung", "remind_on")
LIVE = ("open", "submitted", "confirmed")


@dataclass
class Seen:
    """All rows of one moment."""

    owed: dict[int, Any]
    replies: dict[int, Any]
    sent: dict[tuple[int, date], int]  # by obligation and effective due: the last rung in a message
    extensions: dict[int, Any] = field(default_factory=dict)
    tasks: tuple[Any, ...] = ()


def effective(row: Any) -> date:
    """Return the later of what the document says and what was granted."""
    return max(each for each in (row.due_on, row.extended_to) if each is not None)


def reckoned(row: Any, seen: Seen, registry: Registry, today: date) -> tuple[Any, Any]:
    """Return rung and day of an obligation's next reminder, from nothing but the ladder."""
    if row.state != "open":
        return None, None
    due = compute_due_date(effective(row), registry.workdays, kind=row.kind)
    told = seen.sent.get((row.id, effective(row)))
    if row.kind != UNDATED and effective(row) < row.tracked_from and told is not None:
        return None, None
    steps = schedule_rungs(RUNGS[row.kind], due, registry.workdays)
    step = next_step(steps, today=today, sent=told, acknowledged_until=row.acknowledged_until)
    return step or (None, None)


def check_step(
    before: Seen,
    after: Seen,
    registry: Registry,
    today: date,
    *,
    decided: bool,
    kept: Mapping[int, Any],
) -> None:
    """Check what one step did. decided: it was a decision, by a person or by itself.

    kept: by answer, the obligation as it stood before it was given.
    """
    for key, reply in before.replies.items():
        assert after.replies.get(key) == reply, "history was rewritten"
    assert before.owed.keys() <= after.owed.keys(), "an obligation vanished"
    undone = {
        after.replies[reply.undoes_id].obligation_id: reply.undoes_id
        for key, reply in after.replies.items()
        if key not in before.replies and reply.said == "undo"
    }
    for key, reply in after.replies.items():
        if key not in before.replies and reply.said == "acknowledge":
            held = registry.workdays.add(today, 3)
            assert after.owed[reply.obligation_id].acknowledged_until == held, "three working days"
    for key, row in after.owed.items():
        due = compute_due_date(effective(row), registry.workdays, kind=row.kind)
        judged_on = NEVER if effective(row) < row.tracked_from else due.judged
        assert (row.base_on, row.judged_on) == (due.base, judged_on), "judged by another due date"
        assert (row.state == "confirmed") == (row.confirmed_at is not None), f"{row}"
        assert row.state == "open" or (row.rung, row.remind_on) == (None, None)
        assert row.state != "submitted" or row.submitted_at is not None
        assert row.state != "open" or row.done_on is None
        old = before.owed.get(key)
        if old is None:
            assert row.state == "open"
            continue
        step = (old.state, row.state)
        assert step[0] == step[1] or step in ARROWS, f"{row.code} {step}"
        assert step != ("submitted", "confirmed") or decided, "confirmed, and nobody decided"
        if key in undone:
            stood = kept[undone[key]]
            for name in ANSWERED:
                was, now = getattr(stood, name), getattr(row, name)
                if name == "extension_asked_at" and old.extension_asked_at is None:
                    was = None  # it was decided since
                assert now == was, f"{row.code}: {name} was {was} and is {now}"
        if any(getattr(old, name) != getattr(row, name) for name in RECKONED):
            assert (row.rung, row.remind_on) == reckoned(row, after, registry, today), f"{row}"


def check_all_reckoned(seen: Seen, registry: Registry, today: date) -> None:
    """Check that all reminders are what a fresh reckoning gives; after a night's planning."""
    for row in seen.owed.values():
        assert (row.rung, row.remind_on) == reckoned(row, seen, registry, today), f"{row}"


# ------------------------------------------------------------------ counts


def is_late(row: Any, registry: Registry, today: date) -> bool:
    if row.state == "open":
        return bool(row.judged_on < registry.workdays.on_or_before(today))
    return row.done_on is not None and bool(row.done_on > row.judged_on)


def of_tasks(seen: Seen, plan: str, registry: Registry, today: date) -> dict[str, int]:
    """Count a plan's tasks, each once: done only when every agency on it is confirmed."""
    counts = dict.fromkeys(
        ("total", "done_on_time", "done_late", "open_on_time", "open_late", "waiting"), 0
    )
    for task in seen.tasks:
        if task.plan_code != plan or task.withdrawn_at is not None:
            continue
        parts = [
            row
            for row in seen.owed.values()
            if (row.plan_code, row.code) == (plan, task.code)
            if row.state in LIVE and (row.kind != UNDATED or row.period == str(today.year))
        ]
        pending = [row for row in parts if row.state != "confirmed"]
        late = any(is_late(row, registry, today) for row in pending or parts)
        done = bool(parts) and not pending
        counts["total"] += 1
        counts[f"{'done' if done else 'open'}_{'late' if late else 'on_time'}"] += 1
        counts["waiting"] += bool(pending) and all(row.state == "submitted" for row in pending)
    return counts


def of_agency(seen: Seen, held: Iterable[str], registry: Registry, today: date) -> dict[str, int]:
    """Count what an agency has in hand: what is open, and what was done of this year."""
    counts = dict.fromkeys(
        ("total", "done_on_time", "done_late", "open_on_time", "open_late", "waiting"), 0
    )
    for row in seen.owed.values():
        is_now = row.due_on <= max(
            date(today.year, 12, 31), date.fromordinal(today.toordinal() + 92)
        )
        asked = row.kind != UNDATED or row.period == str(today.year)
        if row.agency_code not in held or row.state not in LIVE or not is_now or not asked:
            continue
        if row.state == "confirmed" and row.due_on < date(today.year, 1, 1):
            continue
        counts["total"] += 1
        late = is_late(row, registry, today)
        done = "done" if row.state == "confirmed" else "open"
        counts[f"{done}_{'late' if late else 'on_time'}"] += 1
        counts["waiting"] += row.state == "submitted"
    return counts
