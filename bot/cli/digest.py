"""`nhacviec digest`: a past week's digest as it was, or this week's as it would be.

Promises that nothing is sent or kept, and that a past digest is drawn from what was kept of its week alone,
whatever was answered since.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.arguments import find_agency, find_province
from bot.cli.database import open_for_reading
from bot.cli.output import CommandFailed, print_json
from bot.config import TEMPLATES, Settings, load_settings
from data.accounts.usage import list_account_usage
from data.clock import SystemClock, civil_date
from data.digests import kept_weeks
from data.digests.kept_weeks import ScopeFacts, ScopeKey, monday_of
from data.loading.load import read_registry
from data.registry.province import Province
from jobs.digests.letters import ANY_CHANNEL, redraw_pages
from jobs.digests.run import compose_digest
from jobs.rendering.renderer import Renderer

_SCREEN = replace(ANY_CHANNEL, markup="plain", max_text=1_000_000)


def digest(
    province: str, *, week: date | None, agency: str | None, leader: bool, as_json: bool
) -> None:
    """Print the digests of a week, or those of one agency or of the leaders."""
    if agency is not None and leader:
        raise CommandFailed("Hãy chọn một: --agency hoặc --leader.")
    found = asyncio.run(_digests(load_settings(), province, week, agency, leader))
    if as_json:
        print_json(found)
        return
    for letter in found["letters"]:
        chats = letter["chats"]
        to = "" if chats is None else f" ({chats} chat)" if chats else " (chưa có chat nào)"
        print(f"── {letter['to']}{to} ──\n{letter['text']}\n")


async def _digests(
    settings: Settings, province: str, week: date | None, agency: str | None, leader: bool
) -> dict[str, Any]:
    today = civil_date(await SystemClock().now())
    async with open_for_reading(settings) as database, database.read() as connection:
        registry = await read_registry(connection)
        if registry is None:
            raise CommandFailed("Chưa nạp kế hoạch nào. Hãy chạy «nhacviec plan load».")
        home = find_province(registry, province)
        week_on = monday_of(week or today)
        chats: Counter[tuple[ScopeKey, ...]] | None = None
        if week is None:
            composed = await compose_digest(
                connection,
                registry,
                home.code,
                now=await SystemClock().now(),
                renderer=Renderer(TEMPLATES),
                capabilities=await _channels(connection, settings, today),
            )
            facts = composed.facts
            chats = Counter(tuple(letter.keys) for letter in composed.letters)
        else:
            facts = await kept_weeks.load_week_facts(connection, home.code, week_on)
            if not facts:
                raise CommandFailed(
                    f"Không có bản tin nào của {home.name} trong tuần từ {week_on:%d/%m/%Y}."
                )
    wanted = _wanted(home, facts, chats, agency, leader, on=week_on)
    if not wanted:
        whom = "lãnh đạo" if leader else f"«{agency}»" if agency else home.name
        raise CommandFailed(
            f"Tuần từ {week_on:%d/%m/%Y} không có gì để báo {whom}. Hãy xem «nhacviec status»."
        )
    renderer = Renderer(TEMPLATES)
    return {
        "province": home.code,
        "week_on": week_on,
        "letters": [
            {
                "to": "Lãnh đạo" if keys[0][0] == "province" else facts[keys[0]]["name"],
                "chats": None if chats is None else chats[keys],
                "text": "\n\n".join(
                    redraw_pages(
                        renderer, [facts[key] for key in keys], week_on=week_on, channel=_SCREEN
                    )
                ),
                "facts": [facts[key] for key in keys],
            }
            for keys in wanted
        ],
    }


def _wanted(
    home: Province,
    facts: Mapping[ScopeKey, ScopeFacts],
    chats: Counter[tuple[ScopeKey, ...]] | None,
    agency: str | None,
    leader: bool,
    *,
    on: date,
) -> list[tuple[ScopeKey, ...]]:
    """Return of which facts each letter to be shown is made."""
    said = [key for key, each in facts.items() if key[0] != "plan" and each["lines"]]
    if leader:
        return [(key,) for key in said if key[0] == "province"]
    if agency is not None:
        code = find_agency(home, agency, on=on).code
        return _of(code, said)
    if chats:  # as they would be sent; where nobody is enrolled yet, what there would be to send
        return list(chats)
    codes = dict.fromkeys(code for _, code in said if code)
    above: list[tuple[ScopeKey, ...]] = [(key,) for key in said if key[0] == "province"]
    return [*above, *(letter for code in codes for letter in _of(code, said))]


def _of(code: str, said: Sequence[ScopeKey]) -> list[tuple[ScopeKey, ...]]:
    """Return the one letter of an agency: to who coordinates, its own part stands behind."""
    keys = [key for key in (("coordinator", code), ("agency", code)) if key in said]
    return [tuple(keys)] if keys else []


async def _channels(connection: AsyncConnection, settings: Settings, today: date) -> dict[int, Any]:
    from bot.service.accounts import capabilities_for_kind  # a messenger's library takes its time

    known = {
        use.account_id: capabilities_for_kind(settings, use.channel)
        for use in await list_account_usage(connection, today=today)
    }
    return {key: capabilities for key, capabilities in known.items() if capabilities is not None}
