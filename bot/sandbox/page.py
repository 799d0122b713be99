"""The sandbox page: a messenger in the browser, made on the server, with a little script on top.

Promises that every action is a plain form or link, so that the page works without the script; that
texts reach it only as view.py gives them; and that it changes nothing but through the sandbox's own
doors: say, press, step.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.config import TEMPLATES
from bot.sandbox.chats import NoSuchButton
from bot.sandbox.file import LocalChat
from bot.sandbox.guard import HEADERS, Guard
from bot.sandbox.text import wall_time
from bot.sandbox.view import (
    Where,
    badge,
    bubbles,
    counts,
    initials,
    last_time,
    last_words,
    number_in,
    zalo_bubbles,
)
from bot.sandbox.world import Sandbox
from bot.web import Headers, TooLarge, read_body
from data.clock import civil_date
from data.database import DatabaseUnusable
from data.folding import fold
from jobs.messages import long_date

_FOLDER = TEMPLATES / "page"
_MOST_TYPED = 4000
_MOST_BODY = 64 * 1024
_CHIPS = {"/viec": "việc", "/status": "tình hình", "/help": "trợ giúp"}
_ROLE_WORDS = {"coordinator": "theo dõi", "leader": "lãnh đạo", "focal": ""}
_SUBTITLES = {
    "coordinator": "Cơ quan theo dõi kế hoạch",
    "leader": "Lãnh đạo, xem toàn tỉnh",
    "focal": "Đầu mối của cơ quan",
}

Row = dict[str, object]


def make_page(sandbox: Sandbox, *, port: int, token: str) -> Starlette:
    """Return the page's web application, guarded as DESIGN §9 asks."""
    page = Page(sandbox)
    return Starlette(
        routes=[
            Route("/", page.show, methods=["GET"]),
            Route("/say", page.say, methods=["POST"]),
            Route("/press", page.press, methods=["POST"]),
            Route("/step", page.step, methods=["POST"]),
            *(_static(name) for name in ("page.css", "page.js")),
        ],
        middleware=[
            Middleware(Headers, headers=HEADERS),
            Middleware(Guard, port=port, token=token, refuse=page.refusal),
        ],
        exception_handlers={DatabaseUnusable: page.failed},
    )


def _static(name: str) -> Route:
    async def get(_request: Request) -> Response:
        return FileResponse(_FOLDER / name)

    return Route(f"/{name}", get, methods=["GET"])


class Page:
    """The routes over one sandbox, and how much of each chat has been looked at."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._seen: dict[int, int] = {}
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def refusal(self, reason: str) -> str:
        """Return the page that says why a request is refused."""
        return self._templates.get_template("page/refused.html.j2").render(reason=reason)

    async def failed(self, _request: Request, error: Exception) -> Response:
        """Answer where the database cannot be used: its own sentence says what to do."""
        return HTMLResponse(self.refusal(str(error)), status_code=500)

    # ---------------------------------------------------------------- routes

    async def show(self, request: Request) -> Response:
        """Show the page at the place its address names."""
        where = Where.of(request.url.query)
        chat = self._sandbox.chats.get(where.chat_id or 0)
        seen = 0
        if chat is not None:
            seen = self._seen.get(chat.id, 0)
            self._seen[chat.id] = len(self._sandbox.lines(chat))
        return HTMLResponse(await self._html(where, chat, seen))

    async def say(self, request: Request) -> Response:
        """Take what was typed in a chat."""
        form = await _form(request)
        chat = self._chat_of(form)
        text = form.get("text", "").strip()
        if len(text) > _MOST_TYPED:
            reason = f"Tin dài quá {_MOST_TYPED} ký tự. Hãy viết ngắn hơn."
            return HTMLResponse(self.refusal(reason), status_code=400)
        if chat is not None and text:
            await self._sandbox.say(chat, text)
        return _back(form)

    async def press(self, request: Request) -> Response:
        """Take a button that was tapped; one that is no longer there changes nothing."""
        form = await _form(request)
        chat = self._chat_of(form)
        if chat is not None:
            with suppress(
                NoSuchButton
            ):  # the message has changed: the page that comes back shows it
                await self._sandbox.press(chat, form.get("message", ""), form.get("action", ""))
        return _back(form)

    async def step(self, request: Request) -> Response:
        """Move the sandbox's clock on."""
        form = await _form(request)
        if form.get("to") == "reminders":
            await self._sandbox.to_next_reminders()
        elif form.get("to") == "workday":
            await self._sandbox.to_next_workday()
        return _back(form)

    def _chat_of(self, form: dict[str, str]) -> LocalChat | None:
        return self._sandbox.chats.get(number_in(form.get("chat", "")) or 0)

    # ---------------------------------------------------------------- what is shown

    async def _html(self, where: Where, chosen: LocalChat | None, seen: int) -> str:
        sandbox = self._sandbox
        now = await sandbox.clock.now()
        today = civil_date(now)
        province = chosen.province if chosen else self._province(where.province)
        here = Where(province, chosen.id if chosen else None, where.zalo, where.words)
        theirs = [chat for chat in sandbox.chats.values() if chat.province == province]
        # On a wide screen some chat stands beside the list even before one is chosen.
        chat = chosen or self._best(theirs)
        lines = sandbox.lines(chat) if chat else []
        beside = Where(province, chat.id if chat else None, where.zalo)
        return self._templates.get_template("page/page.html.j2").render(
            here=here.query(),
            chat_here=beside.query(),
            now_iso=now.isoformat(),
            now_words=f"{long_date(today)} {wall_time(now)}",
            counts=counts(sandbox.morning, sandbox.total),
            provinces=self._provinces(here),
            province_code=province,
            words=where.words,
            groups=self._groups(theirs, here, chat, today),
            chosen=chosen is not None,
            chat=chat and self._head(chat),
            zalo=where.zalo,
            list_href=here.href(chat=None),
            switch_href=beside.href(xem=None if where.zalo else "zalo"),
            lines=zalo_bubbles(lines, seen=seen) if where.zalo else bubbles(lines, seen=seen),
            chips=_CHIPS,
        )

    def _province(self, wanted: str | None) -> str | None:
        """Return the province to show: the one wanted, else the one with most messages."""
        waiting = {code: 0 for code, _name in self._sandbox.provinces}
        if wanted in waiting:
            return wanted
        for chat in self._sandbox.chats.values():
            waiting[chat.province] += len(self._sandbox.lines(chat))
        return max(waiting, key=lambda code: waiting[code], default=None)

    def _best(self, chats: list[LocalChat]) -> LocalChat | None:
        """Return the chat worth seeing first: a coordinator's with messages, else one with messages."""
        return max(
            chats,
            key=lambda chat: (bool(self._sandbox.lines(chat)), chat.role == "coordinator"),
            default=None,
        )

    def _unread(self, chat: LocalChat) -> int:
        fresh = self._sandbox.lines(chat)[self._seen.get(chat.id, 0) :]
        return sum(1 for line in fresh if line.sent is not None)

    def _provinces(self, here: Where) -> list[Row]:
        unread = {code: 0 for code, _name in self._sandbox.provinces}
        for chat in self._sandbox.chats.values():
            unread[chat.province] += self._unread(chat)
        return [
            {
                "name": name,
                "href": here.href(tinh=code, chat=None),
                "chosen": code == here.province,
                "unread": badge(unread[code]),
            }
            for code, name in self._sandbox.provinces
        ]

    def _groups(
        self, chats: list[LocalChat], here: Where, shown: LocalChat | None, today: date
    ) -> list[Row]:
        wanted = fold(here.words).split()
        above: list[Row] = []
        told: list[Row] = []
        silent: list[Row] = []
        for chat in chats:
            if not all(word in chat.folded for word in wanted):
                continue
            row = self._row(chat, here, chat == shown, today)
            (above if chat.role != "focal" else told if row["last"] else silent).append(row)
        titled = (
            ("Theo dõi và lãnh đạo", above),
            ("Cơ quan có tin", told),
            ("Cơ quan chưa có tin", silent),
        )
        return [{"title": title, "rows": rows} for title, rows in titled if rows]

    def _row(self, chat: LocalChat, here: Where, chosen: bool, today: date) -> Row:
        lines = self._sandbox.lines(chat)
        return {
            "name": chat.name,
            "role": chat.role,
            "role_words": _ROLE_WORDS[chat.role],
            "initials": initials(chat.name),
            "folded": chat.folded,
            "href": here.href(chat=chat.id),
            "chosen": chosen,
            "when": last_time(lines, today),
            "last": last_words(lines),
            "unread": badge(self._unread(chat)),
        }

    def _head(self, chat: LocalChat) -> Row:
        return {
            "id": chat.id,
            "name": chat.name,
            "role": chat.role,
            "initials": initials(chat.name),
            "subtitle": f"{_SUBTITLES[chat.role]} · {dict(self._sandbox.provinces)[chat.province]}",
        }


def _back(form: dict[str, str]) -> Response:
    return RedirectResponse(f"{Where.of(form.get('back', '')).href()}#cuoi", status_code=303)


async def _form(request: Request) -> dict[str, str]:
    """Return a posted form's fields; an overlong or unreadable one has none."""
    try:
        body = await read_body(request, most=_MOST_BODY)
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    except (TooLarge, ValueError):
        return {}
