"""A start of the real `nhacviec run` on an existing database, and what it holds in memory when it idles.

Ready is when GET /healthz answers 200: the database is there and the account has its owner. Beside it: a
Python that only imports the libraries the service rests on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from benchmarks.places import TOP
from benchmarks.planning import owing_registry
from benchmarks.stub import stub
from benchmarks.table import Row, Sizes
from bot.service.registry import load_and_plan
from data.clock import SystemClock
from data.db.database import Database
from data.db.upgrade import upgrade_schema
from data.registry.registry import Registry
from tests.support.telegram_server import TOKEN

AIM_READY, AIM_MB = 2.0, 130.0
IMPORTS_THERE = 0.4  # seconds that its libraries took, where the aim was set
_IDLE_SECONDS = 8
_LIBRARIES = "import sqlalchemy.ext.asyncio, aiosqlite, telegram, pydantic, jinja2"


async def starting(sizes: Sizes) -> list[Row]:
    """Start the service several times on a database that exists."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, text in owing_registry(sizes.existing).items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        shutil.copytree(TOP / "data" / "calendar", folder / "calendar")
        obligations = await _existing(folder)
        ready, held = [], []
        async with stub(limits=True) as api:
            async with _service(folder, api.url):  # the first one composes the day's morning
                pass
            for _ in range(1 if sizes.quick else 5):
                async with _service(folder, api.url) as (seconds, process):
                    ready.append(seconds)
                    await asyncio.sleep(1 if sizes.quick else _IDLE_SECONDS)
                    held.append(_megabytes(process.pid))
    began = time.perf_counter()
    libraries = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"{_LIBRARIES}; print(flush=True); input()",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert libraries.stdout is not None
    await libraries.stdout.readline()
    bare_seconds, bare_mb = time.perf_counter() - began, _megabytes(libraries.pid)
    await libraries.communicate(b"\n")
    seconds, megabytes = statistics.median(ready), max(held)
    return [
        Row(f"start to ready with {obligations:,} obligations", f"< {AIM_READY:g} s", seconds, "s", seconds < AIM_READY,
            bare_seconds, seconds / bare_seconds, "its libraries imported, s", AIM_READY / IMPORTS_THERE),
        Row("resident memory when idle", f"< {AIM_MB:.0f} MB", megabytes, "MB", megabytes < AIM_MB, bare_mb,
            megabytes / bare_mb, "its libraries imported, MB"),
    ]  # fmt: skip


async def _existing(folder: Path) -> int:
    database = Database(f"sqlite+aiosqlite:///{folder}/service.db", checkpoints=True)
    await upgrade_schema(database)
    registry = Registry.from_folder(folder)
    async with database.write() as connection:
        await load_and_plan(connection, registry, now=await SystemClock().now())
        counted = await connection.exec_driver_sql("SELECT count(*) FROM obligation")
        (obligations,) = counted.one()
    await database.dispose()
    return int(obligations)


@contextlib.asynccontextmanager
async def _service(
    folder: Path, api_url: str
) -> AsyncIterator[tuple[float, asyncio.subprocess.Process]]:
    """Start the service; yields how many seconds it took to be ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    set_ = {
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/service.db",
        "TELEGRAM_TOKEN": TOKEN,
        "TELEGRAM_BASE_URL": api_url,
        "REGISTRY_DIR": str(folder),
        "WEB_PORT": str(port),
    }
    environment = {**os.environ, **{f"NHACVIEC_{key}": value for key, value in set_.items()}}
    environment["PYTHONPATH"] = str(TOP)
    began = time.perf_counter()
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", cwd=folder, env=environment, stderr=log
        )
    try:
        async with httpx.AsyncClient() as client, asyncio.timeout(120):
            while not await _is_ready(client, port):
                assert process.returncode is None, (folder / "log").read_text()
                await asyncio.sleep(0.01)
        yield time.perf_counter() - began, process
    finally:
        process.terminate()
        await process.wait()


async def _is_ready(client: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
    except httpx.TransportError:
        return False


def _megabytes(process_id: int) -> float:
    pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
