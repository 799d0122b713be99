"""Rendering: a message's row becomes the text and buttons of one channel.

Promises that a reminder says only what is still true when it is rendered (what was answered since it
was composed is left out; nothing left means nothing is sent), that people's words are escaped, and
that no text exceeds the channel's limit. Never writes to the database.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from data.files import PNG, StoredFile, load_file
from data.registry.workdays import Workdays
from data.rules.ladder import LAST_HELD_RUNG
from data.text import strip_invisible
from jobs.channel import Button, Capabilities, OutgoingDocument, OutgoingMessage
from jobs.rendering.buttons import parse_buttons, reminder_buttons, typed_choices
from jobs.rendering.items import (
    Item,
    build_item,
    count_items,
    line_key,
    load_listed_rows,
    load_obligation_rows,
)
from jobs.rendering.links import Links
from jobs.rendering.qr import render_qr as draw

REMINDER = "reminder"
_WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_REPEATED = "(gửi lại)"
_BLANK_LINES = re.compile(r"\n{3,}")
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says, before a channel gives it form.

    file: what goes with it, where it is still kept; context["attach"] is its download id.
    """

    template: str
    context: dict[str, Any]
    buttons: tuple[tuple[Button, ...], ...]
    file: StoredFile | None = None


class _Environment(Environment):
    """Looks for "item.late" in a dict's keys first: asking for an attribute that is not there costs more."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


@cache
def _environment(folder: Path) -> Environment:
    """Return the templates of a folder, one for all of a process: to compile one takes longer than to send."""
    environment = _Environment(
        loader=FileSystemLoader(folder),
        autoescape=_is_html,  # on for HTML, off for plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # they are part of the program
    )
    environment.filters.update(hoa=upper_first, ngay=long_date, ngay_ngan=short_date)
    return environment


class Renderer:
    """The templates, compiled once. links: makes addresses of files, where there is a web side."""

    def __init__(self, folder: Path, links: Links | None = None) -> None:
        self._links = links
        self._environment = _environment(folder)

    async def listed(
        self, connection: AsyncConnection, messages: Sequence[Any]
    ) -> dict[int, list[Row[Any]]]:
        """Read what the reminders among messages list, all in one look; for content()."""
        reminders = [message.id for message in messages if message.template == REMINDER]
        return await load_listed_rows(connection, reminders)

    async def content(
        self,
        connection: AsyncConnection,
        message: Any,
        *,
        today: date,
        workdays: Workdays,
        listed: Mapping[int, Sequence[Row[Any]]] | None = None,
    ) -> Content | None:
        """Return what a message's row says today, or None where nothing is left to say.

        listed: what listed() read in the same transaction; None: it is read for this message alone.
        """
        if message.template != REMINDER:
            context = dict(message.context)
            file = None
            if "attach" in context:
                file = await load_file(connection, context["attach"])
            return Content(message.template, context, parse_buttons(message.buttons), file)
        if listed is None:
            listed = await self.listed(connection, [message])
        items = _list_open_items(message, listed[message.id], today, workdays)
        silent = await _list_shared_items(connection, message.context["silent"], today, workdays)
        late = message.context.get("escalated", [])  # not in messages of an earlier version
        escalated = await _list_shared_items(connection, late, today, workdays)
        accounts = message.context.get("accounts", [])
        if not items and not silent and not escalated and not accounts:
            return None
        said = [item["coordinator"] for item in (*items, *silent, *escalated)]
        context = {
            "to_leader": False,
            "warning": None,
            "accounts": accounts,
            **message.context,
            "today": today.isoformat(),
            "page": message.page,
            "pages": message.pages,
            "items": items,
            "counts": count_items(items),
            "silent": silent,
            "escalated": escalated,
            "coordinators": list(dict.fromkeys(said)),
        }
        return Content(REMINDER, context, reminder_buttons(message.id, items))

    def render(
        self,
        content: Content,
        capabilities: Capabilities,
        *,
        repeated: bool,
        plain: bool,
        address: str,
        thread: str = "",
        edits: str | None = None,
        reply_to: str | None = None,
    ) -> OutgoingMessage:
        """Give the content the form of a channel; plain asks for text without markup.

        repeated marks the text "(gửi lại)". Raises jinja2 errors for a faulty template or context.
        """
        as_html = capabilities.markup == "html" and not plain
        medium = "html" if as_html else "plain"
        template = self._environment.get_template(f"{content.template}/{medium}.j2")

        def worded(link: str | None, *, sent: bool) -> str:
            text = template.render(
                **content.context,
                file_link=link,
                file_sent=sent,  # it goes with the message itself
                choices=[] if capabilities.buttons else typed_choices(content.buttons),
            )
            text = _BLANK_LINES.sub("\n\n", strip_invisible(text)).strip()
            return f"{_REPEATED}\n{text}" if repeated else text

        text = worded(None, sent=content.file is not None)
        fits = edits is None and not plain and _units(text) <= capabilities.max_caption
        picture = _picture(content) if fits else None
        document, url = None, None
        if content.file is not None and edits is None:
            is_picture = content.file.mime == PNG
            link = self._link(content.file)
            if fits and is_picture:
                picture = content.file.content
            elif fits:
                document = OutgoingDocument(
                    content.file.name, content.file.mime, content.file.content
                )
            elif is_picture and capabilities.pictures_by_link:
                url = link
            else:
                text = worded(link, sent=False)
        return OutgoingMessage(
            address=address,
            thread=thread,
            text=fit_text(text, capabilities.max_text, as_html=as_html),
            buttons=content.buttons if capabilities.buttons else (),
            plain=not as_html,
            edits=edits if capabilities.edits else None,
            reply_to=reply_to,
            picture=picture,
            document=document,
            picture_url=url,
        )

    def _link(self, file: StoredFile) -> str | None:
        if self._links is None:
            return None
        return self._links.file_url(file.id, file.name, until=file.expires_at)


def _picture(content: Content) -> bytes | None:
    """Return the picture of a code, where the message holds one."""
    code = content.context.get("qr")
    return draw(code["link"], send=code["send"] or None) if code else None


def _is_html(name: str | None) -> bool:
    # select_autoescape() would not know "html.j2" for HTML
    return name is None or name.endswith("html.j2")


def fit_text(text: str, limit: int, *, as_html: bool) -> str:
    """Return the text within `limit` UTF-16 units, cut between lines where it is too long.

    Markup that a cut would leave open is dropped with all other markup.
    """
    if _units(text) <= limit:
        return text
    if as_html:
        # A cut may fall inside a tag; the words matter more than their weight.
        text = html.escape(html.unescape(_TAG.sub("", text)), quote=False)
    kept: list[str] = []
    room = limit - 2
    for line in text.split("\n"):
        room -= _units(line) + 1
        if room < 0:
            break
        kept.append(line)
    if not kept:
        kept = [text.encode("utf-16-le")[: 2 * (limit - 2)].decode("utf-16-le", "ignore")]
    return "\n".join(kept).rstrip() + "\n…"


def long_date(day: date | str) -> str:
    """Return a date as officials write it: "thứ Hai 23/11/2026"."""
    value = date.fromisoformat(day) if isinstance(day, str) else day
    return f"{_WEEKDAYS[value.weekday()]} {value.day}/{value.month}/{value.year}"


def short_date(day: date | str) -> str:
    """Return a date's day and month: "23/11"."""
    value = date.fromisoformat(day) if isinstance(day, str) else day
    return f"{value.day}/{value.month}"


def upper_first(text: str) -> str:
    """Return the text with its first letter in upper case and the rest as it is."""
    return text[:1].upper() + text[1:]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _list_open_items(
    message: Any, listed: Sequence[Row[Any]], today: date, workdays: Workdays
) -> list[Item]:
    reader = message.context.get("agency_code", "")
    items: list[Item] = []
    for row in listed:
        held = (
            row.acknowledged_until is not None
            and row.acknowledged_until >= today
            and row.told_rung is not None
            and row.told_rung <= LAST_HELD_RUNG
        )
        if row.state != "open" or held:
            continue
        item = build_item(
            row, number=row.position, today=today, workdays=workdays, for_agency=reader
        )
        item["coordinator"] = row.coordinator_name or ""
        item["rung"] = row.told_rung
        item["undecided"] = row.id in message.context["undecided"]
        items.append(item)
    return items


async def _list_shared_items(
    connection: AsyncConnection, obligation_ids: Sequence[int], today: date, workdays: Workdays
) -> list[Item]:
    """Return one line for each thing that several agencies owe and that is open, with their names."""
    rows = await load_obligation_rows(connection, obligation_ids)
    groups: dict[tuple[Any, ...], Item] = {}
    for row in rows.values():
        if row.state != "open":
            continue
        item = build_item(row, number=0, today=today, workdays=workdays)
        item["coordinator"] = row.coordinator_name or ""
        key = line_key(row, item["due"])
        group = groups.setdefault(key, {**item, "owners": [], "codes": []})
        for told, name in (("owners", row.owner_short), ("codes", row.code)):
            if name not in group[told]:
                group[told].append(name)
    return list(groups.values())
