"""From a message's row to the text, buttons and files of one channel.

Guarantees:
- Values from files and people are escaped.
- No text exceeds the channel's limit.
- The database is only read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from data.files import PNG, StoredFile, load_file
from data.registry.workdays import Workdays
from data.text import strip_invisible, utf16_length
from jobs.channel import Button, Capabilities, OutgoingDocument, OutgoingMessage
from jobs.rendering.buttons import parse_buttons, reminder_buttons, typed_choices
from jobs.rendering.environment import template_environment
from jobs.rendering.items import load_listed_rows
from jobs.rendering.links import Links
from jobs.rendering.markup import fit_text, to_html, to_plain
from jobs.rendering.qr import render_qr
from jobs.rendering.reminder import REMINDER, reminder_context

_REPEATED = "(gửi lại)"
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Content:
    """A message before a channel gives it form.

    file: the stored file that goes with it; context["attach"] is its download id.
    """

    template: str
    context: dict[str, Any]
    buttons: tuple[tuple[Button, ...], ...]
    file: StoredFile | None = None


class Renderer:
    """Renders messages from a folder of templates. links: addresses of files, where there is a web side."""

    def __init__(self, folder: Path, links: Links | None = None) -> None:
        self._links = links
        self._environment = template_environment(folder)

    async def listed(
        self, connection: AsyncConnection, messages: Sequence[Any]
    ) -> dict[int, list[Row[Any]]]:
        """Read the obligations that the reminders among messages list, in one statement; for content()."""
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
        """Return the content of a message's row as of today, or None where nothing is left to say.

        listed: the result of listed() in the same transaction; None: it is read for this message alone.
        """
        if message.template != REMINDER:
            context = dict(message.context)
            file = None
            if "attach" in context:
                file = await load_file(connection, context["attach"])
            return Content(message.template, context, parse_buttons(message.buttons), file)
        if listed is None:
            listed = await self.listed(connection, [message])
        reminder = await reminder_context(connection, message, listed[message.id], today, workdays)
        if reminder is None:
            return None
        buttons = reminder_buttons(
            message.id,
            reminder["items"],
            more=reminder["more"],
            pictured=bool(reminder["week"] and reminder["week"].get("picture")),
        )
        taps = (reminder["week"] or {}).get("taps", ())
        return Content(REMINDER, reminder, (*buttons, *parse_buttons([[tap] for tap in taps])))

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
        """Give the content the form of a channel; plain: words alone, without markup, picture and file.

        repeated marks the text "(gửi lại)". Raises jinja2 errors for a faulty template or context.
        """
        as_html = capabilities.markup == "html" and not plain
        mark = f"{_REPEATED}\n" if repeated else ""
        text = mark + self._text(content, capabilities, as_html, file_sent=content.file is not None)
        fits = edits is None and not plain and utf16_length(text) <= capabilities.max_caption
        picture = _qr_picture(content) if fits else None
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
            elif is_picture and capabilities.pictures_by_link and not plain:
                url = link
            else:
                text = mark + self._text(content, capabilities, as_html, file_link=link)
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

    def _text(
        self,
        content: Content,
        capabilities: Capabilities,
        as_html: bool,
        *,
        file_link: str | None = None,
        file_sent: bool = False,
    ) -> str:
        """Return the message in words; file_sent: its file goes with it, file_link: its address instead."""
        marked = self._environment.get_template(f"{content.template}.j2").render(
            **content.context,
            buttons=capabilities.buttons,
            choices=[]
            if capabilities.buttons
            else [
                each.label
                for each in typed_choices(_answering(content))
                if not each.label.isdecimal()
            ],
            file_link=file_link,
            file_sent=file_sent,
        )
        text = to_html(marked) if as_html else to_plain(marked)
        return _BLANK_LINES.sub("\n\n", strip_invisible(text)).strip()

    def _link(self, file: StoredFile) -> str | None:
        if self._links is None:
            return None
        return self._links.file_url(file.id, file.name, until=file.expires_at)


def _answering(content: Content) -> Sequence[tuple[Button, ...]]:
    """Return the buttons without those of a morning's week, whose commands stand in its lines."""
    if content.template != REMINDER:
        return content.buttons
    return [row for row in content.buttons if not row[0].action.startswith("go:")]


def _qr_picture(content: Content) -> bytes | None:
    """Return the QR picture of a link, where the message holds one."""
    code = content.context.get("qr")
    return render_qr(code["link"], send=code["send"] or None) if code else None
