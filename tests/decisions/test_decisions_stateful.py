"""Decisions, answers and their withdrawals by everybody in any order, two of them at once: the record adds up.

How to search for longer: tests/support/stateful.py.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from sqlalchemy import func, select
from sqlalchemy.engine import URL

from data.db.database import Database
from data.models import Explanation, ExtensionRequest
from tests.support.conversations import Post, Talk
from tests.support.databases import become, keep
from tests.support.decision_world import NOW, faults_of_record, seated
from tests.support.stateful import Machine, run

pytestmark = pytest.mark.slow
OWED = (("sxd", "BC.3", "2026"), ("stc", "BC.3", "2026"), ("stc", "1", "end"))
CHATS = {"sxd": ("sxd",), "stc": ("stc", "stc2")}  # of an agency
DECIDING = ("an", "ba", "an", "ba", "leader")
REASON, DATE = "Phải tổng hợp ngay 15/11", "đến 20/11 vì chờ số liệu"
DISPUTE = "10 1 không phải nhiệm vụ của Sở Tài chính"
# What one does → what is posted, in order: words, or a button's verb and what it is pressed on.
BY_AGENCY: dict[str, tuple[str, ...]] = {
    "reports": ("done:row",),
    "goes on": ("doing:row",),
    "asks": ("more:row", DATE),
    "disputes": ("/viec", DISPUTE),
    "takes back": ("huỷ",),
    "takes": ("take:request",),
    "leaves": ("leave:request",),
    "explains": ("explain:explanation", "Chờ số liệu của kho bạc"),
}
BY_DECIDERS: dict[str, tuple[str, ...]] = {
    "confirms": ("confirm:row",),
    "confirms all": ("/xacnhan", "Xác nhận tất cả", "Đồng ý"),
    "returns": ("return:row", REASON),
    "grants": ("grant:request",),
    "grants by document": ("grant:request", "123/UBND-KGVX ngày 6/11/2026"),
    "refuses": ("refuse:request", REASON),
    "offers": ("offer:request", "18/11/2026"),
    "keeps": ("keep:row", REASON),
    "gives": ("giveto:row", "UBND tỉnh"),
    "gives to another": ("giveto:row", "Sở Xây dựng"),
    "assigns": ("/giao 5 Sở Xây dựng",),
    "assigns to another": ("/giao 5 Sở Tài chính",),
    "opens": ("/mo BC.5 15/12/2026 Sở Xây dựng: nhà ở",),
    "sets a date": ("/han BC.6 10/12/2026",),
    "sets another": ("/han BC.6 12/12/2026",),
    "asks to explain": ("/giaitrinh STC: vì sao chậm",),
    "asks all to explain": ("/giaitrinh STC: vì sao chậm", "gửi"),
    "opens for all": ("/mo BC.5 18/12/2026 các sở: đất đai", "gửi"),
    "undoes": ("huỷ quyết định",),
    "takes back or undoes": ("huỷ",),
}
ABOUT_PLANS = ("assigns", "assigns to another", "opens", "sets a date", "sets another")

Act = tuple[str, str, tuple[str, str, str]]


@st.composite
def acts(draw: st.DrawFn) -> Act:
    """Return who does what, about which obligation."""
    about = draw(st.sampled_from(OWED))
    if draw(st.booleans()):
        return draw(st.sampled_from(CHATS[about[0]])), draw(st.sampled_from([*BY_AGENCY])), about
    often = [name for name in BY_DECIDERS if name not in ABOUT_PLANS]
    return draw(st.sampled_from(DECIDING)), draw(st.sampled_from([*often * 2, *ABOUT_PLANS])), about


class Province:
    """A database that begins anew for every run, on a file or on a server."""

    def __init__(self, url: URL) -> None:
        self._runner = asyncio.Runner()
        self.databases = [Database(url.render_as_string(hide_password=False))]
        self.talk = self.do(seated(self.databases[0]))
        self._start = self.do(keep(self.databases[0]))

    def do(self, work: Any) -> Any:
        return self._runner.run(work)

    def begin(self) -> None:
        self.do(become(self.databases[0], self._start))

    def close(self) -> None:
        self.do(self.databases[0].dispose())
        self._runner.close()


class Deciding(Machine):
    """Everybody presses and types; now and then two at once."""

    def __init__(self) -> None:
        super().__init__()
        home: Any = self.ground
        self.talk: Talk = home.talk
        self.talk.now = NOW

    @rule(act=acts())
    def do_one(self, act: Act) -> None:
        """Let one thing happen."""

        async def alone() -> None:
            await self._say(await self._begin(*act))

        self.do(alone())

    @rule(first=acts(), second=acts(), lead=st.sampled_from((0.0, 0.003, 0.01)))
    def do_two(self, first: Act, second: Act, lead: float) -> None:
        """Let the last step of two things happen at once, in two chats: those of one chat come in order."""
        if first[0] == second[0]:
            return

        async def together() -> None:
            posts = [await self._begin(*first), await self._begin(*second)]
            await self.talk.post_together(*posts, held=lead == 0, leads=(0.0, lead))

        self.do(together())

    @rule(days=st.sampled_from((0,) * 12 + (1, 1, 8)))
    def wait(self, days: int) -> None:
        """Let days pass now and then, so that things become late."""
        self.talk.now += timedelta(days=days)

    @invariant()
    def the_record_adds_up(self) -> None:
        assert self.do(faults_of_record(self.database)) == []

    async def _begin(self, chat: str, what: str, about: tuple[str, str, str]) -> Post:
        """Post all but the last step of an act; returns that one."""
        *steps, last = (BY_AGENCY | BY_DECIDERS)[what]
        for step in steps:
            await self._say(await self._post(chat, step, about))
        return await self._post(chat, last, about)

    async def _say(self, post: Post) -> None:
        await (self.talk.say if post.kind == "text" else self.talk.tap)(post.chat, post.text)

    async def _post(self, chat: str, step: str, about: tuple[str, str, str]) -> Post:
        verb, _, on = step.partition(":")
        if on not in ("row", "request", "explanation"):
            return Post(chat, step)
        agency, code, period = about
        key = (await self.talk.obligation("10/KH-UBND", agency, code, period)).id
        if on != "row":
            model: Any = ExtensionRequest if on == "request" else Explanation
            newest = select(func.max(model.id)).where(model.obligation_id == key)
            async with self.database.read() as connection:
                key = await connection.scalar(newest) or 0
        return Post(chat, f"{verb}:{key}", "action")


def test_whatever_is_decided_in_whatever_order_the_record_adds_up(database_url: URL) -> None:
    province = Province(database_url)
    try:
        run(Deciding, province, runs=12, steps=40)
    finally:
        province.close()
