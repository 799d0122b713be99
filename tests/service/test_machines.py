"""Several machines on one PostgreSQL: real processes of `nhacviec run`, killed, halted and started again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.channels.telegram.account import SECRET_HEADER, WEBHOOK_PATH
from bot.config import webhook_secret
from data.db.database import Database
from data.models import Account, InboxEvent, Message
from tests.support.machines import Machine, Office, office, until
from tests.support.telegram_server import TOKEN

pytestmark = pytest.mark.slow  # real processes

IN_FLIGHT = 3
TAKEN_OVER_WITHIN = 30.0  # seconds
UNKNOWN = 900_001  # a chat that is enrolled nowhere


async def taken_over(place: Office, since: float, *others: Machine) -> tuple[Machine, float]:
    """Wait until another machine has sent something; returns which, and the seconds it took."""
    owner = await place.owned_by_other_than(*others)
    start = asyncio.get_running_loop().time() - (time.monotonic() - since)
    await until(lambda: place.api.count("sendMessage", by=owner.name, since=start) > 0)
    return owner, time.monotonic() - since


@pytest.mark.parametrize("by", ["poll", "webhook"])
async def test_machines_restarted_one_after_another_lose_and_repeat_nothing(
    postgres: Database, tmp_path: Path, by: str
) -> None:
    more = {"public_url": "http://127.0.0.1:9"} if by == "webhook" else {}
    async with office(postgres, tmp_path, (60, -60, 0), **more) as place:
        await asyncio.gather(*(machine.start() for machine in place.machines))
        await place.owned_by_other_than()
        await place.put(200)
        talking = asyncio.create_task(talk(place, by))
        for machine in place.machines:
            await machine.stop()
            await machine.start()
        said = await talking
        await place.all_is_sent(updates=said)
        taken = Counter(message.chat for message in place.api.messages)
        epoch = await place.epoch()
        print(f"{by}: restarted 3, owners {epoch}, messages {len(taken)}, repeated 0")
        assert set(taken.values()) == {1}
        assert len(taken) == 200 + said
        assert place.api.conflicts == []
        assert epoch >= 2  # the account went from hand to hand
        assert len(place.api.commands) == 1
        assert place.api.count("setMyCommands") <= 3  # by who found none, not at every start
        polls = place.api.count("getUpdates")
        assert polls == 0 if by == "webhook" else polls > 0


async def talk(place: Office, by: str) -> int:
    """Have people write until every machine was started again; returns how many wrote."""
    said = 0
    async with httpx.AsyncClient(timeout=5.0) as client:
        while said < 40 or any(machine.starts < 2 for machine in place.machines):
            said += 1
            update = place.api.update(UNKNOWN + said, f"xin chào {said}")
            if by == "poll":
                place.api.push(update)
            else:
                await deliver(place, client, {"update_id": said, **update})
            await asyncio.sleep(0.2)
    return said


async def deliver(place: Office, client: httpx.AsyncClient, update: dict[str, Any]) -> None:
    """Post an update to one machine after another until one has taken it, as a balancer does."""
    header = {SECRET_HEADER: webhook_secret(TOKEN)}
    for machine in cycle(place.machines):
        with suppress(httpx.HTTPError):
            address = f"http://127.0.0.1:{machine.port}{WEBHOOK_PATH}"
            if (await client.post(address, json=update, headers=header)).status_code == 200:
                return
        await asyncio.sleep(0.02)


async def test_one_of_three_acts_for_an_account_and_the_next_within_30_s_when_it_stalls_or_dies(
    postgres: Database, tmp_path: Path
) -> None:
    async with office(postgres, tmp_path, (60, -60, 0)) as place:
        await asyncio.gather(*(machine.start() for machine in place.machines))
        first = await place.owned_by_other_than()
        await place.put(200)
        api = place.api
        await until(lambda: len(api.messages) >= 20)
        assert await place.epoch() == 1  # clocks two minutes apart, and nobody took it for free
        assert api.conflicts == []

        stalled_at = time.monotonic()
        first.halt()
        second, took = await taken_over(place, stalled_at, first)
        assert took < TAKEN_OVER_WITHIN
        sent_by_first = api.count("sendMessage", by=first.name)
        polled_by_first = api.count("getUpdates", by=first.name)
        first.go_on()
        await first.says("account.taken_over")

        killed_at = time.monotonic()
        second.kill()
        third, took_again = await taken_over(place, killed_at, second)
        assert took_again < TAKEN_OVER_WITHIN
        if third is not first:
            assert api.count("sendMessage", by=first.name) == sent_by_first
            assert api.count("getUpdates", by=first.name) == polled_by_first
        api.push(api.update(UNKNOWN, "xin chào"))
        await place.all_is_sent(updates=1)

        assert await place.epoch() == 3
        assert api.conflicts == [(first.name, second.name)]  # its poll was open when it stalled
        taken = Counter(message.chat for message in api.messages if message.chat != UNKNOWN)
        repeats = sum(taken.values()) - len(taken)
        print(
            f"taken over after {took:.1f} s (stalled) and {took_again:.1f} s (killed),"
            f" lost {200 - len(taken)}, repeated {repeats}"
        )
        assert len(taken) == 200
        assert repeats <= 2 * IN_FLIGHT
        assert len(api.texts(UNKNOWN)) == 1
        assert await place.counted(Account.id > 0) == 1
        assert await place.counted(InboxEvent.id > 0) == 1
        assert await place.counted(Message.state != "sent") == 0
