"""A SQLite file with a million obligations: 34 provinces, ten plans each, years of history.

Promises the same file every time for the same seed. Only the first province has a registry to converse
by; the others are rows that queries must not slow down for.
"""

from __future__ import annotations

import random
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from data.clock import civil_date
from data.registry.registry import Registry
from data.rules.ladder import compute_due_date
from data.text import fold

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
TODAY = civil_date(NOW)
PROVINCES, PLANS, AGENCIES, TASKS = 34, 10, 110, 60
_PHRASES = (
    "chuyển đổi số dữ liệu hạ tầng ngân sách báo cáo rà soát công nghệ thông tin đô thị thông minh"
    " nông nghiệp môi trường đào tạo nhân lực an toàn mạng dịch vụ công trực tuyến doanh nghiệp"
)
WORDS = _PHRASES.split()


def province_text(number: int) -> str:
    """Return one province: a coordinator, departments, communes."""
    lines = [f"province: p{number}", f"name: Tỉnh {number}", "agencies:"]
    lines.append('  - {code: ubnd, name: "UBND tỉnh", kind: committee}')
    lines.append(
        '  - {code: skhcn, name: "Sở Khoa học và Công nghệ", short: "Sở KH&CN", kind: department}'
    )
    for index in range(AGENCIES - 2):
        kind = "department" if index < 18 else "commune"
        name = f"Sở Số {index}" if index < 18 else f"UBND xã Số {index}"
        lines.append(f'  - {{code: a{index}, name: "{name}", kind: {kind}}}')
    return "\n".join(lines) + "\n"


def plan_text(province: int, number: int, chance: random.Random) -> str:
    """Return one plan with its tasks and one yearly report of everybody."""
    lines = [
        f'number: "{number}/KH-UBND"',
        f"province: p{province}",
        f'title: "Kế hoạch số {number}"',
        f"issued_on: {2017 + number % 9}-01-05",
        'signer: "A"',
        'coordinator: "Sở Khoa học và Công nghệ"',
        "source: none.txt",
        "tasks:",
    ]
    for task in range(TASKS):
        text = " ".join(chance.choices(WORDS, k=40))
        lines.append(
            f'  - {{code: "III.{task}", text: "{text}", leads: ["Sở Số 1"],'
            ' period: {raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}'
        )
    lines += [
        "report_duties:",
        '  - {code: BC.1, clause: "mục V", from: ["UBND tỉnh"], to: "UBND tỉnh", frequency: ad_hoc,',
        '     quote: "báo cáo"}',
    ]
    return "\n".join(lines) + "\n"


def registry_of(chance: random.Random, provinces: int, plans: int = PLANS) -> Registry:
    """Return the registry of the asked provinces alone: the others are rows in the file only."""
    texts = {}
    for province in range(provinces):
        texts[f"agencies/p{province}.yaml"] = province_text(province)
        for number in range(1, plans + 1):
            texts[f"plans/p{province}-{number}.yaml"] = plan_text(province, number, chance)
    return Registry.from_texts(texts)


def fill(
    path: Path,
    registry: Registry,
    total: int,
    chance: random.Random,
    *,
    provinces: int = PROVINCES,
    plans: int = PLANS,
) -> None:
    """Insert provinces, plans, tasks, assignments and `total` obligations, with a chat for each role."""
    workdays = registry.workdays
    judged: dict[date, Any] = {}

    def due_row(day: date) -> tuple[str, str, str]:
        if day not in judged:
            judged[day] = compute_due_date(day, workdays, strictly=False)
        due = judged[day]
        return day.isoformat(), due.base.isoformat(), due.judged.isoformat()

    file = sqlite3.connect(path)
    file.execute("PRAGMA synchronous=OFF")
    file.execute("PRAGMA foreign_keys=OFF")
    texts = [" ".join(chance.choices(WORDS, k=60)) for _ in range(400)]
    each = total // (provinces * plans)  # obligations a plan
    reports = 5 * AGENCIES  # five years of one yearly report of everybody
    years = 6
    task_parts = max((each - reports) // TASKS, 1)
    agency_id = plan_id = task_id = duty_id = assignment_id = 0
    obligations: list[tuple[Any, ...]] = []
    for province in range(provinces):
        first_agency = agency_id + 1
        for index in range(AGENCIES):
            agency_id += 1
            code = ("ubnd", "skhcn")[index] if index < 2 else f"a{index - 2}"
            name = (
                ("UBND tỉnh", "Sở Khoa học và Công nghệ")[index]
                if index < 2
                else (f"Sở Số {index - 2}" if index < 20 else f"UBND xã Số {index - 2}")
            )
            file.execute(
                "INSERT INTO agency (id, province, code, name, short, kind, position, folded)"
                " VALUES (?,?,?,?,?,'department',?,?)",
                (agency_id, f"p{province}", code, name, name, index, fold(name)),
            )
        for number in range(1, plans + 1):
            plan_id += 1
            issued = date(2017 + number % 9, 1, 5)
            file.execute(
                "INSERT INTO plan (id, code, province, number, title, issued_on, coordinator_id,"
                " tracked_from) VALUES (?,?,?,?,?,?,?,?)",
                (plan_id, f"p{province}-{number}-{issued.year}", f"p{province}", f"{number}/KH-UBND",
                 f"Kế hoạch số {number}", issued.isoformat(), first_agency + 1, issued.isoformat()),
            )  # fmt: skip
            duty_id += 1
            file.execute(
                "INSERT INTO report_duty (id, plan_id, code, position, clause, title, frequency,"
                " receiver, quote) VALUES (?,?,'BC.1',0,'mục V','Báo cáo','annual','UBND tỉnh','báo cáo')",
                (duty_id, plan_id),
            )
            for year in range(2022, 2027):
                due = due_row(date(year, 11, 14))
                for index in range(AGENCIES):
                    state = "confirmed" if year < 2026 else chance.choice(("open", "submitted"))
                    obligations.append(
                        (plan_id, duty_id, None, first_agency + index, "report", "BC.1", str(year),
                         *due, state, due[0] if state != "open" else None)
                    )  # fmt: skip
            for task in range(TASKS):
                task_id += 1
                text = texts[(task_id * 7) % len(texts)]
                ends = date(2021 + task % 9, 12, 31)
                file.execute(
                    "INSERT INTO task (id, plan_id, code, position, text, title, period_raw,"
                    " period_kind, ends_on, folded) VALUES (?,?,?,?,?,?,'2026','fixed',?,?)",
                    (task_id, plan_id, f"III.{task}", task, text, text[:100], ends.isoformat(),
                     fold(f"III.{task} {text}")),
                )  # fmt: skip
                agencies = max(-(-task_parts // years), 1)
                start = chance.randrange(AGENCIES)
                for offset in range(min(agencies, AGENCIES)):
                    owner = first_agency + (start + offset) % AGENCIES
                    assignment_id += 1
                    file.execute(
                        "INSERT INTO assignment (id, task_id, agency_id, valid_from, needs_decision)"
                        " VALUES (?,?,?,'2020-01-01',0)",
                        (assignment_id, task_id, owner),
                    )
                    for turn in range(years):
                        due = due_row(date(2022 + turn, 6 + task % 6, 1 + task % 28))
                        past = due[2] < TODAY.isoformat()
                        state = "open"
                        if past:
                            state = chance.choices(("confirmed", "open", "submitted"), (96, 3, 1))[
                                0
                            ]
                        obligations.append(
                            (plan_id, None, assignment_id, owner, "phase_end", f"III.{task}",
                             str(2022 + turn), *due, state, due[0] if state != "open" else None)
                        )  # fmt: skip
            if len(obligations) > 50_000:
                insert(file, obligations)
    insert(file, obligations)
    file.execute("INSERT INTO account (id, channel, name, epoch) VALUES (1, 'local', 'bench', 0)")
    for number, (role, index) in enumerate((("focal", 5), ("coordinator", 1), ("leader", 0)), 1):
        file.execute(
            "INSERT INTO chat (id, account_id, address, thread, kind, state)"
            " VALUES (?,1,?,'','private','living')", (number, role),
        )  # fmt: skip
        file.execute("INSERT INTO person (id, created_at) VALUES (?,?)", (number, NOW.isoformat()))
        file.execute(
            "INSERT INTO identity (account_id, sender, person_id) VALUES (1,?,?)", (role, number)
        )
        file.execute(
            "INSERT INTO enrolment (chat_id, person_id, agency_id, role, may_decide, enrolled_at)"
            " VALUES (?,?,?,?,0,'2026-01-01 00:00:00.000000')", (number, number, 1 + index, role),
        )  # fmt: skip
    # Everything that is done was said once.
    file.execute(
        "INSERT INTO status_reply (obligation_id, agency_id, said, before, said_at, chat_id, person_id)"
        " SELECT id, agency_id, 'completed', '{}', done_on || ' 01:00:00.000000', 1, 1"
        " FROM obligation WHERE state != 'open'"
    )
    file.commit()
    file.execute("ANALYZE")
    file.commit()
    file.close()


def insert(file: sqlite3.Connection, obligations: list[tuple[Any, ...]]) -> None:
    """Insert and empty a batch."""
    file.executemany(
        "INSERT INTO obligation (plan_id, duty_id, assignment_id, agency_id, kind, code, period,"
        " due_on, base_on, judged_on, state, done_on, due_words, due_proposed, late_told)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,'15/11',0,0)",
        obligations,
    )
    obligations.clear()
