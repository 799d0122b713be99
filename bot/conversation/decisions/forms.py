"""/mau: forms and guidance files of report duties: opened by who owes or follows, attached by who coordinates.

Guarantees:
- Only a coordinator of the plan attaches or removes; who may see the duty may open.
- A file was looked through before (data/untrusted), as evidence is; one that is refused says why.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from bot.conversation.context.access import may
from bot.conversation.context.buttons import ButtonRows
from bot.conversation.context.dialogs import close_open_question, find_open_question, open_question
from bot.conversation.context.lookup import ask_choice, code_choices, look_up_words
from bot.conversation.context.scope import CallerScope, load_scope
from bot.conversation.context.sent_files import keep_sent_files
from bot.conversation.context.turn import Turn, visible_obligation
from data.clock import civil_date
from data.files import store_file
from data.models import ReportDuty
from data.progress import forms
from data.progress.evidence import (
    MAX_EVIDENCE_BYTES,
    load_evidence_content,
)
from data.text import fold
from jobs.channel import Answer, Button

FORM_FILE_QUESTION = "form_file"
_COORDINATOR = frozenset({"coordinator"})
_RETENTION = timedelta(days=1)
_MOST_DUTIES = 15
_CHOSEN = re.compile(r"(?P<which>.+?)\s+(?P<act>mở|mo|gỡ|go)\s+(?P<number>\d{1,2})", re.IGNORECASE)
_CAPTION = re.compile(
    r"^\s*/?(?:biểu\s+|bieu\s+)?(?:mẫu|mau)(?:\s+(?:báo\s+cáo|bao\s+cao))?\b[\s:]*(?P<which>.*)$",
    re.IGNORECASE | re.DOTALL,
)


async def answer_mau(turn: Turn) -> list[Answer]:
    """Answer /mau [PLAN CODE]: open the forms of a report, list them, or (with a file) attach one."""
    scope = await load_scope(turn)
    if not turn.words:
        return [await _list_all(turn, scope)]
    chosen = _CHOSEN.fullmatch(turn.words)
    words = turn.words if chosen is None else chosen["which"]
    lookup = await look_up_words(turn, scope, words)
    if len(lookup.duties) > 1:
        return [ask_choice("mau", words, code_choices(lookup.duties, lookup.visible_plans))]
    if not lookup.duties:
        return [Answer("nothing_found", {"words": words, "command": "mau"})]
    duty = lookup.duties[0]
    if chosen is not None:
        return await _act_on_chosen(turn, duty, fold(chosen["act"]), int(chosen["number"]))
    if not await _coordinates(turn, duty.plan_id):
        return await _send_forms(turn, duty) or [_show(duty, (), manages=False)]
    if turn.incoming.files:
        return [await _attach(turn, duty)]
    await open_question(turn, FORM_FILE_QUESTION, duty=duty.id)
    return [await _manage(turn, duty)]


async def _act_on_chosen(turn: Turn, duty: Any, act: str, number: int) -> list[Answer]:
    """Open or remove the form of a number, as the list of the duty shows them."""
    attached = await forms.list_forms(turn.connection, [duty.id])
    if not 1 <= number <= len(attached):
        return [_show(duty, attached, manages=await _coordinates(turn, duty.plan_id))]
    form_id = attached[number - 1].id
    return await (open_form if act == "mo" else remove_duty_form)(turn, form_id)


async def take_form_file(turn: Turn) -> list[Answer] | None:
    """Attach a file that is sent as a form: its caption says so, or /mau has just asked for it; else None."""
    caption = _CAPTION.match(unicodedata.normalize("NFC", turn.incoming.text))
    scope = await load_scope(turn, _COORDINATOR)
    if not scope.plans:
        return None
    if caption is not None and caption["which"].strip(" ."):
        lookup = await look_up_words(turn, scope, caption["which"].strip(" ."))
        duties = [row for row in lookup.duties if row.plan_id in scope.plans]
        return [await _attach(turn, duties[0])] if len(duties) == 1 else None
    dialog = await find_open_question(turn)
    if dialog is None or dialog.asks != FORM_FILE_QUESTION:
        return None
    if turn.incoming.text and caption is None:
        return None
    duty = await forms.load_form_duty(turn.connection, dialog.details["duty"])
    if duty is None or duty.plan_id not in scope.plans:
        return None
    return [await _attach(turn, duty)]


async def send_obligation_forms(turn: Turn, obligation_id: int) -> list[Answer]:
    """Send the forms of the report that an obligation is an occurrence of."""
    obligation = await visible_obligation(turn, obligation_id)
    if obligation is None or not may(turn.caller, "open", obligation.subject):
        return [Answer("unknown_item")]
    row = obligation.row
    duty = await forms.find_form_duty(turn.connection, row.plan_code, row.code)
    if duty is None or row.duty_id != duty.id:
        return [Answer("unknown_item")]
    return await _send_forms(turn, duty) or [_show(duty, (), manages=False)]


async def send_duty_forms(turn: Turn, plan_code: str, code: str) -> list[Answer]:
    """Return the messages that hand out the forms of a report duty; none where none is attached.

    The caller has checked that who asks may see the duty.
    """
    duty = await forms.find_form_duty(turn.connection, plan_code, code)
    return [] if duty is None else await _send_forms(turn, duty)


async def open_form(turn: Turn, form_id: int) -> list[Answer]:
    """Send one form to who may see its duty."""
    form = await forms.find_form(turn.connection, form_id)
    duty = None if form is None else await _find_visible(turn, form.duty_id)
    if form is None or duty is None:
        return [Answer("unknown_item")]
    return [await _send(turn, duty, form)]


async def remove_duty_form(turn: Turn, form_id: int) -> list[Answer]:
    """Remove a form from its duty, in the name of the coordinating agency."""
    form = await forms.find_form(turn.connection, form_id)
    duty = None if form is None else await forms.load_form_duty(turn.connection, form.duty_id)
    if form is None or duty is None or not await _coordinates(turn, duty.plan_id):
        return [Answer("unknown_item")]
    by = await _coordinator_name(turn, duty.plan_id)
    await forms.remove_form(turn.connection, form.id, removed_by=by, now=turn.now)
    return [await _manage(turn, duty, removed=form.name)]


async def _attach(turn: Turn, duty: Any) -> Answer:
    by = await _coordinator_name(turn, duty.plan_id)

    async def keep(name: str, content: bytes) -> dict[str, object]:
        form = await forms.attach_form(
            turn.connection,
            duty_id=duty.id,
            name=name,
            content=content,
            person_id=turn.caller.person_id,
            attached_by=by,
            now=turn.now,
        )
        return {"name": form.name, "replaced": form.replaced}

    kept, refused = await keep_sent_files(turn, keep)
    if kept:
        await close_open_question(turn)
    return await _manage(turn, duty, kept=kept, refused=refused)


async def _manage(turn: Turn, duty: Any, **done: Any) -> Answer:
    """Show the forms of a duty to its coordinator, and what was just done."""
    attached = await forms.list_forms(turn.connection, [duty.id])
    buttons: ButtonRows = tuple(
        (
            Button(f"Mở {form.name}"[:60], f"formfile:{form.id}"),
            Button(f"Gỡ {form.name}"[:60], f"formdrop:{form.id}"),
        )
        for form in attached
    )
    return _show(duty, attached, manages=True, buttons=buttons, **done)


def _show(
    duty: Any, attached: Sequence[Any], *, manages: bool, buttons: ButtonRows = (), **done: Any
) -> Answer:
    context: dict[str, object] = {
        "code": duty.code,
        "title": duty.title,
        "plan_number": duty.plan_number,
        "forms": [_form(form) for form in attached],
        "manages": manages,
        "kept": [],
        "refused": [],
        "removed": "",
        "most": MAX_EVIDENCE_BYTES // (1024 * 1024),
        "most_forms": forms.MOST_FORMS,
        **done,
    }
    return Answer("forms_of_duty", context, buttons)


async def _send_forms(turn: Turn, duty: Any) -> list[Answer]:
    attached = await forms.list_forms(turn.connection, [duty.id])
    return [await _send(turn, duty, form) for form in attached]


async def _send(turn: Turn, duty: Any, form: Any) -> Answer:
    content = await load_evidence_content(turn.connection, form.sha256)
    context: dict[str, object] = {
        "code": duty.code,
        "title": duty.title,
        "plan_number": duty.plan_number,
        **_form(form),
    }
    if content is not None:
        context["attach"] = await store_file(
            turn.connection,
            name=form.name,
            mime=form.mime,
            content=content,
            now=turn.now,
            retention=_RETENTION,
        )
    return Answer("form_file", context)


async def _list_all(turn: Turn, scope: CallerScope) -> Answer:
    """List the forms of all duties that the caller sees."""
    rows = await turn.connection.execute(
        select(ReportDuty.id).where(scope.duties(), ReportDuty.withdrawn_at.is_(None))
    )
    by_duty: dict[int, list[Any]] = {}
    for form in await forms.list_forms(turn.connection, list(rows.scalars())):
        by_duty.setdefault(form.duty_id, []).append(form)
    lines = []
    for duty_id, attached in list(by_duty.items())[:_MOST_DUTIES]:
        duty = await forms.load_form_duty(turn.connection, duty_id)
        if duty is None:
            continue
        lines.append(
            {
                "code": duty.code,
                "title": duty.title,
                "plan_number": duty.plan_number,
                "forms": [form.name for form in attached],
            }
        )
    context: dict[str, object] = {
        "lines": lines,
        "more": max(0, len(by_duty) - _MOST_DUTIES),
        "manages": "coordinator" in turn.caller.roles(),
    }
    return Answer("forms", context)


def _form(form: Any) -> dict[str, Any]:
    return {
        "name": form.name,
        "kilobytes": max(1, form.size // 1024),
        "by": form.attached_by,
        "on": civil_date(form.attached_at).isoformat(),
    }


async def _find_visible(turn: Turn, duty_id: int) -> Any | None:
    """Return a duty that the caller may see."""
    scope = await load_scope(turn)
    seen = await turn.connection.scalar(
        select(ReportDuty.id).where(ReportDuty.id == duty_id, scope.duties())
    )
    return None if seen is None else await forms.load_form_duty(turn.connection, duty_id)


async def _coordinates(turn: Turn, plan_id: int) -> bool:
    """Tell whether the caller coordinates a plan here, and not as a guest of a group."""
    if turn.caller.is_guest:
        return False
    return plan_id in (await load_scope(turn, _COORDINATOR)).plans


async def _coordinator_name(turn: Turn, plan_id: int) -> str:
    plan = (await load_scope(turn, _COORDINATOR)).plans[plan_id]
    return next(
        e.agency
        for e in turn.caller.enrolments
        if e.role == "coordinator" and e.agency_id == plan.coordinator_id
    )
