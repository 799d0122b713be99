"""Titles of tasks and reports for lists: a task's short name, a report with its period."""

from __future__ import annotations

from typing import Any

from data.registry.schema import GIVEN_CODE, ReportDutyEntry, TaskEntry
from data.registry.short_names import TITLE_LIMIT, cut_between_words, first_clause, short_name
from data.text import fold

AD_HOC = "ad_hoc"
_ROMAN = ("I", "II", "III", "IV")
_REPORT = {
    "annual": "Báo cáo",
    "semiannual": "Báo cáo",
    "quarterly": "Báo cáo",
    "monthly": "Báo cáo",
    "every_3_years": "Báo cáo đánh giá 3 năm, kỳ",
    "every_5_years": "Báo cáo đánh giá 5 năm, kỳ",
    "ad_hoc": "Báo cáo đột xuất",
}


def shorten(text: str, limit: int = TITLE_LIMIT) -> str:
    """Return the text's first sentence or clause within the limit, cut between words."""
    return cut_between_words(first_clause(text.split("\n", 1)[0].strip()), limit)


def task_title(task: TaskEntry) -> str:
    """Return a task's short name: its file's, else one made from its text or from its first action."""
    if task.short:
        return task.short
    text = task.text
    if task.actions and (text.endswith(":") or _names_leads_alone(task)):
        text = task.actions[0]
    return short_name(text, leads=task.leads)


def task_name(task: TaskEntry) -> str:
    """Return a task's whole name, never cut: its text, or its first action where the text names leads alone."""
    if task.actions and (task.text.endswith(":") or _names_leads_alone(task)):
        return task.actions[0]
    return task.text


def _names_leads_alone(task: TaskEntry) -> bool:
    return len(fold(task.text)) <= len(fold(" và ".join(task.leads))) + 12


def duty_title(duty: ReportDutyEntry) -> str:
    """Return a duty's title without a period: the name of its frequency, or the duty's own words."""
    if duty.code == GIVEN_CODE:
        return "Nhiệm vụ giao thêm"
    if duty.frequency == "one_off":
        return short_name(duty.quote.lstrip("- "), leads=duty.from_)
    return _REPORT[duty.frequency].removesuffix(", kỳ")


def period_name(period: str) -> str:
    """Return a period's name as officials say it: "năm 2026", "quý IV/2026", "6 tháng đầu năm 2026"."""
    year, _, part = period.partition("-")
    if not part:
        return f"năm {year}" if year.isdigit() else ""
    if part[0] == "H":
        return f"6 tháng {'đầu' if part == 'H1' else 'cuối'} năm {year}"
    if part[0] == "Q":
        return f"quý {_ROMAN[int(part[1]) - 1]}/{year}"
    return f"tháng {int(part[1:])}/{year}"


def report_title(frequency: str, duty_words: str, period: str) -> str:
    """Return the title of one occurrence: "Báo cáo năm 2026"; a one-off keeps its duty's words."""
    if frequency in ("one_off", "ad_hoc") or frequency not in _REPORT:
        return duty_words
    return f"{_REPORT[frequency]} {period_name(period)}".strip()


def first_receiver(receiver: str | None, via: str | None, coordinator: str | None) -> str:
    """Return where a report goes first: through whom, else its receiver; "" for a task.

    coordinator: of today, named in place of the department that the document names, which may have ended.
    """
    first = via or receiver or ""
    if first.startswith("Sở ") and coordinator:
        return coordinator
    return first.split(",")[0].strip()


def obligation_title(row: Any) -> str:
    """Return the short title of an obligation's row: the task's, or the report's with its period.

    An ad-hoc report has its subject in due_words, in place of the words of a date.
    row: with task_title, duty_title, frequency, period and due_words.
    """
    if row.task_title is not None:
        return str(row.task_title)
    if row.frequency == AD_HOC:
        return f"{row.duty_title}: {shorten(row.due_words)}"
    return report_title(row.frequency or "", row.duty_title or "", row.period)
