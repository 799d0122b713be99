"""One screen for leaders: three figures, what waits for their decision, what is overdue and why, what is due.

Guarantees:
- Figures are those of every other view (data/figures); the week's part and /status show the same of one day.
- What stands equal is counted, not named: nobody comes first by the alphabet.
- No line holds words that a person wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.digests import queries as week_queries
from data.digests.kept_weeks import ScopeFacts
from data.figures.plans import load_plan_figures
from data.figures.pressing import (
    Counts,
    PressingLine,
    count_coming,
    count_done,
    count_overdue,
    list_coming_lines,
    list_overdue_lines,
)
from data.figures.reports import load_overdue_reports
from data.figures.states import overdue_condition
from data.models import Obligation
from data.progress.reasons import OTHER_THEME, list_reasons, reason_theme
from data.progress.waiting import WaitingRequest, list_waiting_for_leaders
from data.registry.province import Province
from data.registry.workdays import Workdays
from data.rules.holders import Holders
from jobs.rendering.items import build_item, load_obligation_rows

WEEK = timedelta(days=7)
_MOST = {"own": 5, "reports": 4, "overdue": 5, "due": 5}  # lines of each section
LINES = 9  # of all sections: with figures and headings they fill the screen of a phone
SHORT_LINES = 5  # the same in a message of 2000 letters
_NAMES = 3  # more agencies are counted
_THEMES = 2  # reasons told of a line


@dataclass(frozen=True, slots=True)
class LeaderScreen:
    """A province as its leaders see it. figures: as stored; lines: of sections own, reports, overdue, due.

    waiting: the obligations of the lines of "own", in their order. is_quiet: nothing is overdue, due, done or
    to be decided.
    """

    figures: dict[str, Any]
    lines: list[dict[str, Any]]
    waiting: tuple[int, ...]
    is_quiet: bool


async def load_leader_screen(
    connection: AsyncConnection,
    home: Province,
    plans: Mapping[int, Any],
    *,
    since: date,
    before: ScopeFacts | None,
    today: date,
    workdays: Workdays,
    most: int = LINES,
) -> LeaderScreen:
    """Return the screen of a province's active plans as of a day, with at most so many lines.

    since: the first day of what was done lately. before: the facts of the week before, for their figures;
    None where there are none.
    """
    ids, holders = list(plans), Holders(home, on=today)
    agencies = {
        row.id: row for row in await week_queries.list_province_agencies(connection, home.code)
    }
    tasks = await load_plan_figures(connection, ids, today=today, workdays=workdays)
    late = await list_overdue_lines(connection, ids, today=today, workdays=workdays)
    until = today + WEEK - timedelta(days=1)
    coming = await list_coming_lines(connection, ids, until=until, today=today, workdays=workdays)
    done = await count_done(
        connection, ids, since=since, until=today, today=today, workdays=workdays
    )
    waiting = await list_waiting_for_leaders(connection, holders, home.code, ids)
    is_late = overdue_condition(workdays.on_or_before(today))
    reasons = {
        each.obligation_id: reason_theme(each.words)
        for each in await list_reasons(connection, Obligation.plan_id.in_(ids) & is_late)
    }
    names = _Names(holders, agencies)
    overdue, handed_in = count_overdue(late, tasks)
    late_tasks = [line for line in late if line.is_task]
    sections = {
        "own": await _waiting_lines(connection, waiting, names, today, workdays),
        "reports": await _report_lines(connection, ids, late, reasons, today, workdays),
        "overdue": _pressing_lines("overdue", late_tasks, names, reasons),
        "due": _pressing_lines("due", coming, names, {}),
    }
    totals = {
        "own": len(waiting),
        "reports": len(late) - len(late_tasks),
        "overdue": len(late_tasks),
        "due": len(coming),
    }
    figures = {
        "since": since.isoformat(),
        "last": (today - timedelta(days=1)).isoformat(),
        "until": until.isoformat(),
        "done": done.as_json(),
        "late": {**overdue.as_json(), "waiting": handed_in},
        "due": count_coming(coming).as_json(),
        "own": len(waiting),
        "before": _before(before),
    }
    lines = _fit(sections, totals, most)
    shown = sum(line["section"] == "own" and not line["more"] for line in lines)
    empty = Counts()
    return LeaderScreen(
        figures,
        lines,
        tuple(each.obligation_id for each in waiting[:shown]),
        is_quiet=not waiting and done == overdue == count_coming(coming) == empty,
    )


def _before(facts: ScopeFacts | None) -> dict[str, Any] | None:
    figures = (facts or {}).get("figures")
    if facts is None or figures is None:
        return None
    return {"on": facts["on"], **{key: figures[key] for key in ("done", "late", "due")}}


@dataclass(frozen=True, slots=True)
class _Names:
    """Short names of who holds an owner's work today."""

    holders: Holders
    agencies: Mapping[int, Any]

    def of(self, line: PressingLine) -> list[str]:
        """Return the holders' names in the official order where they are few; else none."""
        owners = {self.agencies[key].code for key in line.owners.values() if key in self.agencies}
        kind = "phase_end" if line.is_task else "report"
        codes = {self.holders.holder(code, kind) or code for code in owners}
        if len(codes) > _NAMES:
            return []
        return [row.short for row in self.agencies.values() if row.code in codes]

    def holder(self, row: Any) -> str:
        """Return the name of who holds an obligation's row, with that of the owner that ended."""
        code = self.holders.holder(row.owner_code, row.kind)
        if code == row.owner_code:
            return str(row.owner_short)
        if code is None:
            return f"{row.owner_short} (chưa xác định cơ quan tiếp nhận)"
        short = next(each.short for each in self.agencies.values() if each.code == code)
        return f"{short} (tiếp nhận của {row.owner_short})"


async def _waiting_lines(
    connection: AsyncConnection,
    waiting: Sequence[WaitingRequest],
    names: _Names,
    today: date,
    workdays: Workdays,
) -> list[dict[str, Any]]:
    shown = waiting[: _MOST["own"]]
    rows = await load_obligation_rows(connection, [each.obligation_id for each in shown])
    lines: list[dict[str, Any]] = []
    for each in shown:
        row = rows[each.obligation_id]
        item = build_item(row, number=0, today=today, workdays=workdays)
        lines.append(
            {
                "section": "own",
                "more": 0,
                "of": 1,
                **{key: item[key] for key in ("title", "code", "plan_number")},
                "holder": names.holder(row),
                "asked": each.asked,
                "days": 0
                if each.since is None
                else workdays.between(civil_date(each.since), today),
            }
        )
    return lines


async def _report_lines(
    connection: AsyncConnection,
    plan_ids: Sequence[int],
    late: Iterable[PressingLine],
    reasons: Mapping[int, str],
    today: date,
    workdays: Workdays,
) -> list[dict[str, Any]]:
    """Return a line for each report that somebody has not sent, the longest overdue first."""
    duties = await load_overdue_reports(connection, plan_ids, today=today, workdays=workdays)
    whole = {(each.plan_id, each.code, each.period_code): each for each in duties}
    reports = [line for line in late if not line.is_task]
    return [
        {
            "section": "reports",
            "more": 0,
            "of": 1,
            **_line_values(line),
            "overdue": len(line.owners),
            "missing": whole[line.plan_id, line.code, line.period].missing_count,
            "expected": whole[line.plan_id, line.code, line.period].expected,
            **_count_reasons(line, reasons),
        }
        for line in sorted(
            reports, key=lambda line: (line.proposed, line.judged_on, -len(line.owners))
        )
    ][: _MOST["reports"]]


def _pressing_lines(
    section: str,
    lines: Sequence[PressingLine],
    names: _Names,
    reasons: Mapping[int, str],
) -> list[dict[str, Any]]:
    """Return lines in the order of their days; of one day more than find room are one line that counts them."""
    shown: list[dict[str, Any]] = []
    for _, same in groupby(lines, key=lambda line: line.judged_on):
        every = list(same)
        room = _MOST[section] - len(shown)
        if room < 1:
            break
        if len(every) > room:
            first = every[0]
            counts = count_coming(every).as_json()
            values = {"due": first.due_on.isoformat(), "late": first.late}
            shown.append({"section": section, "more": 0, "tie": counts, "of": len(every), **values})
            continue
        for line in every:
            named = names.of(line)
            why = _count_reasons(line, reasons) if section == "overdue" else {}
            values = {**_line_values(line), "agencies": line.agencies, "names": named, **why}
            shown.append({"section": section, "more": 0, "tie": None, "of": 1, **values})
    return shown


def _count_reasons(line: PressingLine, reasons: Mapping[int, str]) -> dict[str, Any]:
    """Count an overdue line's parts by the themes given most; unexplained: without a reason."""
    themes = Counter(reasons[key] for key in line.owners if key in reasons)
    named = sorted(themes.items(), key=lambda pair: (pair[0] == OTHER_THEME, -pair[1], pair[0]))
    return {
        "named": [list(pair) for pair in named[:_THEMES]],
        "unexplained": len(line.owners) - themes.total(),
    }


def _line_values(line: PressingLine) -> dict[str, Any]:
    return {
        "title": line.title,
        "code": line.code,
        "plan_number": line.plan_number,
        "is_task": line.is_task,
        "period": line.period if line.period[:1].isdigit() else "",
        "due": line.due_on.isoformat(),
        "late": line.late,
        "proposed": line.proposed,
    }


def _fit(
    sections: Mapping[str, Sequence[dict[str, Any]]], totals: Mapping[str, int], most: int
) -> list[dict[str, Any]]:
    """Return the lines of all sections that fit the screen, each section with what it leaves out counted."""
    room = dict.fromkeys(sections, 0)
    for _ in range(most):
        wanting = [name for name, every in sections.items() if room[name] < len(every)]
        if not wanting:
            break
        room[min(wanting, key=lambda name: room[name])] += 1
    lines: list[dict[str, Any]] = []
    for name, every in sections.items():
        shown = every[: room[name]]
        lines += shown
        left_out = totals[name] - sum(line["of"] for line in shown)
        if left_out > 0:
            lines.append({"section": name, "more": left_out})
    return lines


def leader_taps(lines: Iterable[Mapping[str, Any]]) -> list[tuple[tuple[str, str], str]]:
    """Return (command, its words) and a button's label for the names and reasons behind each line.

    The same words stand in the line itself, to be typed.
    """
    taps = []
    for line in lines:
        if line["section"] in ("reports", "overdue") and not line["more"] and not line.get("tie"):
            number = line["plan_number"].partition("/")[0]
            label = f"KH {number}, {line['code']}: {line['title']}"
            name = "status" if line["is_task"] else "chuanop"
            words = f"{number} {line['code']} {'' if line['is_task'] else line['period']}".strip()
            taps.append(((name, words), label))
    return taps
