"""nhacviec confirm: what came by sheet is shown and confirmed; what the coordinating agency owes itself is not."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select

from data.clock import SystemClock, civil_date
from data.db.database import Database
from data.models import Agency, Decision, Obligation, Plan
from data.progress.replies import record_reply
from data.registry.workdays import Workdays
from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal

__all__ = ["loaded", "loaded_file", "terminal"]  # fixtures

SHEET = "Đã gửi báo cáo (theo bảng xuất 08:00:00 01/09/2026, Nguyễn Văn A nhập)"


def bring_in(loaded: Terminal, agency: str, note: str | None) -> int:
    """Let an agency's next open task of plan 131 have been told done; returns its id."""

    async def record() -> int:
        database = Database(loaded.database_url)
        now = await SystemClock().now()
        async with database.write() as connection:
            obligation_id = await connection.scalar(
                select(Obligation.id)
                .join(Plan, Plan.id == Obligation.plan_id)
                .join(Agency, Agency.id == Obligation.agency_id)
                .where(
                    Plan.code == "lang-son-131-2020",
                    Agency.code == agency,
                    Obligation.state == "open",
                )
                .order_by(Obligation.id)
                .limit(1)
            )
            assert obligation_id is not None
            await record_reply(
                connection,
                obligation_id=obligation_id,
                said="completed",
                note=note,
                person_id=None,
                chat_id=None,
                event_id=None,
                now=now,
                today=civil_date(now),
                workdays=Workdays(),
            )
        await database.dispose()
        return obligation_id

    return asyncio.run(record())


def stored(loaded: Terminal, query: Any) -> list[Any]:
    async def read() -> list[Any]:
        database = Database(loaded.database_url)
        async with database.read() as connection:
            rows = list(await connection.execute(query))
        await database.dispose()
        return rows

    return asyncio.run(read())


def test_what_a_sheet_brought_is_shown_and_confirmed_and_nothing_else(loaded: Terminal) -> None:
    brought = bring_in(loaded, "so-tai-chinh", SHEET)
    bring_in(loaded, "so-tai-chinh", "đã xong")
    bring_in(loaded, "so-khcn", SHEET)  # the coordinating agency's own
    assert loaded.json("confirm", "131", "--dry-run") == {"waiting": [brought], "confirmed": 0}
    code, out, err = loaded.type("confirm", "131", "--yes")
    assert (code, err) == (0, "")
    assert "Đã xác nhận hoàn thành 1 nội dung" in out
    confirmed = stored(loaded, select(Obligation.id).where(Obligation.state == "confirmed"))
    assert [row.id for row in confirmed] == [brought]
    (decision,) = stored(loaded, select(Decision.kind, Decision.decided_by))
    assert tuple(decision) == ("confirm", "quản trị")
    _, out, _ = loaded.type("confirm", "131", "--yes")
    assert "Không có kết quả nào nhập từ bảng đang chờ xác nhận." in out


def test_nothing_is_confirmed_without_consent(loaded: Terminal) -> None:
    bring_in(loaded, "so-tai-chinh", SHEET)
    code, out, err = loaded.type("confirm", "131")
    assert code != 0
    assert "Sở Tài chính" in out
    assert "Hãy thêm --yes để xác nhận" in err
    assert stored(loaded, select(Obligation.id).where(Obligation.state == "confirmed")) == []
