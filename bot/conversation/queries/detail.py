"""/nhiemvu: everything about one task or report, in pages.

Guarantees:
- A focal point sees the document's text and its own part, never another agency's replies.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement

from bot.conversation.context.access import may
from bot.conversation.context.arguments import list_argument_choices, read_arguments
from bot.conversation.context.buttons import ButtonRows, evidence_button, page_buttons
from bot.conversation.context.lookup import ask_choice, qualified_code
from bot.conversation.context.pages import clamp_page, parse_page, split_into_pages
from bot.conversation.context.scope import CallerScope, load_scope
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.queries.history import history_blocks
from bot.conversation.queries.search import show_search_page, task_context
from data.figures.tasks import load_task_figures
from data.obligations.lists import list_assigned_agencies
from data.progress import decisions, outcomes
from data.progress.evidence import count_evidence
from data.progress.history import in_duty_condition, in_task_condition
from data.registry.schema import GIVEN_CODE, PlanFile
from jobs.channel import Answer
from jobs.rendering.dates import full_date
from jobs.rendering.environment import padded

_EVIDENCE_BUTTONS = 6
_EVIDENCE_LINES = 10


async def answer_nhiemvu(turn: Turn) -> list[Answer]:
    """Answer /nhiemvu CODE: text, agencies, period and history of one task or report."""
    words, page = parse_page(turn.words)
    if not words:
        return [Answer("usage", {"command": "nhiemvu", "examples": ["III.1a", "1901 III.1a"]})]
    scope = await load_scope(turn)
    asked = await read_arguments(turn, scope, words)
    rows = asked.coded
    if len(rows) > 1:
        return [ask_choice("nhiemvu", words, list_argument_choices(asked))]
    if not rows:
        return [await show_search_page(turn, scope, words, page, command="nhiemvu")]
    row = rows[0]
    is_task = bool(asked.found.tasks)
    load_blocks = _task_blocks if is_task else _duty_blocks
    condition = in_task_condition(row.id) if is_task else in_duty_condition(row.id)
    condition = condition & scope.limit_to_plans([row.plan_id]).obligations()
    filed = await _list_filed(turn, condition)
    blocks = [
        *await load_blocks(turn, scope, row),
        *_filed_blocks(filed, qualified_code(row, asked.plans)),
        *await history_blocks(turn, condition),
    ]
    pages = split_into_pages(blocks, turn.max_length)
    at = clamp_page(len(pages), page, 1)
    named = qualified_code(row, asked.plans)
    return [
        Answer(
            "nhiemvu",
            {
                **at.context(),
                "code": row.code,
                "plan_number": row.plan_number,
                "words": named,
                "blocks": pages[at.number - 1],
            },
            buttons=(
                *_evidence_buttons(filed),
                *page_buttons("nhiemvu", at.number, at.count, named),
            ),
            edits=turn.pressed_message_id,
            secret=True,  # it names persons
        )
    ]


async def _task_blocks(turn: Turn, scope: CallerScope, row: Any) -> list[dict[str, Any]]:
    entry = next(task for task in _plan_file(turn, row).tasks if task.code == row.code)
    follows = row.plan_id in scope.plans
    agencies = await list_assigned_agencies(turn.connection, row.id, today=turn.today)
    if not follows:
        agencies = [agency for agency in agencies if agency.id in scope.owner_ids]
    blocks = [
        *_texts("Nội dung", entry.text),
        *_texts("Nội dung cụ thể", *(f"– {action}" for action in entry.actions)),
        *_texts("Cơ quan chủ trì theo văn bản", "; ".join(entry.leads) or "văn bản không ghi"),
        *_texts("Cơ quan phối hợp theo văn bản", "; ".join(entry.supports)),
        *_texts("Thời gian theo văn bản", entry.period.raw or "văn bản không ghi"),
    ]
    if follows:
        figures = await load_task_figures(
            turn.connection, [row.id], today=turn.today, workdays=turn.registry.workdays
        )
        blocks.append({"kind": "progress", "text": "", "task": task_context(turn, figures[row.id])})
    names = [
        f"{agency.short} (chờ phân công)" if agency.needs_decision else agency.short
        for agency in agencies
    ]
    heading = f"Đang được giao: {len(names)} cơ quan" if follows else "Cơ quan anh/chị"
    blocks += _texts(heading, "; ".join(names))
    return blocks


async def _duty_blocks(turn: Turn, scope: CallerScope, row: Any) -> list[dict[str, Any]]:
    plan = _plan_file(turn, row)
    entry = next(duty for duty in plan.duties if duty.code == row.code)
    opened = await _opened_texts(turn, row) if row.plan_id in scope.plans else []
    if entry.code == GIVEN_CODE:
        return [*_texts("Nhiệm vụ giao thêm", *opened), *_texts("Nơi nhận kết quả", entry.to)]
    return [
        *_texts("Chế độ báo cáo", f"{entry.clause}: {entry.quote}"),
        *_texts("Cơ quan báo cáo theo văn bản", "; ".join(entry.from_)),
        *_texts("Nơi nhận", entry.to + (f" (qua {entry.via})" if entry.via else "")),
        *_texts("Hạn theo văn bản", entry.deadline.raw if entry.deadline else "văn bản không ghi"),
        *_texts("Đã đề nghị", *opened),
    ]


async def _opened_texts(turn: Turn, row: Any) -> list[str]:
    """Return what was asked for by /mo under a duty, the latest first."""
    opened = await outcomes.list_decisions(
        turn.connection, decisions.OPEN_DUTY, plan_code=row.plan_code, subject=row.code
    )
    return [
        f"– {each.details['words']}: {padded(len(each.details['agencies']))} cơ quan,"
        f" hạn {full_date(date.fromisoformat(each.details['due_on']))}"
        for each in opened
    ]


async def _list_filed(
    turn: Turn, condition: ColumnElement[bool]
) -> list[tuple[VisibleObligation, int]]:
    """Return the obligations whose files the caller may open, the latest filed first, each with their number."""
    counts = await count_evidence(turn.connection, condition)
    visible = await visible_obligations(turn, list(counts))
    return [
        (each, counts[each.id])
        for each in visible.values()
        if may(turn.caller, "evidence", each.subject)
    ]


def _filed_blocks(filed: list[tuple[VisibleObligation, int]], named: str) -> list[dict[str, Any]]:
    if not filed:
        return []
    shown = filed[:_EVIDENCE_LINES]
    return [
        *(
            {"kind": "filed", "text": each.holder, "files": count, "first": number == 0}
            for number, (each, count) in enumerate(shown)
        ),
        {"kind": "opened", "text": named, "more": len(filed) - len(shown)},
    ]


def _evidence_buttons(filed: list[tuple[VisibleObligation, int]]) -> ButtonRows:
    buttons: ButtonRows = ()
    for each, count in filed[:_EVIDENCE_BUTTONS]:
        label = "Mở minh chứng"
        if len(filed) > 1:
            label = f"Minh chứng {each.holder}, {each.row.period}"[:60]
        buttons += evidence_button(each.id, count, label)
    return buttons


def _texts(heading: str, *texts: str) -> list[dict[str, Any]]:
    paragraphs = [line for text in texts for line in text.split("\n") if line.strip()]
    if not paragraphs:
        return []
    return [
        {"kind": "heading", "text": heading},
        *({"kind": "text", "text": paragraph} for paragraph in paragraphs),
    ]


def _plan_file(turn: Turn, row: Any) -> PlanFile:
    return turn.registry.plans[row.plan_code]
