"""A real local HTTP server that speaks Zalo's Bot Platform, strict where it is, and able to misbehave.

It keeps what is documented (limits of length, one update a poll, no offset, no buttons) and can be told
to do what only one source reports: replay what was consumed, answer flat or enveloped, in numbers or with
real statuses. Several bots in one server, each with its token. Used in the test's own loop or as a
process of its own (`python -m tests.support.zalo_server`, which prints its address).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.local_server import Endpoint, Fault, GarbledError, LocalServer, Refused

TOKENS = tuple(
    f"{number}:a-zalo-token-of-the-tests-{number}" for number in (7001, 7002, 7003, 7004)
)
MOST_TEXT = 2000


@dataclass(frozen=True)
class Taken:
    """One message as it stands in a chat, in order of arrival."""

    at: float
    bot: str  # the id of the bot that sent it
    message_id: str
    chat: str
    text: str
    photo: str = ""  # the address of the picture above it


@dataclass
class ZaloApi(LocalServer):
    """consumes: what was polled is gone (else it comes back with every poll). flat: updates come without
    an envelope. real_statuses: a refusal has its HTTP status too (else 200)."""

    consumes: bool = True
    flat: bool = False
    real_statuses: bool = False
    outcome: str = (
        "webhook.ok"  # of an attempt to reach a webhook's address; "" tells nothing of it
    )
    not_offered: frozenset[str] = frozenset()  # methods that the platform does not know (any more)
    quotas: dict[str, int] = field(default_factory=dict)  # messages a bot (its id) may send
    revoke_after: dict[str, int] = field(default_factory=dict)  # messages until a token is refused
    url: str = ""
    requests: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    messages: list[Taken] = field(default_factory=list)
    actions: list[tuple[str, str]] = field(default_factory=list)
    webhooks: dict[str, dict[str, Any]] = field(default_factory=dict)  # by bot id
    photos: dict[str, bytes] = field(default_factory=dict)  # by name
    revoked: set[str] = field(default_factory=set)  # tokens
    gone: set[str] = field(default_factory=set)  # chats that answer 410
    _faults: list[Fault] = field(default_factory=list)
    _updates: dict[str, deque[dict[str, Any]]] = field(default_factory=dict)  # by bot id
    _sent: dict[str, int] = field(default_factory=dict)
    _asking: set[str] = field(default_factory=set)  # bots that are asked for updates just now
    _next: int = 1

    # ---------------------------------------------------------- what tests say

    @staticmethod
    def bot_id(token: str) -> str:
        """Return the platform's id of a bot, which is not the number in its token."""
        return f"14592{token.partition(':')[0]}"

    def misbehave(self, kind: str, **how: Any) -> Fault:
        fault = Fault(kind, **how)
        self._faults.append(fault)
        return fault

    def push(self, update: dict[str, Any], *, token: str = TOKENS[0]) -> None:
        """Have an update wait for the next poll of a bot."""
        self._updates.setdefault(self.bot_id(token), deque()).append(update)
        self._news.set()

    def say(self, chat: str, text: str, *, token: str = TOKENS[0], name: str = "Chị Lan") -> str:
        """Have a person write to a bot; returns the message's id."""
        update = self.message(chat, "message.text.received", name=name, text=text)
        self.push(update, token=token)
        return str(update["message"]["message_id"])

    def message(
        self, chat: str, event: str, *, name: str = "Chị Lan", **more: Any
    ) -> dict[str, Any]:
        """Return an update as the platform sends it, with an id of its own."""
        self._next += 1
        return {
            "event_name": event,
            "message": {
                "from": {"id": chat, "display_name": name, "is_bot": False},
                "chat": {"id": chat, "chat_type": "PRIVATE"},
                "message_id": f"{self._next:020x}",
                "date": 1_790_000_000_000 + self._next,
                **more,
            },
        }

    def texts(self, chat: str | None = None) -> list[str]:
        return [taken.text for taken in self.messages if chat in (None, taken.chat)]

    def methods(self) -> list[str]:
        return [method for _, method, _ in self.requests]

    def waiting_updates(self) -> int:
        return sum(len(waiting) for waiting in self._updates.values())

    def at_rest(self, tokens: Sequence[str]) -> bool:
        """Tell whether bots have nothing left, and were asked again since: what they gave is kept."""
        bots = [self.bot_id(token) for token in tokens]
        return not any(self._updates.get(bot) for bot in bots) and self._asking >= set(bots)

    # ---------------------------------------------------------- serving

    def routes(self) -> list[Route]:
        return [
            Route("/bot{token}/{method}", Endpoint(self), methods=["GET", "POST"]),
            Route("/photos/{name}", self._download),
        ]

    async def answer(
        self, given: dict[str, str], body: bytes, at: float
    ) -> tuple[int, dict[str, Any]]:
        data = json.loads(body) if body else {}
        try:
            result = await self.serve(given["token"], given["method"], data, at)
        except Refused as refusal:
            refused = {"ok": False, "error_code": refusal.code, "description": refusal.words}
            return refusal.code if self.real_statuses else 200, refused
        return 200, {"ok": True} if result is None else {"ok": True, "result": result}

    async def serve(self, token: str, method: str, data: dict[str, Any], at: float) -> Any:
        self.requests.append((at, method, data))
        if self._sent.get(self.bot_id(token), 0) >= self.revoke_after.get(token, sys.maxsize):
            self.revoked.add(token)
        if token not in TOKENS or token in self.revoked:
            raise Refused(401, "Unauthorized")
        fault = self._fault(method, data)
        if fault is not None:
            await self._misbehave(fault)
        handler = getattr(self, f"_{method}", None)
        if handler is None or method in self.not_offered:
            raise Refused(400, "Bad Request: unknown api")
        result = await handler(self.bot_id(token), data, at)
        if fault is not None and fault.kind == "lost":
            raise ConnectionAbortedError
        if fault is not None and fault.kind == "timed_out":
            raise Refused(408, "Request timeout")  # it was taken all the same
        return result

    def _fault(self, method: str, data: dict[str, Any]) -> Fault | None:
        for fault in self._faults:
            of_chat = fault.chat is None or str(fault.chat) == str(data.get("chat_id"))
            if fault.method == method and of_chat and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    async def _misbehave(self, fault: Fault) -> None:
        match fault.kind:
            case "rate_limited":
                raise Refused(429, "Quota exceeded")
            case "server_error":
                raise Refused(403, "Internal server error")
            case "garbage":
                raise GarbledError(200)
            case "bad_gateway":
                raise GarbledError(502)
            case "portal":
                raise GarbledError(403)
            case "hang":
                await self._shut.wait()
                raise ConnectionAbortedError
            case "dropped":
                raise ConnectionAbortedError
            case "blocked":
                raise Refused(410, "The chat_id is invaild")
            case "not_permitted":
                raise Refused(422, "You are not permitted to send messages to this chat_id")
            case "unauthorised":
                raise Refused(401, "Unauthorized")
            case "bad_request":
                raise Refused(400, fault.words)
            case "lost" | "timed_out":
                pass
            case other:
                raise AssertionError(other)

    async def _getMe(self, bot: str, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        return {
            "id": bot,
            "account_name": f"bot.{bot}",
            "account_type": "BASIC",
            "can_join_groups": False,
            "display_name": f"Bot Nhắc Việc {bot[-1]}",
        }

    async def _sendPhoto(self, bot: str, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        photo = data.get("photo")
        if not isinstance(photo, str) or not photo.startswith("https://"):
            raise Refused(400, "Bad Request: photo must be a public https URL")
        return await self._sendMessage(bot, {**data, "text": data.get("caption") or "-"}, at)

    async def _sendMessage(self, bot: str, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        chat, text = data.get("chat_id"), data.get("text")
        if not isinstance(chat, str) or not chat:
            raise Refused(400, "Bad Request: chat_id must not be empty")
        if not isinstance(text, str) or not 1 <= len(text.encode("utf-16-le")) // 2 <= MOST_TEXT:
            raise Refused(400, "Bad Request: text must have 1 to 2000 characters")
        if chat in self.gone:
            raise Refused(410, "The chat_id is invaild")
        if self._sent.get(bot, 0) >= self.quotas.get(bot, sys.maxsize):
            raise Refused(429, "Quota exceeded")
        self._sent[bot] = self._sent.get(bot, 0) + 1
        taken = Taken(at, bot, f"z{len(self.messages) + 1}", chat, text, data.get("photo", ""))
        self.messages.append(taken)
        return {"message_id": taken.message_id, "date": 1_790_000_000_000}

    async def _sendChatAction(self, bot: str, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        if data.get("action") != "typing":
            raise Refused(400, "Bad Request: unknown action")
        self.actions.append((bot, str(data["chat_id"])))
        return None

    async def _setWebhook(self, bot: str, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        url, secret = str(data.get("url", "")), str(data.get("secret_token", ""))
        if not 8 <= len(secret) <= 256 or not re.match(r"https://(?!localhost|127\.)", url):
            raise Refused(400, "Bad Request: invalid url or secret_token")
        self.webhooks[bot] = dict(data)  # kept even if nothing answers there
        answer = {"url": url, "updated_at": 1_790_000_000_000}
        return {**answer, "verification": self._tried(url)} if self.outcome else answer

    async def _deleteWebhook(self, bot: str, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        self.webhooks[bot] = {"url": ""}
        return {"url": "", "updated_at": 1_790_000_000_000}

    async def _getWebhookInfo(self, bot: str, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        if bot not in self.webhooks:
            raise Refused(404, "Not Found")
        return {"url": self.webhooks[bot]["url"], "updated_at": 1_790_000_000_000}

    async def _testWebhook(self, bot: str, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        url = self.webhooks.get(bot, {}).get("url", "")
        if not url:
            raise Refused(404, "Not Found")
        return self._tried(url)

    def _tried(self, url: str) -> dict[str, Any]:
        ok = self.outcome == "webhook.ok"
        return {"ok": ok, "url": url, "outcome": self.outcome, "hint": "" if ok else "See docs."}

    async def _getUpdates(self, bot: str, data: dict[str, Any], at: float) -> Any:  # noqa: N802
        if self.webhooks.get(bot, {}).get("url"):
            raise Refused(400, "Bad Request: a webhook is set")
        waiting = self._updates.setdefault(bot, deque())
        self._asking.add(bot)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(data.get("timeout", 30))):
                while not waiting and not self._shut.is_set():  # what came may be another bot's
                    self._news.clear()
                    await self._news.wait()
        self._asking.discard(bot)
        if self._shut.is_set():
            raise ConnectionAbortedError
        if not waiting:
            raise Refused(408, "Request timeout")
        update = waiting.popleft()
        if not self.consumes:
            waiting.append(update)
        return update

    async def _download(self, request: Request) -> Response:
        content = self.photos.get(request.path_params["name"])
        if content is None:
            return Response(status_code=404)
        return Response(content, media_type="image/jpeg")


@contextlib.asynccontextmanager
async def zalo_api(**how: Any) -> AsyncIterator[ZaloApi]:
    """Run a server in this loop for as long as the block lasts."""
    async with ZaloApi(**how) as api:
        yield api


async def _main() -> None:
    async with ZaloApi() as api:
        print(api.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until whoever started us lets go


if __name__ == "__main__":
    asyncio.run(_main())
