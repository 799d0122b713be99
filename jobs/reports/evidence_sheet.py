"""The evidence sheet of one agency and month, as a spreadsheet that the office completes.

Guarantees: facts alone; the columns of persons, coefficients and remarks stay empty for the office.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from data.reports.evidence_facts import EvidenceFacts, EvidenceFigures, EvidenceLine
from jobs.rendering.dates import full_date
from jobs.rendering.environment import padded
from jobs.reports.document_names import document_phrase
from jobs.reports.prose import day_text, percent_text, reported_words
from jobs.reports.sheets import ReportColumn, write_workbook

_TITLE = "BẢNG KÊ KẾT QUẢ THỰC HIỆN NHIỆM VỤ THEO CÁC KẾ HOẠCH CỦA UBND TỈNH"
_COLUMNS = (
    ReportColumn("number", "STT", 5),
    ReportColumn("title", "Nhiệm vụ", 30),
    ReportColumn("given_by", "Văn bản giao (số, ngày, mục)", 14),
    ReportColumn("role", "Vai trò", 6),
    ReportColumn("product", "Sản phẩm yêu cầu", 8),
    ReportColumn("quantity", "Số lượng giao", 6),
    ReportColumn("due_on", "Thời hạn ban đầu", 10),
    ReportColumn("extended_to", "Thời hạn điều chỉnh", 10),
    ReportColumn("extension_document", "Văn bản cho phép điều chỉnh", 11),
    ReportColumn("told_done_on", "Ngày báo hoàn thành", 10),
    ReportColumn("result", "Sản phẩm, văn bản kết quả (số, ngày)", 18),
    ReportColumn("confirmation", "Xác nhận của cơ quan theo dõi", 12),
    ReportColumn("progress", "Tiến độ", 11),
    ReportColumn("missed", "Các mốc hạn bị lỡ", 10),
    ReportColumn("returned", "Số lần bị trả lại, yêu cầu bổ sung", 8),
    ReportColumn("explanation", "Giải trình (ngày, tóm tắt)", 15),
    ReportColumn("cause", "Ý kiến về nguyên nhân khách quan", 12),
    ReportColumn("objections", "Khiếu nại số liệu (nếu có)", 12),
    ReportColumn("who", "Người thực hiện", 9),
    ReportColumn("weight", "Hệ số quy đổi", 6),
    ReportColumn("remarks", "Ghi chú", 8),
)
_CAUSES = {"accepted": "chấp nhận", "refused": "không chấp nhận"}


def evidence_xlsx(facts: EvidenceFacts) -> bytes:
    """Return the sheet: title, lines, what changed since the month closed, and counts."""
    out = io.BytesIO()
    above = (
        _TITLE,
        f"Tháng {facts.month.month} năm {facts.month.year} · Cơ quan: {facts.agency}",
    )
    with write_workbook(out) as book:
        name = f"Tháng {facts.month.month}-{facts.month.year}"
        table = book.open_table(name, _COLUMNS, above=above, second_page="confirmation")
        for number, line in enumerate(facts.lines, 1):
            table.write({"number": number, **_row(line)})
        table.close()
        for words in (*_correction_notes(facts), *_foot(facts)):
            table.write_note(words)
    return out.getvalue()


def _row(line: EvidenceLine) -> dict[str, Any]:
    cause = _CAUSES.get(line.cause or "")
    return {
        "title": line.title,
        "given_by": line.given_by,
        "role": "chủ trì",
        "product": "–",
        "quantity": 1,
        "due_on": line.due_on or "không xác định",
        "extended_to": line.extended_to,
        "extension_document": line.extension_document,
        "told_done_on": line.told_done_on,
        "result": _result(line) or None,
        "confirmation": _confirmation(line),
        "progress": progress_words(line),
        "missed": "; ".join(full_date(day) for day in line.missed) or None,
        "returned": line.returned,
        "explanation": f"{day_text(line.explained_on)}: {reported_words(line.explanation)}"
        if line.explanation
        else None,
        "cause": f"{cause} ({line.cause_by})"
        if cause
        else ("chưa có" if line.explanation else None),
        "objections": "; ".join(line.objections) or None,
    }


def _result(line: EvidenceLine) -> str:
    parts = [document_phrase(line.document, line.document_on)] if line.document else []
    parts += [reported_words(line.result)] if line.result else []
    return "; ".join(parts)


def _confirmation(line: EvidenceLine) -> str | None:
    if line.waiting:
        return "chờ xác nhận"
    if line.confirmed_on is None:
        return None
    how = "tự động xác nhận" if line.confirmed_by == "tự động" else "đã xác nhận"
    return f"{how} ngày {day_text(line.confirmed_on)}"


def progress_words(line: EvidenceLine) -> str:
    """Return the state of a line in words, with the working days late."""
    late = f" {padded(line.days_late)} ngày làm việc" if line.days_late else ""
    match line.state:
        case "done_on_time":
            return "đúng hạn"
        case "done_late":
            return f"quá hạn{late}"
        case "open_late":
            return f"đang quá hạn{late}"
    return "không xác định thời hạn" if line.is_undated else "đang trong hạn"


def _correction_notes(facts: EvidenceFacts) -> list[str]:
    notes = [
        f"• {line.title}: {words}." for line in facts.lines for words in line.corrections if words
    ]
    return (
        ["Thay đổi sau khi kết thúc tháng (không tính vào số liệu trên):", *notes] if notes else []
    )


def _foot(facts: EvidenceFacts) -> list[str]:
    counted = EvidenceFigures.of(facts.lines)
    spared = EvidenceFigures.of([line for line in facts.lines if line.cause != "accepted"])
    return [
        (
            f"Được giao trong kỳ: {counted.total}; đến hạn hoặc đã hoàn thành: {counted.due};"
            f" hoàn thành đúng hạn: {counted.done_on_time}; hoàn thành quá hạn: {counted.done_late};"
            f" đang trong hạn hoặc không xác định thời hạn: {counted.in_time};"
            f" đang quá hạn: {counted.overdue}."
        ),
        (
            f"Tỷ lệ hoàn thành trên số đến hạn: {_rate(counted)}; không tính nội dung được chấp nhận có nguyên"
            f" nhân khách quan: {_rate(spared)}."
        ),
        (
            f"Số liệu do Hệ thống Nhắc Việc ghi nhận đến ngày {full_date(facts.as_of)}; không thay cho"
            " đánh giá của cấp có thẩm quyền."
        ),
    ]


def _rate(counted: EvidenceFigures) -> str:
    done: int = counted.done_on_time + counted.done_late
    share = percent_text(done, counted.due)
    return share if share == "–" else f"{share}% ({done}/{counted.due})"


def evidence_file_name(facts: EvidenceFacts, agency_code: str) -> str:
    """Return the name of the sheet's file."""
    return f"minh-chung-{agency_code}-{facts.month:%Y-%m}.xlsx"


def evidence_counts(lines: Sequence[EvidenceLine]) -> dict[str, int]:
    """Return the counts that the chat tells beside the file."""
    counted = EvidenceFigures.of(lines)
    return {
        "total": counted.total,
        "due": counted.due,
        "done_on_time": counted.done_on_time,
        "done_late": counted.done_late,
        "in_time": counted.in_time,
        "overdue": counted.overdue,
        "waiting": sum(line.waiting for line in lines),
        "missed": sum(bool(line.missed) for line in lines),
    }
