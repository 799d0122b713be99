"""The sandbox page: a messenger in the browser, rendered on the server.

Guarantees:
- Every action is a plain form or link: the page works without its script.
- Texts reach the page only through view.py.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.config import TEMPLATES
from bot.sandbox.chat_list import ChatList, Row
from bot.sandbox.chats import NoSuchButton, meant_on_zalo
from bot.sandbox.forms import MOST_TYPED, MOST_UPLOAD, TOO_BIG, Form, FormRefused, read_form
from bot.sandbox.guard import HEADERS, Guard
from bot.sandbox.markup import wall_time
from bot.sandbox.people import SandboxChat
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.view import PageAddress, format_tallies, parse_id, telegram_bubbles, zalo_bubbles
from bot.web.routes import FixedHeaders, OneLength, without_redirects
from data.clock import civil_date
from data.db.errors import DatabaseUnusable
from data.files import PNG
from jobs.rendering.dates import long_date
from jobs.rendering.environment import template_environment

NO_FILE = "Tin này không có ảnh hay tệp nào, hoặc bản chạy thử đã được dựng lại. Hãy mở lại trang."
_FOLDER = TEMPLATES / "page"
# The page reloads after each tap; its pictures stay in the browser's cache.
_KEPT = {"Cache-Control": "private, max-age=3600"}
# Commands offered to tap, by the part one plays: the typed text and its label.
_TASKS = {"/viec": "nhiệm vụ", "/status": "tình hình"}
_HELP = {"/help": "trợ giúp"}
_STEERING = {
    "/status": "tình hình",
    "/quahan": "quá hạn",
    "/xacnhan": "chờ xác nhận",
    "/giahan": "gia hạn",
    **_HELP,
}
_CHIPS = {
    "coordinator": {"/viec": "nhiệm vụ", **_STEERING},
    "leader": _STEERING,
    "focal": {**_TASKS, **_HELP},
    "group": {**_TASKS, **_HELP},
    "stranger": {"/start": "bắt đầu"},
}


def make_page_app(sandbox: Sandbox, *, port: int, token: str) -> Starlette:
    """Return the page's web application behind its guard."""
    page = SandboxPage(sandbox)
    app = Starlette(
        routes=[
            Route("/", page.show, methods=["GET"]),
            Route("/file", page.file, methods=["GET"]),
            Route("/say", page.say, methods=["POST"]),
            Route("/press", page.press, methods=["POST"]),
            Route("/reach", page.block_or_unblock, methods=["POST"]),
            Route("/step", page.advance_clock, methods=["POST"]),
            *(_static(name) for name in ("page.css", "page.js")),
        ],
        middleware=[
            Middleware(FixedHeaders, headers=HEADERS),
            Middleware(OneLength),
            Middleware(Guard, port=port, token=token, refuse=page.render_refusal),
        ],
        exception_handlers={
            DatabaseUnusable: page.handle_database_fault,
            FormRefused: page.handle_refused_form,
        },
    )
    return without_redirects(app)


def _static(name: str) -> Route:
    async def get(_request: Request) -> Response:
        return FileResponse(_FOLDER / name)

    return Route(f"/{name}", get, methods=["GET"])


class SandboxPage:
    """The routes of one sandbox; it counts how many entries of each chat were shown."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._seen: dict[int, int] = {}
        self._roster = ChatList(sandbox, self._seen)
        self._templates = template_environment(TEMPLATES)

    async def handle_refused_form(self, _request: Request, error: Exception) -> Response:
        """Answer a refused form with its own sentence."""
        status = error.status if isinstance(error, FormRefused) else 400
        return HTMLResponse(self.render_refusal(str(error)), status_code=status)

    def render_refusal(self, reason: str) -> str:
        """Return the page of a refusal."""
        return self._templates.get_template("page/refused.html.j2").render(reason=reason)

    async def handle_database_fault(self, _request: Request, error: Exception) -> Response:
        """Answer a fault of the database with its own sentence."""
        return HTMLResponse(self.render_refusal(str(error)), status_code=500)

    async def show(self, request: Request) -> Response:
        """Show the page that the address names."""
        where = PageAddress.of(request.url.query)
        chat = self._sandbox.chats.get(where.chat_id or 0)
        seen = 0
        if chat is not None:
            seen = self._seen.get(chat.id, 0)
            self._seen[chat.id] = len(self._sandbox.lines(chat))
        return HTMLResponse(await self._html(where, chat, seen))

    async def file(self, request: Request) -> Response:
        """Give out the picture or file of one message of one chat; 404 for anything else.

        A picture opens in the browser, a file is only ever saved.
        """
        asked = request.query_params
        chat = self._sandbox.chats.get(parse_id(asked.get("chat", "")) or 0)
        sent = self._sandbox.channel.message(chat, asked.get("tin", "")) if chat else None
        if sent is not None and sent.picture is not None:
            return Response(sent.picture, media_type=PNG, headers=_KEPT)
        if sent is not None and sent.document is not None:
            name = quote(sent.document.name, safe="")
            saved = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
            mime = sent.document.mime
            return Response(sent.document.content, media_type=mime, headers={**_KEPT, **saved})
        return HTMLResponse(self.render_refusal(NO_FILE), status_code=404)

    async def say(self, request: Request) -> Response:
        """Send a typed text or a chosen file in a chat; an empty form changes nothing."""
        form = await read_form(request)
        chat = self._chat_of(form)
        text = form.get("text").strip()
        if chat is not None and PageAddress.of(form.get("back")).zalo:
            text = meant_on_zalo(self._sandbox.lines(chat), text)
        if chat is not None and (text or form.file is not None):
            await self._sandbox.say(
                chat,
                text,
                speaker=_speaker(chat, parse_id(form.get("as"))),
                reply_to=form.get("reply_to") or None,
                file=form.file,
            )
        return _back(form)

    async def press(self, request: Request) -> Response:
        """Press a button; one that is gone changes nothing."""
        form = await read_form(request)
        chat = self._chat_of(form)
        if chat is not None:
            # The message may have changed meanwhile: the page that comes back shows it.
            with suppress(NoSuchButton):
                speaker = _speaker(chat, parse_id(form.get("as")))
                await self._sandbox.press(
                    chat, form.get("message"), form.get("action"), speaker=speaker
                )
        return _back(form)

    async def block_or_unblock(self, request: Request) -> Response:
        """Block or unblock the bot in a chat."""
        form = await read_form(request)
        chat = self._chat_of(form)
        if chat is not None and form.get("reach") == "gone":
            await self._sandbox.block_bot(chat)
        elif chat is not None and form.get("reach") == "back":
            await self._sandbox.unblock_bot(chat)
        return _back(form)

    async def advance_clock(self, request: Request) -> Response:
        """Move the sandbox's clock on."""
        form = await read_form(request)
        if form.get("to") == "reminders":
            await self._sandbox.advance_to_next_reminders()
        elif form.get("to") == "workday":
            await self._sandbox.advance_to_next_workday()
        return _back(form)

    def _chat_of(self, form: Form) -> SandboxChat | None:
        return self._sandbox.chats.get(parse_id(form.get("chat")) or 0)

    async def _html(self, where: PageAddress, chosen: SandboxChat | None, seen: int) -> str:
        sandbox, roster = self._sandbox, self._roster
        now = await sandbox.clock.now()
        today = civil_date(now)
        province = chosen.province if chosen else roster.province(where.province)
        here = PageAddress(province, chosen.id if chosen else None, where.zalo, where.words)
        shared = [chat for chat in sandbox.chats.values() if chat.province == province]
        # A wide screen shows a chat beside the list even before one is chosen.
        chat = chosen or roster.choose_chat(shared)
        lines = sandbox.lines(chat) if chat else []
        speaker = _speaker(chat, where.speaker) if chat else 0
        beside = PageAddress(province, chat.id if chat else None, where.zalo, speaker=speaker)
        shown = zalo_bubbles(lines, seen=seen) if where.zalo else telegram_bubbles(lines, seen=seen)
        return self._templates.get_template("page/page.html.j2").render(
            here=here.query(),
            chat_here=beside.query(),
            now_iso=now.isoformat(),
            now_words=f"{long_date(today)} {wall_time(now)}",
            counts=format_tallies(sandbox.morning, sandbox.total),
            provinces=roster.provinces(here),
            province_code=province,
            words=where.words,
            groups=roster.groups(shared, here, chat, today),
            chosen=chosen is not None,
            chat=chat and roster.head(chat),
            zalo=where.zalo,
            list_href=here.href(chat=None),
            switch_href=beside.href(xem=None if where.zalo else "zalo"),
            lines=shown,
            reply=next((line for line in shown if line.remote_id == where.reply_to), None),
            chips=_CHIPS[chat.part] if chat else {},
            speaker=speaker,
            speakers=_speakers(chat, beside) if chat else [],
            most_typed=MOST_TYPED,
            most_upload=MOST_UPLOAD,
            too_big=TOO_BIG,
        )


def _speaker(chat: SandboxChat, wanted: int | None) -> int:
    """Return the index of one of a chat's speakers; an unknown one is the first."""
    return wanted if wanted is not None and wanted < len(chat.speakers) else 0


def _speakers(chat: SandboxChat, beside: PageAddress) -> list[Row]:
    """Return the speakers to choose from in a group; none in a private chat."""
    if chat.kind == "private":
        return []
    return [
        {
            "name": speaker.name,
            "href": beside.href(la=place or None),
            "chosen": place == beside.speaker,
        }
        for place, speaker in enumerate(chat.speakers)
    ]


def _back(form: Form) -> Response:
    return RedirectResponse(f"{PageAddress.of(form.get('back')).href()}#cuoi", status_code=303)
