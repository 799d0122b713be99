"""Tell what a restore undoes, before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bot.cli.output import format_number, print_table
from data.backup.undone import Holder, Undone
from data.clock import ZONE
from data.sheets.labels import DECISION_LABELS, ROLE_LABELS

_WORDS = {
    "status_reply": "câu trả lời",
    "decision": "quyết định",
    "target_value": "số liệu chỉ tiêu",
    "inbox_event": "tin đến",
    "enrolment": "lượt đăng ký",
    "message": "tin đi",
}


def undone_as_json(undone: Undone) -> dict[str, Any]:
    """Return what is undone for --json; "lost" holds numbers of rows, by table."""
    holders = {"enrolled": undone.enrolled, "removed": undone.removed}
    return {
        "lost": undone.rows,
        "decisions": [asdict(each) for each in undone.decisions],
        **{
            name: [dict(zip(("name", "agency", "role"), each, strict=True)) for each in found]
            for name, found in holders.items()
        },
        "erased": undone.erased,
        "codes": undone.codes,
        "removals_known": undone.is_known,
    }


def print_undone(undone: Undone) -> None:
    """Print what is lost, what ends again, and what nobody can tell."""
    if undone.is_known:
        losses = [
            f"{format_number(count)} {_WORDS[table]}"
            for table, count in undone.rows.items()
            if count
        ]
        print(
            f"Sẽ mất (chỉ còn trong tệp cũ): {', '.join(losses)}."
            if losses
            else "Không có gì mới từ khi sao lưu."
        )
    if undone.decisions:
        print_table(
            "\nQuyết định sẽ mất, cần làm lại:",
            ("Lúc", "Quyết định", "Kế hoạch", "Mã", "Cơ quan quyết định"),
            [
                (
                    None if each.decided_at is None else each.decided_at.astimezone(ZONE),
                    DECISION_LABELS.get(each.kind, each.kind),
                    each.plan_code,
                    each.subject,
                    each.decided_by,
                )
                for each in undone.decisions
            ],
            empty="",
        )
    _print_holders("\nĐăng ký từ khi sao lưu, phải mời lại:", undone.enrolled)
    _print_holders("\nĐã kết thúc vai trò từ khi sao lưu, sẽ vẫn kết thúc:", undone.removed)
    if undone.erased:
        numbers = ", ".join(map(str, undone.erased))
        print(f"\nĐã xoá dữ liệu cá nhân từ khi sao lưu, sẽ xoá lại: người số {numbers}.")
    if undone.codes:
        print(
            f"\n{format_number(undone.codes)} mã đã dùng hoặc đã huỷ từ khi sao lưu: vẫn hết hiệu lực."
        )
    if not undone.is_known:
        print(
            "Không biết hết ai đã kết thúc vai trò hay được xoá dữ liệu từ khi sao lưu: khôi phục xong hãy xem"
            " «nhacviec people list», rồi kết thúc vai trò («people remove») và xoá («people erase») lại."
        )


def _print_holders(title: str, holders: Sequence[Holder]) -> None:
    if holders:
        rows = [(name, agency, ROLE_LABELS.get(role, role)) for name, agency, role in holders]
        print_table(title, ("Tên", "Cơ quan", "Vai trò"), rows, empty="")
