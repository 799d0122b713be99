"""Compare a filled-in status sheet with the database; bot/cli/import_status.py records the changes.

Guarantees:
- All faults are listed at once, each by row and column.
- A row that repeats the database's state is no change.
- A row whose obligation changed after the export is a conflict, recorded only when confirmed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.clock import ZONE
from data.db.statements import chunks
from data.models import Obligation, StatusReply
from data.progress.replies import ReplyKind
from data.registry.titles import period_name
from data.sheets.labels import REPLY_LABELS, STATE_LABELS
from data.sheets.row_keys import is_row_key, state_fingerprint
from data.sheets.status_reader import FilledStatusRow, SheetFaults
from data.sheets.status_sheet import (
    REPLY_KIND_BY_LABEL,
    current_reply_kind,
    describe_standing,
    fixed_cells,
    select_sheet_obligations,
)
from data.sheets.workbook import ImportRefused

_PERIOD = re.compile(r"([0-9]{4})(?:-H([12])|-Q([1-4])|-M?(0[1-9]|1[0-2]))?")
_ORIGIN = re.compile(r"\s*\(theo bảng xuất ([\d:/ ]{19}), .+ nhập\)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One row that changes an obligation; conflict: the obligation changed after the export.

    note: as filled in; note_with_origin() adds where it came from.
    """

    row: int
    obligation_id: int
    agency: str
    code: str
    period: str
    said: ReplyKind
    percent: int | None
    document: str | None
    document_on: date | None
    note: str | None
    before: str
    after: str
    conflict: bool
    made_at: datetime


def note_with_origin(change: StatusChange, by: str) -> str:
    """Return the note to store: as filled in, the sheet it came from, and who imported it."""
    return f"{change.note or ''} (theo bảng xuất {_stamp(change.made_at)}, {by} nhập)".strip()


def from_sheet_condition() -> ColumnElement[bool]:
    """Return the condition on Obligation that a sheet brought its completion."""
    return (
        select(StatusReply.id)
        .where(
            StatusReply.obligation_id == Obligation.id,
            StatusReply.said == "completed",
            StatusReply.chat_id.is_(None),
            StatusReply.note.like("%(theo bảng xuất %"),
        )
        .correlate(Obligation)
        .exists()
    )


def strip_note_origin(note: str) -> str:
    """Return a note without its origin; any other note as it is."""
    return _ORIGIN.sub("", note)


def _stamp(made_at: datetime) -> str:
    return f"{made_at.astimezone(ZONE):%H:%M:%S %d/%m/%Y}"


async def diff_status(
    connection: AsyncConnection, filled: Sequence[FilledStatusRow], faults: Sequence[str] = ()
) -> list[StatusChange]:
    """Return the changes that the filled-in rows make, in the sheet's order.

    faults: those that read_status_sheet found. Raises ImportRefused with all faults.
    """
    all_faults = SheetFaults(faults)
    changes: list[StatusChange] = []
    for part in chunks(filled):
        ids = [each.key.obligation_id for each in part]
        rows = await connection.execute(select_sheet_obligations().where(Obligation.id.in_(ids)))
        obligations = {row.id: row for row in rows}
        last_replies = await _load_last_replies(connection, ids)
        for each in part:
            key = each.key.obligation_id
            changes += _changes(each, obligations.get(key), last_replies.get(key), all_faults)
    if all_faults:
        raise ImportRefused(sorted(all_faults, key=_row_number))
    return changes


def _row_number(fault: str) -> int:
    """Return the row of a fault; 0 for one of the whole file."""
    number = fault.removeprefix("Dòng ").partition(",")[0]
    return int(number) if number.isdecimal() else 0


def _changes(
    each: FilledStatusRow, row: Any, last: Any, faults: SheetFaults
) -> Iterator[StatusChange]:
    if row is None:
        faults.add(each.row, "key", "cơ sở dữ liệu này không có nhiệm vụ này. Hãy xuất bảng mới.")
        return
    changed = [key for key, words in fixed_cells(row).items() if each.fixed[key] != words]
    for key in changed:
        should = fixed_cells(row)[key]
        faults.add(each.row, key, f"ghi «{each.fixed[key]}», trong cơ sở dữ liệu là «{should}».")
    if not is_row_key(each.key_text, row) and not changed:
        faults.add(each.row, "key", "khoá của dòng này đã bị sửa. Hãy xuất bảng mới.")
    if changed or not is_row_key(each.key_text, row) or _is_known(each, row, last):
        return
    document, document_on = each.document, each.document_on
    if row.state not in ("open", "submitted"):
        faults.add(each.row, "said", f"nhiệm vụ này {STATE_LABELS[row.state]}, không nhận câu trả lời nữa."
                   " Hãy xoá các ô đã điền ở dòng này.")  # fmt: skip
        return
    if row.state == "submitted" and each.said == "blocked":
        faults.add(
            each.row,
            "said",
            "nhiệm vụ này đã báo cáo hoàn thành; muốn báo khó khăn, vướng mắc thì chọn đang thực hiện trước.",
        )
        return
    if row.state == "submitted" and each.said == "completed" and document is None:
        # The reply repeats the completion, for its note; the document stays the same.
        if last is None or last.document_on is None:
            faults.add(
                each.row,
                "document",
                "nhiệm vụ này đã báo cáo hoàn thành; hãy ghi cả số và ngày văn bản.",
            )
            return
        document, document_on = last.document, last.document_on
    begins = _begins_on(row)
    if document_on is not None and begins is not None and document_on < begins:
        faults.add(each.row, "document_on", f"{document_on:%d/%m/%Y} trước {period_name(row.period)}."
                   " Hãy xem lại ngày, hoặc kỳ.")  # fmt: skip
        return
    before = _describe(describe_standing(row), None, *_documents(last), _note(last))
    after = _describe(REPLY_LABELS[each.said], each.percent, document, document_on, each.note)
    yield StatusChange(
        row=each.row,
        obligation_id=row.id,
        agency=row.agency,
        code=row.code,
        period=row.period,
        said=each.said,
        percent=each.percent,
        document=document,
        document_on=document_on,
        note=each.note,
        before=before,
        after=after,
        conflict=state_fingerprint(row) != each.key.fingerprint
        and not _is_from_same_sheet(each, row, last),
        made_at=each.key.made_at,
    )


def _begins_on(row: Any) -> date | None:
    """Return the first day of a report's period; None for a task, and for a period of several years."""
    if row.kind != "report" or row.frequency in ("every_3_years", "every_5_years"):
        return None
    match = _PERIOD.fullmatch(row.period)
    if match is None:
        return None
    year, half, quarter, month = (int(part or 0) for part in match.groups())
    return date(
        year, 6 * (half - 1) + 1 if half else 3 * (quarter - 1) + 1 if quarter else month or 1, 1
    )


def _is_known(each: FilledStatusRow, row: Any, last: Any) -> bool:
    """Tell whether a row repeats the database's state."""
    if current_reply_kind(row) != each.said:
        return False
    percent = row.percent
    if each.said == "blocked" and last is not None:
        percent = last.percent
    values = (
        (each.percent, percent),
        (each.document, last and last.document),
        (each.document_on, last and last.document_on),
        (each.note, _note(last)),
    )
    return all(new is None or new == old for new, old in values)


def _is_from_same_sheet(each: FilledStatusRow, row: Any, last: Any) -> bool:
    """Tell whether the last reply came from this very sheet and was not returned since."""
    origin = _ORIGIN.search(last.note or "") if last is not None else None
    if origin is None or origin[1] != _stamp(each.key.made_at):
        return False
    return row.returned_at is None or row.returned_at < last.said_at


async def _load_last_replies(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, Any]:
    """Return each obligation's last reply about its state that was not undone."""
    undoing = aliased(StatusReply)
    rows = await connection.execute(
        select(StatusReply.__table__)
        .where(
            StatusReply.obligation_id.in_(ids),
            StatusReply.said.in_(list(REPLY_KIND_BY_LABEL.values())),
            ~select(undoing.id).where(undoing.undoes_id == StatusReply.id).exists(),
        )
        .order_by(StatusReply.id)
    )
    return {row.obligation_id: row for row in rows}


def _documents(last: Any) -> tuple[str | None, date | None]:
    return (None, None) if last is None else (last.document, last.document_on)


def _note(last: Any) -> str | None:
    return None if last is None or not last.note else strip_note_origin(last.note) or None


def _describe(
    state: str,
    percent: int | None,
    document: str | None,
    document_on: date | None,
    note: str | None,
) -> str:
    parts = [state if percent is None else f"{state} {percent}%"]
    if document:
        parts.append(document + (f" ngày {document_on:%d/%m/%Y}" if document_on else ""))
    if note:
        parts.append(note)
    return "; ".join(parts)
