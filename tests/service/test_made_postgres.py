"""On a real PostgreSQL: a week and a report made once by three; an export beside one of a file."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import docx
import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from data import files as data_files
from data.clock import SteppedClock
from data.db.database import Database
from data.exports.page import ExportScope
from data.exports.record_pages import EXPORT_PAGES, write_pages
from data.exports.writers import JsonSink, WorkbookSink
from data.models import Download, Message, ReportRequest, WeekFacts
from jobs.digests.week_charts import draw_digest
from jobs.morning.run import run_mornings
from jobs.reports.requests import ReportWorker
from tests.digests.test_digest import MONDAY, Office, one
from tests.sheets.test_status_import import Office as SheetOffice
from tests.support.conversations import WITH_BUTTONS, Seat, Talk, small_registry
from tests.support.loaded_province import counted, morning_of
from tests.targets.test_targets import measured

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
WEEK = date(2026, 11, 9)


# ------------------------------------------------------------------ a week, a report


async def test_a_week_is_made_once_by_three_processes_and_drawn_again_the_same(
    postgres: Database,
) -> None:
    office = await Office(postgres).begin()
    office.capabilities = replace(WITH_BUTTONS, max_caption=1024)
    capabilities, now = {1: office.capabilities}, morning_of(MONDAY)
    processes = [Database(str(postgres.url)) for _ in range(3)]
    try:
        results = await asyncio.gather(
            *(
                run_mornings(
                    each, office.registry, now=now, capabilities=capabilities, draw=draw_digest
                )
                for each in processes
            )
        )
    finally:
        for each in processes:
            await each.dispose()
    assert sorted(len(result.provinces) for result in results) == [0, 0, 1]
    assert sorted(result.messages for result in results) == [0, 0, 4]
    assert sorted(result.weekly for result in results) == [0, 0, 2]
    assert [result.failed for result in results] == [[]] * 3
    assert await counted(postgres, Download) == 2
    kept = await office.kept()
    assert await counted(postgres, WeekFacts) == len(kept)
    sent = {key: await one(office, *key) for key in office.chats}
    for agency in ("stc", "sxd"):
        await office.said(await office.owed(agency, "BC.1"), "completed", date(2026, 11, 17))
    await office.week(date(2026, 11, 23))
    assert await office.kept() == kept
    for key in office.chats:
        assert (await office.digests(*key))[0] == sent[key]


async def test_a_report_asked_for_is_made_once_by_three_and_both_forms_open(
    postgres: Database,
) -> None:
    talk = await Talk(postgres, small_registry(), NOW).begin(
        Seat("7", "dong", "stc"), Seat("8", "dong", "skhcn", "coordinator")
    )
    await talk.say("7", "/viec")
    await talk.say("7", "2 đang làm 40%")
    for words in ("10", "10 excel"):
        await talk.say("8", f"/baocao {words}")
    processes = [Database(str(postgres.url)) for _ in range(3)]
    try:
        jobs = [ReportWorker(each, small_registry, SteppedClock(NOW)) for each in processes]
        assert sum(await asyncio.gather(*(job.step() for job in jobs))) == 2
    finally:
        for each in processes:
            await each.dispose()
    done = (ReportRequest.state == "done", ReportRequest.attempts == 1)
    assert await counted(postgres, ReportRequest, *done) == 2
    assert await counted(postgres, Message, Message.template == "report_ready") == 2
    async with postgres.read() as connection:
        rows = await connection.execute(select(Download.name, Download.content))
        files: dict[str, bytes] = {row.name: row.content for row in rows}
    assert len(files) == 3  # with the notes of the document
    word = docx.Document(io.BytesIO(files["bao-cao-dong-10-2026-2026.docx"]))
    assert any("10/KH-UBND" in paragraph.text for paragraph in word.paragraphs)
    page = load_workbook(io.BytesIO(files["bao-cao-dong-10-2026-2026.xlsx"]))["Theo cơ quan"]
    heading, *lines = page.iter_rows(values_only=True)
    percents = [row[heading.index("Tỷ lệ (%)")] for row in lines]
    assert sorted(each for each in percents if each is not None) == [40]
    later = NOW + data_files.FILE_RETENTION
    async with postgres.write() as connection:
        assert (
            await data_files.delete_expired_files(connection, now=later - timedelta(seconds=1)) == 0
        )
        assert await data_files.delete_expired_files(connection, now=later) == 3


# ------------------------------------------------------------------ files out and in


async def test_every_page_of_an_export_is_the_same_on_both(
    postgres: Database, database: Database, tmp_path: Path
) -> None:
    found = []
    for each in (postgres, database):
        talk = await Talk(each, measured(), NOW).begin(
            Seat("7", "dong", "stc"), Seat("8", "dong", "skhcn", "coordinator")
        )
        await talk.say("7", "/viec")
        await talk.say("7", "BC.1 xin gia hạn đến 20/11/2026 vì chờ số liệu")
        (request,) = await talk.say("8", "/giahan")
        await talk.press(request, "Đồng ý")
        await talk.say("7", "2 vướng kinh phí")
        await talk.say("7", "CT.1 82%")
        office = await SheetOffice(talk, tmp_path / "s.xlsx").get(agency="stc")
        office.fill("stc", "1", "đang làm", percent=30)
        assert len(await office.bring_back()) == 1
        assert await office.changes() == []
        async with each.read() as connection:
            path = tmp_path / "all.json"
            counts = await write_pages(
                ExportScope(connection, talk.registry), JsonSink(path, {"at": NOW}, lines=False)
            )
            book = tmp_path / "all.xlsx"
            assert counts == await write_pages(
                ExportScope(connection, talk.registry), WorkbookSink(book)
            )
        pages = json.loads(path.read_text(encoding="utf-8"))
        assert len(load_workbook(book).sheetnames) == len(pages) - 1 == len(EXPORT_PAGES)
        found.append(pages)
    assert {key for key, rows in found[0].items() if rows} >= {"replies", "targets"}
    for key, rows in found[0].items():
        assert rows == found[1][key], key
