"""`nhacviec digest`: what a past week's digest told in full, or what this week's would.

Guarantees: nothing is sent or kept; a past digest is drawn from the facts kept of its week alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.capabilities import capabilities_for_kind
from bot.cli.database import open_for_reading, require_registry
from bot.cli.lookup import find_agency, find_province
from bot.cli.options import JsonOption, day_option
from bot.cli.output import SCREEN, CommandFailed, print_json
from bot.cli.tree import examples
from bot.config import TEMPLATES, Settings, load_settings
from data.accounts.usage import list_account_usage
from data.clock import SystemClock, civil_date
from data.digests.kept_weeks import ScopeFacts, ScopeKey, load_week_facts, monday_of
from data.registry.province import Province
from jobs.channel import Capabilities
from jobs.delivery.usage import accounts_in_use
from jobs.digests.compose import compose_digest
from jobs.digests.letters import redraw_part
from jobs.rendering.renderer import Renderer

LetterKeys = tuple[ScopeKey, ...]


@examples(
    "digest gia-lai",
    "digest gia-lai --week 2026-11-16 --agency «Sở Tài chính»",
    "digest gia-lai --week 2026-11-16 --leader --json",
)
def digest(
    province: Annotated[str, typer.Argument(metavar="TỈNH", help="Tỉnh: gia-lai, «Gia Lai».")],
    week: Annotated[
        date | None,
        day_option("--week", "Một ngày trong tuần đã gửi [mặc định: tuần này, nếu gửi bây giờ]."),
    ] = None,
    agency: Annotated[
        str | None,
        typer.Option("--agency", metavar="CƠ_QUAN", help="Chỉ bản tin của một cơ quan."),
    ] = None,
    leader: Annotated[bool, typer.Option("--leader", help="Chỉ bản tin của lãnh đạo.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the digests of a week, or those of one agency or of the leaders."""
    if agency is not None and leader:
        raise CommandFailed("Hãy chọn một: --agency hoặc --leader.")
    digests = asyncio.run(_load_digests(load_settings(), province, week, agency, leader))
    if as_json:
        print_json(digests)
        return
    for letter in digests["letters"]:
        chats = letter["chats"]
        to = "" if chats is None else f" ({chats} chat)" if chats else " (chưa có chat nào)"
        print(f"── {letter['to']}{to} ──\n{letter['text']}\n")


async def _load_digests(
    settings: Settings, province: str, week: date | None, agency: str | None, leader: bool
) -> dict[str, Any]:
    now = await SystemClock().now()
    today = civil_date(now)
    renderer = Renderer(TEMPLATES)
    async with open_for_reading(settings) as database, database.read() as connection:
        registry = await require_registry(connection)
        home = find_province(registry, province)
        week_on = monday_of(week or today)
        chats: Counter[LetterKeys] | None = None
        if week is None:
            capabilities = await _load_capabilities(connection, settings, today)
            accounts = await accounts_in_use(
                connection, lambda use: capabilities.get(use.account_id), today=today
            )
            composed = await compose_digest(
                connection, registry, home.code, now=now, accounts=accounts
            )
            facts = composed.facts
            chats = Counter(tuple(letter.keys) for letter in composed.letters)
        else:
            facts = await load_week_facts(connection, home.code, week_on)
            if not facts:
                raise CommandFailed(
                    f"Không có bản tin nào của {home.name} trong tuần từ {week_on:%d/%m/%Y}."
                )
    letters = _choose_letters(home, facts, chats, agency, leader, on=week_on)
    if not letters:
        whom = "lãnh đạo" if leader else f"«{agency}»" if agency else home.name
        raise CommandFailed(
            f"Tuần từ {week_on:%d/%m/%Y} không có gì để báo {whom}. Hãy xem «nhacviec status»."
        )
    return {
        "province": home.code,
        "week_on": week_on,
        "letters": [
            {
                "to": home.leaders_of() if keys[0][0] == "province" else facts[keys[0]]["name"],
                "chats": None if chats is None else chats[keys],
                "text": redraw_part(
                    renderer, [facts[key] for key in keys], week_on=week_on, channel=SCREEN
                ),
                "facts": [facts[key] for key in keys],
            }
            for keys in letters
        ],
    }


def _choose_letters(
    home: Province,
    facts: Mapping[ScopeKey, ScopeFacts],
    chats: Counter[LetterKeys] | None,
    agency: str | None,
    leader: bool,
    *,
    on: date,
) -> list[LetterKeys]:
    """Return the keys of the facts in each letter to print."""
    filled = [key for key, each in facts.items() if key[0] != "plan" and each["lines"]]
    for_leaders: list[LetterKeys] = [(key,) for key in filled if key[0] == "province"]
    if leader:
        return for_leaders
    if agency is not None:
        return _letters_of(find_agency(home, agency, on=on).code, filled)
    if chats:  # the letters that would be sent; without an enrolled chat, all possible ones
        return list(chats)
    codes = dict.fromkeys(code for _, code in filled if code)
    return [*for_leaders, *(letter for code in codes for letter in _letters_of(code, filled))]


def _letters_of(code: str, filled: Sequence[ScopeKey]) -> list[LetterKeys]:
    """Return an agency's one letter, if any: a coordinator's own part follows what it coordinates."""
    keys = [key for key in (("coordinator", code), ("agency", code)) if key in filled]
    return [tuple(keys)] if keys else []


async def _load_capabilities(
    connection: AsyncConnection, settings: Settings, today: date
) -> dict[int, Capabilities]:
    found: dict[int, Capabilities] = {}
    for usage in await list_account_usage(connection, today=today):
        capabilities = capabilities_for_kind(settings, usage.channel)
        if capabilities is not None:
            found[usage.account_id] = capabilities
    return found
