"""The consolidated report and the draft urging letter, as Word documents for a person to sign.

Guarantees:
- The layout is that of Nghị định 30/2020/NĐ-CP, Phụ lục I; it is edited in templates/report/*.docx.
- A report whose sums do not reconcile is refused; silence reads "chưa báo cáo".
- People's words are data, never template code or markup.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data.registry.titles import period_name, shorten
from data.reports.facts import AgencyLine, ReportFacts, TaskFacts, UrgingFacts, find_sum_errors
from data.text import fold
from jobs.reports.docx_context import (
    appendix_rows,
    figures_context,
    find_mismatches,
    group_contexts,
    group_quotes,
    target_rows,
)
from jobs.reports.letterhead import (
    build_letterhead,
    full_name,
    issuer_of,
    official_long_date,
    official_short_date,
    province_name,
    split_bodies,
)

_FOLDER = Path(__file__).parents[2] / "templates" / "report"
# Characters that XML 1.0 cannot hold (section 2.2), and marks that reverse the direction of writing.
_UNFIT = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)
_BLANKS = re.compile(r"\s+")
# Size and mean letter width above each line; the line is a third to a half as long as the words
# (mục II khoản 2 điểm c, khoản 5).
_RULES = {"Kẻ dưới cơ quan": (12, 0.72), "Kẻ dưới trích yếu": (14, 0.51)}
_POINT = 20  # twentieths of a point, Word's measure
_COLUMN = 3969  # 70 mm, of the issuing body
_PAGE = 9354  # 165 mm, between the margins
_NOBODY_LATE = (
    "Chưa có cơ quan nào quá hạn lâu đến mức cần công văn: việc mới quá hạn vẫn đang được nhắc bằng tin;"
    " việc có ý kiến, xin gia hạn hoặc hết hạn từ trước khi theo dõi thì không đôn đốc."
)

Progress = Callable[[int, int], None]


class UnreconciledReport(Exception):
    """A report that must not be drawn; reasons are Vietnamese sentences for the reader who asked."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = tuple(reasons)


def report_docx(
    facts: ReportFacts,
    lines: Iterable[tuple[TaskFacts, Sequence[AgencyLine]]] | None,
    *,
    progress: Progress | None = None,
) -> bytes:
    """Return the consolidated report; raises UnreconciledReport where its sums do not reconcile.

    lines None: the appendix has one row a task and refers to the .xlsx. Else it has every agency's line
    with its source, all in memory: some thousands, not hundreds of thousands. Calls progress with (tasks
    drawn, tasks) during the appendix and at the end.
    """
    appendix = None if lines is None else list(lines)
    reasons = find_sum_errors(facts)
    if appendix is not None:
        reasons += find_mismatches(facts, appendix)
    if reasons:
        raise UnreconciledReport(reasons)
    period = period_name(facts.period) or facts.period
    lines_by_task = None if appendix is None else {task.task_id: own for task, own in appendix}
    plan = _plan(facts)
    context = {
        "head": _head(facts),
        "plan": plan,
        "abstract": f"Kết quả thực hiện {period} Kế hoạch số {facts.number} ngày {official_short_date(facts.issued_on)}"
        + (f" của {plan['issuer']}" if plan["issuer"] else ""),
        "period": period,
        "estimate": facts.is_estimate,
        "as_of": official_long_date(facts.as_of),
        "whole": figures_context(facts.figures),
        "parts": facts.lines,
        "unassigned": sum(task.unassigned for task in facts.tasks),
        "silent": facts.silent,
        "duties": [
            {**asdict(duty), "due": official_short_date(duty.due_on)} for duty in facts.duties
        ],
        "groups": group_contexts(facts, lines_by_task),
        "targets": target_rows(facts.targets),
        "difficulties": group_quotes(facts.difficulties),
        "proposals": group_quotes(facts.proposals),
        # The coordinator does not report to itself.
        "receivers": [
            body
            for body in split_bodies(facts.receiver)
            if fold(full_name(body)) != fold(full_name(facts.coordinator))
        ],
        "detailed": appendix is not None,
        "rows": appendix_rows(facts, lines_by_task, progress=progress),
    }
    document = _render_template("report.docx", context)
    if progress is not None:
        progress(facts.figures.total, facts.figures.total)
    return document


def urging_docx(facts: UrgingFacts) -> bytes:
    """Return the draft of a letter that urges late agencies; a person signs and sends it.

    Raises UnreconciledReport where no agency is late for long.
    """
    late = [agency for agency in facts.agencies if agency.items]
    if not late:
        raise UnreconciledReport([_NOBODY_LATE])
    items = [
        {
            "agency": agency.agency,
            "code": item.code,
            "title": shorten(item.title, 200),
            "due": official_short_date(item.due_on),
            "days": item.days_late,
        }
        for agency in late
        for item in agency.items
    ]
    context = {
        "head": _head(facts),
        "plan": _plan(facts),
        "as_of": official_long_date(facts.as_of),
        "addressees": [agency.agency for agency in late],
        "count": len(items),
        "items": items,
    }
    return _render_template("urging.docx", context)


def _head(facts: ReportFacts | UrgingFacts) -> dict[str, Any]:
    head = build_letterhead(facts.coordinator, facts.province)
    return {
        **asdict(head),
        "agency": full_name(facts.coordinator),
        "province": province_name(facts.province),
        "year": facts.as_of.year,
    }


def _plan(facts: ReportFacts | UrgingFacts) -> dict[str, str]:
    title = facts.title
    # "Triển khai thực hiện …" continues a sentence; "Gia Lai …" is a name and keeps its capital.
    if title.split(" ", 2)[1:2] and title.split(" ", 2)[1][:1].islower():
        title = title[:1].lower() + title[1:]
    return {
        "number": facts.number,
        "day": official_long_date(facts.issued_on),
        "issuer": issuer_of(facts.number, facts.province),
        "title": title,
    }


def _render_template(name: str, context: dict[str, Any]) -> bytes:
    """Return a template filled in; a name that the template misspells is an error, not a blank."""
    from docxtpl import DocxTemplate
    from jinja2 import Environment, StrictUndefined
    from lxml import etree

    template = DocxTemplate(_FOLDER / name)
    # Two repairs that take half the time of a long table and find nothing here: _fit leaves no line
    # ends in words, and no table makes columns in a loop.
    template.resolve_listing = lambda xml: xml
    template.fix_tables = etree.fromstring
    environment = Environment(autoescape=True, undefined=StrictUndefined, finalize=_fit)
    template.render(context, environment, autoescape=True)
    _measure(template.docx)
    file = io.BytesIO()
    template.save(file)
    return file.getvalue()


def _fit(value: Any) -> Any:
    """Return a value as a document can hold it: words on one line, without unfit characters."""
    if isinstance(value, str):
        # type(value): words that a filter escaped stay marked as escaped.
        return type(value)(_BLANKS.sub(" ", _UNFIT.sub("", value)))
    return "" if value is None else value


def _measure(document: Any) -> None:
    """Set the length of the lines under issuer and abstract by the words above them."""
    from docx.shared import Twips

    tables = [cell for table in document.tables[:1] for cell in table.rows[0].cells[:1]]
    for holder, width in (*((cell, _COLUMN) for cell in tables), (document, _PAGE)):
        above = ""
        for paragraph in holder.paragraphs:
            if (rule := _RULES.get(paragraph.style.name)) is None:
                above = paragraph.text
                continue
            size, letter = rule
            words = sum(0.25 if sign == " " else letter for sign in above) * size * _POINT
            length = 0.42 * words if words <= width else 0.34 * width  # its last line is shorter
            indent = Twips(int((width - length) / 2))
            paragraph.paragraph_format.left_indent = indent
            paragraph.paragraph_format.right_indent = indent
            if holder is document:
                return
