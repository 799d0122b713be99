"""A real local HTTP server that speaks the Bot API, strict where Telegram is, and able to misbehave.

Used in the test's own loop (`async with BotApi() as api`) or as a process of its own
(`python -m tests.support.telegram_server`, which prints its address). It records every request and every message taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import re
import sys
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.local_server import Endpoint, Fault, GarbledError, LocalServer, Refused

TOKEN = "4242:a-token-of-the-tests-and-of-nothing-else"
USERNAME = "nhacviec_test_bot"

_TAG = re.compile(r"<(/?)([a-z-]+)((?:\s+[a-z-]+(?:=\"[^\"]*\")?)*)\s*>")
_ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
    "upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note",
}  # fmt: skip
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
_ALLOWED = {
    "b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler", "a", "code",
    "pre", "blockquote", "tg-emoji",
}  # fmt: skip


@dataclass(frozen=True)
class Taken:
    """One message as it stands in the chat: text without markup, in order of arrival."""

    at: float
    message_id: int
    chat: int
    thread: str
    text: str
    html: bool
    buttons: tuple[tuple[tuple[str, str], ...], ...]
    reply_to: int | None


@dataclass
class Limits:
    """What the server enforces; a breach is answered with 429 and counted."""

    a_second: int = 30
    gap_in_chat: float = 1.0
    group_a_minute: int = 20


@dataclass
class BotApi(LocalServer):
    limits: Limits | None = None
    token: str = TOKEN
    url: str = ""
    requests: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    messages: list[Taken] = field(default_factory=list)
    edits: list[Taken] = field(default_factory=list)
    answered_presses: list[str] = field(default_factory=list)
    typing: list[tuple[int, str]] = field(default_factory=list)  # chat and thread
    commands: list[dict[str, str]] = field(default_factory=list)  # of who has no menu of their own
    menus: dict[int, list[dict[str, str]]] = field(default_factory=dict)  # by chat
    webhook: dict[str, Any] = field(default_factory=dict)
    webhook_trouble: dict[str, Any] = field(default_factory=dict)  # last_error_date, _message
    files: dict[str, bytes] = field(default_factory=dict)  # by file_id
    pictures: list[bytes] = field(default_factory=list)  # sent by the bot
    documents: list[bytes] = field(default_factory=list)  # likewise
    closed_topics: set[tuple[int, str]] = field(default_factory=set)  # "" is a forum's General
    muted: set[int] = field(default_factory=set)  # groups where the bot may not write
    without_photos: set[int] = field(default_factory=set)  # groups that forbid them
    without_files: set[int] = field(default_factory=set)
    strange: dict[str, Any] = field(default_factory=dict)  # beside what is used of a sent message
    keeps_polls: bool = True  # open until something comes
    breaches: int = 0
    _faults: list[Fault] = field(default_factory=list)
    _updates: deque[dict[str, Any]] = field(default_factory=deque)
    _next_update: int = 1000
    _moved: dict[int, int] = field(default_factory=dict)
    _starts: deque[float] = field(default_factory=lambda: deque(maxlen=4096))
    _in_chat: dict[int, deque[float]] = field(default_factory=dict)

    # ---------------------------------------------------------- what tests say

    def misbehave(self, kind: str, **how: Any) -> Fault:
        fault = Fault(kind, **how)
        self._faults.append(fault)
        return fault

    def push(self, update: dict[str, Any], *, update_id: int | None = None) -> int:
        """Have an update wait for the next poll; returns its number."""
        if update_id is None:
            update_id = self._next_update
        self._next_update = update_id + 1
        self._updates.append({"update_id": update_id, **update})
        self._news.set()
        return update_id

    def waiting_updates(self) -> int:
        return len(self._updates)

    def texts(self, chat: int | None = None) -> list[str]:
        return [taken.text for taken in self.messages if chat in (None, taken.chat)]

    def methods(self) -> list[str]:
        return [method for _, method, _ in self.requests]

    def most_in(self, seconds: float) -> int:
        """The most messages taken in any span of so many seconds."""
        most, window = 0, deque[float]()
        for taken in self.messages:
            window.append(taken.at)
            while window[0] <= taken.at - seconds:
                window.popleft()
            most = max(most, len(window))
        return most

    # ---------------------------------------------------------- serving

    def routes(self) -> list[Route]:
        return [
            Route("/bot{token}/{method}", Endpoint(self), methods=["GET", "POST"]),
            Route("/file/bot{token}/files/{name}", self._download),
        ]

    async def answer(
        self, given: dict[str, str], body: bytes, at: float
    ) -> tuple[int, dict[str, Any]]:
        try:
            result = await self.serve(given["token"], given["method"], _data(body), at)
        except Refused as refusal:
            refused: dict[str, Any] = {"ok": False, "error_code": refusal.code}
            refused["description"] = refusal.words
            if refusal.parameters:
                refused["parameters"] = refusal.parameters
            return refusal.code, refused
        return 200, {"ok": True, "result": result}

    async def serve(self, token: str, method: str, data: dict[str, Any], at: float) -> Any:
        self.requests.append((at, method, data))
        if token != self.token:
            raise Refused(401, "Unauthorized")
        fault = self._fault(method, data)
        if fault is not None:
            await self._misbehave(fault, at)
        handler = getattr(self, f"_{method}", None)
        if handler is None:
            raise Refused(404, "Not Found")
        result = await handler(data, at)
        if fault is not None and fault.kind == "lost":
            raise ConnectionAbortedError
        return result

    def _fault(self, method: str, data: dict[str, Any]) -> Fault | None:
        for fault in self._faults:
            chat = json.loads(data.get("scope") or "{}").get("chat_id", data.get("chat_id"))
            of_chat = fault.chat is None or str(fault.chat) == str(chat)
            if fault.method == method and of_chat and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    async def _misbehave(self, fault: Fault, at: float) -> None:
        match fault.kind:
            case "rate_limited":
                retry = int(fault.seconds)
                words = f"Too Many Requests: retry after {retry}"
                raise Refused(429, words, **({"retry_after": retry} if retry else {}))
            case "server_error":
                raise Refused(500, "Internal Server Error")
            case "garbage":
                raise GarbledError(200)
            case "bad_gateway":
                raise GarbledError(502)
            case "portal":
                raise GarbledError(403)
            case "late":
                await asyncio.sleep(fault.seconds)
            case "hang":
                await self._shut.wait()
                raise ConnectionAbortedError
            case "dropped":
                raise ConnectionAbortedError
            case "blocked":
                raise Refused(403, "Forbidden: bot was blocked by the user")
            case "kicked":
                raise Refused(403, "Forbidden: bot was kicked from the supergroup chat")
            case "not_found":
                raise Refused(400, "Bad Request: chat not found")
            case "migrated":
                raise Refused(
                    400,
                    "Bad Request: group chat was upgraded to a supergroup chat",
                    migrate_to_chat_id=fault.to,
                )
            case "no_topic":
                raise Refused(400, "Bad Request: message thread not found")
            case "unauthorised":
                raise Refused(401, "Unauthorized")
            case "bad_request":
                raise Refused(400, fault.words)
            case "lost":
                pass
            case other:
                raise AssertionError(other)

    async def _getMe(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        bot_id = int(self.token.partition(":")[0])
        return {"id": bot_id, "is_bot": True, "first_name": "Nhắc Việc", "username": USERNAME}

    async def _getFile(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        key = data["file_id"]
        if key not in self.files:
            raise Refused(400, "Bad Request: invalid file_id")
        size = len(self.files[key])
        return {
            "file_id": key,
            "file_unique_id": key,
            "file_size": size,
            "file_path": f"files/{key}",
        }

    async def _download(self, request: Request) -> Response:
        content = self.files.get(request.path_params["name"])
        if request.path_params["token"] != self.token or content is None:
            return Response(status_code=404)
        return Response(content, media_type="application/octet-stream")

    async def _sendMessage(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        chat, text = self._checked(data)
        if chat in self.muted:
            raise Refused(400, "Bad Request: not enough rights to send text messages to the chat")
        if (chat, str(data.get("message_thread_id", ""))) in self.closed_topics:
            raise Refused(400, "Bad Request: TOPIC_CLOSED")
        self._pace(chat, at)
        reply = data.get("reply_parameters")
        taken = Taken(
            at=at,
            message_id=len(self.messages) + 1,
            chat=chat,
            thread=str(data.get("message_thread_id", "")),
            text=text,
            html=data.get("parse_mode") == "HTML",
            buttons=_buttons(data),
            reply_to=json.loads(reply)["message_id"] if isinstance(reply, str) else None,
        )
        self.messages.append(taken)
        return self._shown(taken)

    async def _sendPhoto(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        photo, caption = data.get("photo"), str(data.get("caption", ""))
        if int(data["chat_id"]) in self.without_photos:
            raise Refused(400, "Bad Request: not enough rights to send photos to the chat")
        if not isinstance(photo, bytes) or not photo.startswith(b"\x89PNG"):
            raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
        shown = without_markup(caption) if data.get("parse_mode") == "HTML" else caption
        if len(shown.encode("utf-16-le")) // 2 > 1024:
            raise Refused(400, "Bad Request: message caption is too long")
        self.pictures.append(photo)
        text = caption or "-"
        return await self._sendMessage({**data, "text": text}, at)

    async def _sendDocument(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        document, caption = data.get("document"), str(data.get("caption", ""))
        if int(data["chat_id"]) in self.without_files:
            raise Refused(400, "Bad Request: CHAT_SEND_DOCS_FORBIDDEN")
        if not isinstance(document, bytes) or not document:
            raise Refused(400, "Bad Request: file must be non-empty")
        shown = without_markup(caption) if data.get("parse_mode") == "HTML" else caption
        if len(shown.encode("utf-16-le")) // 2 > 1024:
            raise Refused(400, "Bad Request: message caption is too long")
        self.documents.append(document)
        return await self._sendMessage({**data, "text": caption or "-"}, at)

    async def _editMessageText(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        chat, text = self._checked(data)
        wanted = int(data["message_id"])
        now = [one for one in (*self.messages, *self.edits) if one.message_id == wanted]
        if not now or now[-1].chat != chat:
            raise Refused(400, "Bad Request: message to edit not found")
        buttons = _buttons(data)
        if (now[-1].text, now[-1].buttons) == (text, buttons):
            raise Refused(
                400,
                "Bad Request: message is not modified: specified new message content and reply"
                " markup are exactly the same as a current content and reply markup of the message",
            )
        is_html = data.get("parse_mode") == "HTML"
        taken = Taken(at, wanted, chat, now[-1].thread, text, is_html, buttons, None)
        self.edits.append(taken)
        return self._shown(taken)

    async def _answerCallbackQuery(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        if len(str(data.get("text", ""))) > 200:
            raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        self.answered_presses.append(str(data["callback_query_id"]))
        return True

    async def _sendChatAction(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        if data.get("action") not in _ACTIONS:
            raise Refused(400, "Bad Request: wrong parameter action in request")
        self.typing.append((int(data["chat_id"]), str(data.get("message_thread_id", ""))))
        return True

    async def _setMyCommands(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        commands = json.loads(data["commands"])
        if len(commands) > 100:
            raise Refused(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        for one in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", one["command"]):
                raise Refused(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(one["description"]) <= 256:
                raise Refused(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        chat = self._scope(data)
        if chat is None:
            self.commands = commands
        else:
            self.menus[chat] = commands
        return True

    async def _getMyCommands(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        chat = self._scope(data)
        return self.commands if chat is None else self.menus.get(chat, [])

    async def _deleteMyCommands(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        chat = self._scope(data)
        if chat is None:
            self.commands = []
        else:
            self.menus.pop(chat, None)
        return True

    def _scope(self, data: dict[str, Any]) -> int | None:
        """Return the chat whose commands are meant; None for the default scope, others we never use."""
        scope = json.loads(data.get("scope") or '{"type": "default"}')
        if scope.get("type") == "default":
            return None
        if scope.get("type") != "chat" or type(scope.get("chat_id")) is not int:
            raise Refused(
                400, "Bad Request: can't parse BotCommandScope: Unsupported type specified"
            )
        if scope["chat_id"] in self._moved:
            raise Refused(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=self._moved[scope["chat_id"]],
            )
        return int(scope["chat_id"])

    async def _setWebhook(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", str(data.get("secret_token", ""))):
            raise Refused(400, "Bad Request: secret token contains unallowed characters")
        self.webhook = dict(data)
        return True

    async def _deleteWebhook(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        self.webhook = {}
        return True

    async def _getWebhookInfo(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        waiting = len(self._updates)
        url = str(self.webhook.get("url", ""))
        info = {"url": url, "has_custom_certificate": False, "pending_update_count": waiting}
        return info | self.webhook_trouble

    async def _getUpdates(self, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        if self.webhook:
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active")
        if "offset" in data:
            offset = int(data["offset"])
            # By number and not by age: after a quiet week new numbers may be lower.
            while self._updates and offset - 100_000 < self._updates[0]["update_id"] < offset:
                self._updates.popleft()
        if not self._updates and self.keeps_polls:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(float(data.get("timeout", 0))):
                    await self._news.wait()
        if self._shut.is_set():
            raise ConnectionAbortedError
        return list(self._updates)[: int(data.get("limit", 100))]

    def _checked(self, data: dict[str, Any]) -> tuple[int, str]:
        try:
            chat = int(data["chat_id"])
        except (KeyError, ValueError):
            raise Refused(400, "Bad Request: chat_id is empty") from None
        if chat in self._moved:
            raise Refused(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=self._moved[chat],
            )
        text = str(data.get("text", ""))
        if data.get("parse_mode") == "HTML":
            text = without_markup(text)
        units = len(text.encode("utf-16-le")) // 2
        if not text.strip():
            raise Refused(400, "Bad Request: message text is empty")
        if units > 4096:
            raise Refused(400, "Bad Request: message is too long")
        return chat, text

    def migrate(self, old: int, new: int) -> None:
        """From now on the old group answers only that it became a supergroup."""
        self._moved[old] = new

    def _pace(self, chat: int, at: float) -> None:
        if self.limits is None:
            return
        own = self._in_chat.setdefault(chat, deque(maxlen=64))
        second = sum(1 for start in self._starts if start > at - 1)
        minute = sum(1 for start in own if start > at - 60)
        if (
            second >= self.limits.a_second
            or (own and at - own[-1] < self.limits.gap_in_chat)
            or (chat < 0 and minute >= self.limits.group_a_minute)
        ):
            self.breaches += 1
            raise Refused(429, "Too Many Requests: retry after 1", retry_after=1)
        self._starts.append(at)
        own.append(at)

    def _shown(self, taken: Taken) -> dict[str, Any]:
        kind = "private" if taken.chat > 0 else "supergroup"
        return {
            "message_id": taken.message_id,
            "date": 1_790_000_000,
            "chat": {"id": taken.chat, "type": kind},
            "text": taken.text,
            **self.strange,
        }


def _data(body: bytes) -> dict[str, Any]:
    if body.startswith(b"--"):
        return _parts(body)
    if body.startswith(b"{"):
        found = json.loads(body)
        assert isinstance(found, dict)
        return found
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def _parts(body: bytes) -> dict[str, Any]:
    """Read multipart/form-data; files stay bytes."""
    boundary = body.split(b"\r\n", 1)[0]
    found: dict[str, Any] = {}
    for part in body.split(boundary)[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        assert name is not None
        is_file = b"filename=" in head
        found[name[1].decode()] = content if is_file else content.decode()
    return found


def _buttons(data: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], ...]:
    if "reply_markup" not in data:
        return ()
    rows = json.loads(data["reply_markup"])["inline_keyboard"]
    for row in rows:
        for key in row:
            if not key["text"] or not 1 <= len(key["callback_data"].encode()) <= 64:
                raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    return tuple(tuple((key["text"], key["callback_data"]) for key in row) for row in rows)


def without_markup(text: str) -> str:
    """Return the text as the chat shows it; refuses what Telegram cannot parse."""
    shown: list[str] = []
    opened: list[str] = []
    position = 0
    while position < len(text):
        letter = text[position]
        if letter == "<":
            tag = _TAG.match(text, position)
            if tag is None or tag[2] not in _ALLOWED:
                raise Refused(
                    400,
                    f"Bad Request: can't parse entities: Unsupported start tag at byte {position}",
                )
            if not tag[1]:
                opened.append(tag[2])
            elif not opened or opened.pop() != tag[2]:
                raise Refused(400, "Bad Request: can't parse entities: Unexpected end tag")
            position = tag.end()
            continue
        entity = _ENTITY.match(text, position) if letter == "&" else None
        if entity is not None:
            shown.append(html.unescape(entity[0]))
            position = entity.end()
            continue
        shown.append(letter)  # an unknown entity is shown as it stands
        position += 1
    if opened:
        raise Refused(400, "Bad Request: can't parse entities: Can't find end tag")
    return "".join(shown)


@contextlib.asynccontextmanager
async def bot_api(**how: Any) -> AsyncIterator[BotApi]:
    """Run a server in this loop for as long as the block lasts."""
    async with BotApi(**how) as api:
        yield api


async def _main() -> None:
    async with BotApi() as api:
        print(api.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until whoever started us lets go


if __name__ == "__main__":
    asyncio.run(_main())
