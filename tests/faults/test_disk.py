"""A disk that is full, that refuses, that is slow: the service lives on, says so, and loses nothing."""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from bot.channels.local import LocalChannel
from bot.channels.telegram.capabilities import LIMITS
from bot.channels.telegram.channel import TelegramChannel
from bot.config import Settings, list_setting_names
from bot.service.logs import configure_logging
from data.db.database import Database
from data.models import Delivery
from tests.support.failing_disks import Ailment, failing_writes, no_room, read_only, slow_disk
from tests.support.loaded_province import counted
from tests.support.outbox_rows import account, broadcast, chats, sender
from tests.support.small_service import service
from tests.support.telegram_server import TOKEN, BotApi, Limits

CHATS = 300
IN_FLIGHT = 3


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list_setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ailment", "told"),
    [
        (no_room, "Hết chỗ trên đĩa"),
        (read_only, "Cơ sở dữ liệu chỉ đọc"),
        (failing_writes, "Đĩa không ghi hoặc không đọc được"),
    ],
)
async def test_a_disk_that_takes_nothing_more_holds_everything_up_and_loses_nothing(
    folder: Path, migrated: Path, caplog: pytest.LogCaptureFixture, ailment: Ailment, told: str
) -> None:
    file = folder / "nhacviec.db"
    shutil.copy(migrated, file)
    caplog.set_level(logging.WARNING)
    async with service(folder, f"sqlite+aiosqlite:///{file}") as it:
        await it.broadcast(CHATS)
        assert await it.post(1) == 200
        await it.until(lambda: len(it.arrived()) >= CHATS // 10 and it.answers() == 1)
        with ailment(it.app.database):
            health = await it.until_ill(told)
            before = len(it.arrived())
            statuses = [await it.post(2)]
            await asyncio.sleep(1.0)
            statuses.append(await it.post(2))
            beyond = len(it.arrived()) - before
        again = await it.post(2)
        seconds = await it.until(lambda: len(it.arrived()) == CHATS and it.answers() == 2)
        await it.until_recorded()
        await it.until_well()
        copies = it.arrived()
        attempts = await counted(it.app.database, Delivery, Delivery.outcome == "sent")
    print(
        f"{ailment.__name__}: chats {CHATS}, lost {CHATS - len(copies)},"
        f" repeats {sum(copies.values()) - len(copies)}, sent while it lasted {beyond},"
        f" webhook {statuses} then {again}, «{health}»,"
        f" whole again after {seconds:.1f} s"
    )
    assert set(copies.values()) == {1}
    assert attempts == len(it.api.messages)
    assert beyond <= IN_FLIGHT
    assert (statuses, again) == ([500, 500], 200)
    assert told in caplog.text


async def test_a_log_that_takes_nothing_more_holds_up_no_message(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = await account(database, "local", "test")
    await broadcast(database, account_id, await chats(database, account_id, 20))
    with Path("/dev/full").open("w") as full:  # noqa: ASYNC230 - every write there finds no space
        monkeypatch.setattr("sys.stderr", full)
        configure_logging(Settings())
        logging.getLogger("nhacviec").error("this cannot be written")
        counts = await sender(database, {account_id: LocalChannel()}).run_until_idle()
        with pytest.raises(OSError, match="No space left on device"):
            full.flush()
        monkeypatch.undo()
        with suppress(OSError):
            full.close()
    assert counts == {"sent": 20}


async def paced(folder: Path, migrated: Path, *, commit: float) -> tuple[float, int]:
    """Send a broadcast as Telegram allows, commits taking so long; returns messages a second, and 429."""
    count = 116
    file = folder / f"{commit}.db"
    shutil.copy(migrated, file)
    database = Database(f"sqlite+aiosqlite:///{file}")
    slow_disk(database, commit)
    account_id = await account(database)
    await broadcast(database, account_id, await chats(database, account_id, count))
    async with BotApi(limits=Limits()) as api:
        channel = TelegramChannel(TOKEN, base_url=api.url, limits=LIMITS)
        await channel.open()
        api.misbehave("late", seconds=0.06, times=count)  # as far away as Telegram's servers are
        counts = await sender(database, {account_id: channel}).run_until_idle()
        await channel.close()
    await database.dispose()
    assert counts == {"sent": count}
    return (count - 1) / (api.messages[-1].at - api.messages[0].at), api.breaches


@pytest.mark.slow
async def test_with_five_milliseconds_a_commit_the_pace_of_telegram_is_still_kept(
    folder: Path, migrated: Path
) -> None:
    # Side by side, so that a busy machine holds up both.
    (slow, breaches), (quick, _) = await asyncio.gather(
        paced(folder, migrated, commit=0.005), paced(folder, migrated, commit=0.0)
    )
    print(f"a second: {slow:.1f} with 5 ms a commit, {quick:.1f} without; 429: {breaches}")
    assert breaches == 0
    assert slow >= min(28.0, 0.85 * quick)
