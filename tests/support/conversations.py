"""Conversations for tests: two small provinces, chats in which one says and presses, answers as sent.

The router is the real one on a real database; what stands between it and a messenger (inbox, outbox
and delivery) is done here in a few lines, and every answer is rendered for a channel with buttons, for
the same after its HTML was refused, and for a channel without buttons.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.engine import URL

from bot.conversation.router import Router
from data.clock import civil_date
from data.contacts import enrolments, invitations
from data.contacts.chats import ensure_chat
from data.db.database import Database
from data.models import Account, Agency, Chat, InboxEvent, Message, Obligation, Plan
from data.outbox import lost_chats
from data.outbox.messages import ANSWER, enqueue
from data.registry.registry import Registry
from jobs.channel import Answer, Attachment, Capabilities, Incoming
from jobs.rendering.links import Links
from jobs.rendering.renderer import Renderer
from tests.support.databases import become, is_empty, keep, made_once
from tests.support.loaded_province import load_world
from tests.support.rendered_forms import Form, render_forms

TEMPLATES = Path(__file__).parents[2] / "templates"
RENDERER = Renderer(TEMPLATES)  # compiles the templates once for all tests
WITH_BUTTONS = Capabilities(4096, True, True, True, "html", 3, True)
WITHOUT = Capabilities(2000, False, False, False, "plain", 1, False)
PRESSED, TYPED = Form("with buttons", WITH_BUTTONS), Form("without", WITHOUT)
_HELD_SECONDS = 0.15  # long enough for another transaction to come to where it has to wait
TALK_FORMS = (PRESSED, Form("with buttons", WITH_BUTTONS, plain=True), TYPED)

PROVINCE = """
province: {slug}
name: {name}
agencies:
  - {{code: ubnd, name: "UBND tỉnh", kind: committee}}
  - {{code: skhcn, name: "Sở Khoa học và Công nghệ", short: "Sở KH&CN", kind: department}}
  - {{code: stc, name: "Sở Tài chính", kind: department}}
  - {{code: skhdt, name: "Sở Kế hoạch và Đầu tư", kind: department, valid_until: 2025-02-28}}
  - {{code: sxd, name: "Sở Xây dựng", kind: department}}
groups:
  - code: so
    name: các sở
    spellings: ["các sở"]
    members: [{{kinds: [department]}}]
successions:
  - {{from: skhdt, to: stc, on: 2025-03-01}}
"""
PLAN = """
number: "{number}"
province: {slug}
title: "Kế hoạch số {number}"
issued_on: {issued_on}
signer: "Nguyễn Văn A"
coordinator: "Sở Khoa học và Công nghệ"
source: none.txt
tasks:
  - {{code: "1", text: "Rà soát chi ngân sách", leads: ["Sở Tài chính"],
     period: {{raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}}}
  - {{code: "2", text: "Lập cơ sở dữ liệu dùng chung", leads: ["Sở Tài chính", "Sở Xây dựng"],
     period: {{raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}}}
  - {{code: "3", text: "Tuyên truyền", leads: ["Sở Tài chính"],
     period: {{raw: "Thường xuyên hàng năm", kind: recurring_annual}}}}
  - {{code: "4", text: "Việc chưa giao", period: {{raw: "", kind: missing}}}}
report_duties:
  - code: BC.1
    clause: "mục V.5"
    from: ["các sở"]
    to: "UBND tỉnh"
    via: "Sở Khoa học và Công nghệ"
    frequency: annual
    deadline: {{operator: before, month: 11, day: 15, raw: "trước ngày 15 tháng 11 hàng năm"}}
    quote: "báo cáo trước ngày 15 tháng 11 hàng năm"
"""
OLD_PLAN = """
number: "9/KH-UBND"
province: dong
title: "Kế hoạch cũ"
issued_on: 2021-01-05
signer: "Nguyễn Văn A"
coordinator: "Sở Khoa học và Công nghệ"
source: none.txt
tasks:
  - {code: "8", text: "Bố trí vốn đầu tư", leads: ["Sở Kế hoạch và Đầu tư"],
     period: {raw: "2021 - 2024", kind: fixed, start_year: 2021, end_year: 2024}}
"""
CALENDAR = """
year: 2026
confirmed: true
source: "thông báo"
days_off: [{date: 2026-11-24, reason: "Ngày Văn hoá Việt Nam"}]
"""


def small_texts() -> dict[str, str]:
    """Return the files of the small registry by their paths."""
    return {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
        "agencies/tay.yaml": PROVINCE.format(slug="tay", name="Tây"),
        "plans/dong-10.yaml": PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05"),
        "plans/dong-9.yaml": OLD_PLAN,
        "plans/tay-20.yaml": PLAN.format(slug="tay", number="20/KH-UBND", issued_on="2026-01-05"),
        "calendar/2026.yaml": CALENDAR,
    }


@cache
def small_registry() -> Registry:
    """Return two provinces of five agencies; Đông has plans 10 and 9, Tây has plan 20."""
    return Registry.from_texts(small_texts())


@dataclass(slots=True)
class Reply:
    """One answer as it came into a chat."""

    answer: Answer
    chat: str
    remote_id: str
    html: str
    plain: str

    @property
    def template(self) -> str:
        """Return which message it was."""
        return self.answer.template

    def labels(self) -> list[str]:
        """Return the buttons' labels in order."""
        return [button.label for row in self.answer.buttons for button in row]

    def action(self, label: str) -> str:
        """Return the key of the button with a label."""
        return next(b.action for row in self.answer.buttons for b in row if b.label == label)


@dataclass(frozen=True, slots=True)
class _Start:
    registry: Registry  # held, so that its id is not given to another
    kept: URL
    account_id: int
    events: int


_STARTS: dict[tuple[Any, ...], _Start] = {}


@dataclass(frozen=True, slots=True)
class Seat:
    """Who is enrolled in a chat before a test begins."""

    chat: str
    province: str
    agency: str
    role: enrolments.Role = "focal"
    may_decide: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """One message to the bot: typed words, or the key of a button."""

    chat: str
    text: str
    kind: Literal["text", "action"] = "text"


@dataclass(slots=True)
class Talk:
    """Chats with the bot on one account, at an instant that the test moves."""

    database: Database
    registry: Registry
    now: datetime
    account_id: int = 0
    longest: int = 4096
    capabilities: dict[int, Capabilities] = field(default_factory=dict)
    links: Links | None = None
    last_said: str = ""  # the id of what was typed or sent last, as the platform has it
    _events: Any = field(default_factory=lambda: count(1))

    async def begin(self, *seats: Seat) -> Talk:
        """Load the registry, open the account, and enrol people by their codes, as they do.

        What that makes of an empty database is kept for the run and copied for the next test that
        asks for the same.
        """
        start = (id(self.registry), self.now, self.database.is_sqlite, *seats)
        known = _STARTS.get(start)
        if known is not None and await is_empty(self.database):
            await become(self.database, known.kept)
            self.account_id, self._events = known.account_id, count(known.events)
            return self
        await load_world(self.database, self.registry, now=self.now)
        async with self.database.write() as connection:
            added = await connection.execute(
                insert(Account).values(channel="local", name="test").returning(Account.id)
            )
            self.account_id = added.scalar_one()
        for seat in seats:
            more = {"may_decide": True} if seat.may_decide else {}
            await self.enrol(seat.chat, seat.province, seat.agency, seat.role, **more)
        if seats:
            kept = await keep(self.database)
            _STARTS[start] = _Start(self.registry, kept, self.account_id, 1 + len(seats))
        return self

    async def after(self, scene: Callable[[Talk], Awaitable[Any]]) -> Talk:
        """Let a scene have happened, which is the first since begin(); a copy where it was played before."""

        async def play() -> Any:
            await scene(self)
            return copy(self._events)

        self._events = copy(await made_once(self.database, scene.__qualname__, play))
        return self

    async def agency_id(self, province: str, code: str) -> int:
        """Return an agency's id."""
        async with self.database.read() as connection:
            found = await connection.execute(
                select(Agency.id).where(Agency.province == province, Agency.code == code)
            )
            return int(found.scalar_one())

    async def invite(self, province: str, code: str, role: enrolments.Role, **more: Any) -> str:
        """Make a code for an agency."""
        agency_id = await self.agency_id(province, code)
        async with self.database.write() as connection:
            return await invitations.create_invitation(
                connection, agency_id=agency_id, role=role, now=self.now, **more
            )

    async def enrol(
        self, chat: str, province: str, code: str, role: enrolments.Role = "focal", **more: Any
    ) -> list[Reply]:
        """Enrol a chat by a code, as people do."""
        return await self.say(chat, f"/start {await self.invite(province, code, role, **more)}")

    async def say(
        self,
        chat: str,
        text: str,
        *,
        sender: str | None = None,
        reply_to: str | None = None,
        **more: Any,
    ) -> list[Reply]:
        """Type a text; a chat whose name begins with "-" is a group. more: further fields of Incoming."""
        return await self._take(chat, "text", text, sender, reply_to, **more)

    async def agree(self, chat: str, text: str) -> list[Reply]:
        """Type a command that shows first what it would do, and agree to it."""
        (shown,) = await self.say(chat, text)
        assert shown.template == "preview", shown.html
        return await self.press(shown, shown.labels()[0])

    async def press(self, reply: Reply, label: str, *, sender: str | None = None) -> list[Reply]:
        """Press a button of an answer by its label."""
        return await self.tap(reply.chat, reply.action(label), reply.remote_id, sender=sender)

    async def tap(
        self, chat: str, action: str, remote_id: str | None = None, *, sender: str | None = None
    ) -> list[Reply]:
        """Send a button's key, whoever made it."""
        return await self._take(chat, "action", action, sender, remote_id)

    async def send_file(
        self,
        chat: str,
        content: bytes,
        name: str = "anh.jpg",
        *,
        text: str = "",
        reply_to: str | None = None,
        sender: str | None = None,
        **more: Any,
    ) -> list[Reply]:
        """Send a photo or file, with words beneath it; its bytes are fetched already."""
        files = (Attachment("x", name, len(content), content),)
        kind = "text" if text else "other"
        return await self._take(chat, kind, text, sender, reply_to, files, **more)

    async def happen(self, chat: str, kind: Any, text: str = "") -> list[Reply]:
        """Let something else come in: moved, gone, back, other."""
        return await self._take(chat, kind, text, None, None)

    async def post_together(
        self, *posts: Post, held: bool, leads: tuple[float, ...] = (0.0, 0.0)
    ) -> list[list[Reply]]:
        """Post messages at once, each in a transaction of its own as a server takes them; returns their answers.

        held: the first is handled but not committed while the others come as far as they can. leads: seconds
        after which each begins where nothing is held.
        """
        first_handled = asyncio.Event()

        async def take(number: int, post: Post) -> list[Reply]:
            if held and number:
                await first_handled.wait()
            elif not held:
                await asyncio.sleep(leads[number])
            try:
                async with self.database.write() as connection:
                    chat_id, answers = await self._handle(
                        connection, post.chat, post.kind, post.text, None, None
                    )
                    first_handled.set()
                    if held and not number and not self.database.is_sqlite:
                        await asyncio.sleep(_HELD_SECONDS)
            finally:
                first_handled.set()
            async with self.database.write() as connection:
                return [await self._send(connection, chat_id, post.chat, each) for each in answers]

        return await asyncio.gather(*(take(number, post) for number, post in enumerate(posts)))

    async def _take(self, chat: str, *given: Any, **more: Any) -> list[Reply]:
        async with self.database.write() as connection:
            chat_id, answers = await self._handle(connection, chat, *given, **more)
            return [await self._send(connection, chat_id, chat, answer) for answer in answers]

    async def _handle(
        self,
        connection: Any,
        chat: str,
        kind: Any,
        text: str,
        sender: str | None,
        reply_to: str | None,
        files: tuple[Attachment, ...] = (),
        **more: Any,
    ) -> tuple[int, list[Answer]]:
        group = chat.startswith("-")
        chat_kind: Literal["private", "group"] = "group" if group else "private"
        event = next(self._events)
        self.last_said = more.get("corrects") or f"said{event}"
        incoming = Incoming(
            account_id=self.account_id,
            update_id=str(event),
            address=chat,
            chat_kind=chat_kind,
            kind=kind,
            sender=chat if sender is None and not group else (sender or ""),
            sender_name="Chị <Lan>",
            chat_title="Nhóm" if group else "",
            text=text,
            reply_to=reply_to,
            files=files,
            **more,
        )
        router = Router(
            lambda: self.registry,
            TEMPLATES,
            limits={self.account_id: self.longest},
            capabilities=self.capabilities,
            links=self.links,
        )
        chat_id = (await ensure_chat(connection, incoming, now=self.now)).id
        if kind == "moved":
            await lost_chats.follow_moved_chat(connection, chat_id, text)
            return chat_id, []
        if kind == "gone":
            await lost_chats.chat_lost(connection, chat_id, why="blocked", now=self.now)
            return chat_id, []
        stored = await connection.execute(
            insert(InboxEvent)
            .values(
                account_id=self.account_id,
                update_id=incoming.update_id,
                address=chat,
                remote_id=self.last_said,
                raw=b"{}",
                received_at=self.now,
            )
            .returning(InboxEvent.id)
        )
        answers = await router.handle(
            connection, incoming, event_id=stored.scalar_one(), now=self.now
        )
        return chat_id, answers

    async def _send(self, connection: Any, chat_id: int, chat: str, answer: Answer) -> Reply:
        to_chat = answer.to_chat or chat_id
        message_id = await enqueue(
            connection,
            account_id=self.account_id,
            chat_id=to_chat,
            template=answer.template,
            context=answer.context,
            buttons=[[(b.label, b.action) for b in row] for row in answer.buttons],
            items=[(item, None) for item in answer.items],
            priority=ANSWER,
            now=self.now,
            edits=answer.edits,
        )
        assert message_id is not None
        remote_id = answer.edits or f"m{message_id}"
        sent = await connection.execute(
            update(Message)
            .where(Message.id == message_id)
            .values(state="sent", remote_id=remote_id, sent_at=self.now)
            .returning(Message)
        )
        row = sent.one()
        if answer.items:
            await connection.execute(
                update(Chat).where(Chat.id == to_chat).values(last_menu_message_id=message_id)
            )
        renderer = RENDERER if self.links is None else Renderer(TEMPLATES, self.links)
        content = await renderer.content(
            connection, row, today=civil_date(self.now), workdays=self.registry.workdays
        )
        assert content is not None
        texts = render_forms(renderer, content, TALK_FORMS)
        if to_chat != chat_id:
            chat = str(await connection.scalar(select(Chat.address).where(Chat.id == to_chat)))
        return Reply(answer, chat, remote_id, texts[PRESSED], texts[TYPED])

    async def obligation(self, plan: str, agency: str, code: str, period: str) -> Any:
        """Return one obligation as it stands; plan by its number, "10/KH-UBND"."""
        async with self.database.read() as connection:
            rows = await connection.execute(
                select(Obligation)
                .join(Plan, Plan.id == Obligation.plan_id)
                .join(Agency, Agency.id == Obligation.agency_id)
                .where(
                    Plan.number == plan,
                    Agency.code == agency,
                    Obligation.code == code,
                    Obligation.period == period,
                )
            )
            return rows.one()
