"""Databases for tests, files or on a server: made empty or like another, kept as they are, copied.

A copy costs some milliseconds, whatever it took to make what is copied. Nothing here is for the service:
what stands at a target goes, and who is connected to it is cut off.
"""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy import select
from sqlalchemy.engine import URL, make_url

from data.db.database import Database
from data.models import Plan

_MEMORY = Path("/dev/shm")
_ROOM = 2 << 30  # bytes free there before it is used: in some containers it holds 64 MB
_NUMBERS = count(1)
_SCENES: dict[tuple[str, bool], tuple[URL, Any]] = {}
T = TypeVar("T")


def memory() -> Path | None:
    """Return a folder in memory where there is one with room: tests do not outlive a lost machine."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
        return _MEMORY
    return None


@cache  # made when it is needed: a process that only imports this may be one that a test kills
def _kept() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="nhacviec-kept-", dir=memory())
    atexit.register(folder.cleanup)
    return Path(folder.name)


def make(url: URL, *, like: URL | None = None) -> None:
    """Make a database, empty or like another of its kind; nobody may be connected to that one."""
    if url.get_backend_name() != "sqlite":
        _make_on_server(url, like)
        return
    path = Path(str(url.database))
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    if like is not None:
        shutil.copy(str(like.database), path)


async def keep(database: Database) -> URL:
    """Keep a database as it now is, until the run ends; returns where."""
    if database.is_sqlite:
        kept = database.url.set(database=str(_kept() / f"{next(_NUMBERS)}.db"))
        _copy_file(database.url, kept)
        return kept
    kept = database.url.set(database=f"kept_{next(_NUMBERS)}")
    await database.dispose()
    _make_on_server(kept, database.url)
    return kept


async def become(database: Database, kept: URL) -> None:
    """Let a database become what was kept, whatever it holds."""
    if database.is_sqlite:
        _copy_file(kept, database.url)
        return
    await database.dispose()
    _make_on_server(database.url, kept)


async def made_once(database: Database, scene: str, make: Callable[[], Awaitable[T]]) -> T:
    """Do to a database what `make` does; where that was done before in this run, by a copy.

    Returns what `make` returned. Before, the database must be the same each time.
    """
    key = (scene, database.is_sqlite)
    if key in _SCENES:
        kept, made = _SCENES[key]
        await become(database, kept)
    else:
        made = await make()
        _SCENES[key] = (await keep(database), made)
    return made


async def is_empty(database: Database) -> bool:
    """Tell whether no plan was loaded."""
    async with database.read() as connection:
        return (await connection.execute(select(Plan.id).limit(1))).first() is None


def _copy_file(source: URL, target: URL) -> None:
    with (
        closing(sqlite3.connect(str(source.database))) as old,
        closing(sqlite3.connect(str(target.database))) as new,
    ):
        old.backup(new)


# ------------------------------------------------------------------ on a server


def on_server(server: Any, name: str) -> URL:
    """Return the address of a database on a server, as the service takes it."""
    return make_url(server.get_uri(name)).set(drivername="postgresql+psycopg")


def prepare(server: Any) -> None:
    """Let a server of tests forgo what makes good for a lost machine alone."""
    url = on_server(server, "postgres")
    for what in ("fsync", "synchronous_commit", "full_page_writes"):
        _beside(url).execute(f"ALTER SYSTEM SET {what} = off".encode())
    # Not the zone of anybody's instants, so that what leans on the server's zone is found out.
    _beside(url).execute("ALTER SYSTEM SET timezone = 'Asia/Ho_Chi_Minh'")
    _beside(url).execute("SELECT pg_reload_conf()")


def _make_on_server(url: URL, like: URL | None) -> None:
    template = like.database if like is not None else "template1"
    admin = _beside(url)
    # The server looks for who is connected once in 100 ms; who has just left is gone long before.
    for _ in range(1000):
        busy = "SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname IN (%s, %s)"
        if admin.execute(busy, (url.database, template)).fetchone() is None:
            break
        time.sleep(0.001)
    admin.execute(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)'.encode())
    admin.execute(
        f'CREATE DATABASE "{url.database}" TEMPLATE "{template}" STRATEGY FILE_COPY'.encode()
    )


@cache
def _beside(url: URL) -> psycopg.Connection[Any]:
    """Return this process's connection to the server of a database, beside that database."""
    return _connected(url.set(drivername="postgresql", database="postgres"))


@cache
def _connected(url: URL) -> psycopg.Connection[Any]:
    connection = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
    atexit.register(connection.close)
    return connection
