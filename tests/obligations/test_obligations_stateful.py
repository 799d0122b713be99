"""Obligations under random answers, decisions, edited files and days: the guarantees hold after each step.

People tap and type through the real router; the files are loaded again as they change; mornings and
nights come. tests/support/obligation_oracle.py judges. How to search for longer: tests/support/stateful.py.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from data.clock import civil_date
from data.loading.load import sync_registry
from data.registry.registry import Registry
from jobs.morning.run import run_mornings
from jobs.planning.auto_confirm import auto_confirm
from jobs.planning.materialise import materialise
from tests.support.conversations import Reply, Seat, Talk
from tests.support.obligation_oracle import check_all_reckoned, check_step, of_agency, of_tasks
from tests.support.obligation_world import REGISTRIES, read
from tests.support.stateful import Machine, ground_on, run

pytestmark = pytest.mark.slow
NOW = datetime(
    2026, 11, 9, 1, 0, tzinfo=UTC
)  # a Monday, eight in the morning; reports are due 14/11
MERGED_ON = date(2026, 11, 20)
HOURS = (1, 1, 3, 6, 24, 24, 25, 48, 96, 240)
PLAN_10 = "dong-10"
ACTS = st.sampled_from(
    [
        *["done"] * 8,
        *["doing", "ack", "confirm", "huỷ"] * 5,
        *["more", "grant", "wait", "return"] * 4,
        *["blocked", "more", "dispute", "not_yet", "question", "with document", "grant", "refuse"]
        * 2,
        *["list", "all received", "confirm all", "offer", "take", "leave", "morning"] * 2,
        *["night", "count"] * 3,
        *["load"] * 7,
    ]
)


class Obligations(Machine):
    """Two agencies, their coordinator and a leader; four states of the files."""

    def __init__(self) -> None:
        super().__init__()
        talk = Talk(self.database, REGISTRIES[0], NOW)
        self.talk = self.do(
            talk.begin(
                Seat("stc", "dong", "stc"),
                Seat("sxd", "dong", "sxd"),
                Seat("coordinator", "dong", "skhcn", "coordinator"),
                Seat("leader", "dong", "ubnd", "leader", may_decide=True),
            )
        )
        self.kept: dict[int, Any] = {}  # by answer: the obligation as it stood before
        self.seen = self.do(read(self.database))

    # ------------------------------------------------------------------ looking

    def look(self, *, decided: bool = False) -> list[Any]:
        """Read everything, have the step judged, and return what was said in it."""
        after = self.do(read(self.database))
        check_step(
            self.seen, after, self.talk.registry, self.today, decided=decided, kept=self.kept
        )
        new = [reply for key, reply in after.replies.items() if key not in self.seen.replies]
        for reply in new:
            before = self.seen.owed[reply.obligation_id]
            earlier = [
                one.id
                for one in self.seen.replies.values()
                if one.obligation_id == reply.obligation_id and one.said == "completed"
            ]
            # A document's number adds to the completion before it; "xong" said again does not.
            adds = before.state == "submitted" and reply.said == "completed" and reply.document
            self.kept[reply.id] = self.kept[earlier[-1]] if adds and earlier else before
        self.seen = after
        return new

    @property
    def today(self) -> date:
        return civil_date(self.talk.now)

    # ------------------------------------------------------------------ what may happen

    @rule(act=ACTS, who=st.sampled_from(["stc", "stc", "sxd"]), number=st.integers(0, 9))
    def step(self, act: str, who: str, number: int) -> None:
        """One rule and not many, for a machine leaves some of its rules out in each run."""
        mine = sorted(
            key
            for key, row in self.seen.owed.items()
            if row.agency_code == who and row.period in ("2026", "end")
        )
        item = mine[number % len(mine)]
        match act:
            case "wait":
                self.talk.now += timedelta(hours=HOURS[number])
            case "night":
                self.night()
            case "morning":
                self.do(run_mornings(self.database, self.talk.registry, now=self.talk.now))
                self.look()
            case "load":
                self.load(REGISTRIES[number % len(REGISTRIES)])
            case "count":
                self.count()
            case "confirm" | "return" | "confirm all":
                self.decide(act)
            case "grant" | "refuse" | "offer":
                self.decide_on_more_time(act)
            case "take" | "leave":
                for request in self.requests("offered"):
                    chat = self.seen.owed[request.obligation_id].agency_code
                    self.says(chat, self.talk.tap(chat, f"{act}:{request.id}"), decided=True)
            case "huỷ":
                self.says(who, self.talk.say(who, "huỷ"))
            case "with document":
                self.says(who, self.talk.tap(who, f"done:{item}"))
                self.says(who, self.talk.say(who, f"số {number}/BC-STC ngày 9/11/2026"))
            case "list":
                self.says(who, self.talk.say(who, "/viec"))
                words = ("xong", "đang làm 60%", "vướng thiếu kinh phí", "đã nhận", "chưa làm")
                self.says(who, self.talk.say(who, f"{1 + number % 3} {words[number % 5]}"))
            case "all received":
                self.says(who, self.talk.say(who, "/viec"))
                self.says(who, self.talk.say(who, "đã nhận tất cả"))
            case "more":
                self.says(who, self.talk.tap(who, f"more:{item}"))
                until = self.today + timedelta(days=10 + number)
                self.says(who, self.talk.say(who, f"{until:%d/%m/%Y}"))
                self.says(who, self.talk.say(who, "chờ số liệu của các xã"))
            case "blocked" | "dispute" | "question":
                self.says(who, self.talk.tap(who, f"{act}:{item}"))
                self.says(who, self.talk.say(who, "Thiếu kinh phí của tỉnh"))
            case _:
                self.says(who, self.talk.tap(who, f"{act}:{item}"))

    def says(self, chat: str, saying: Any, *, decided: bool = False) -> list[Reply]:
        """Let somebody say something: there is an answer, and what is recorded is said back."""
        replies: list[Reply] = self.do(saying)
        new = self.look(decided=decided)
        assert replies, f"{chat} was not answered"
        assert replies[0].chat == chat
        first = replies[0].answer
        for reply in new:
            row = self.seen.owed[reply.obligation_id]
            assert row.code in replies[0].html, f"{first.template} does not name {row.code}"
        if new:
            assert first.template in (
                "recorded",
                "recorded_all",
                "undone",
                "ask_reason",
                "passed_on",
                "question_passed",
                "extension_asked",
            ), first.template
        return replies

    def requests(self, state: str) -> list[Any]:
        return [row for row in self.seen.extensions.values() if row.state == state]

    # ------------------------------------------------------------------ who decides

    def decide(self, act: str) -> None:
        waits = [row for row in self.seen.owed.values() if row.state == "submitted"]
        if act == "confirm all":
            self.says("coordinator", self.talk.say("coordinator", "/xacnhan"))
            self.says("coordinator", self.talk.say("coordinator", "xác nhận tất cả"), decided=True)
            return
        if not waits:
            return
        key = min(waits, key=lambda row: (row.submitted_at, row.id)).id
        self.says("coordinator", self.talk.tap("coordinator", f"{act}:{key}"), decided=True)
        if act == "return":
            said = self.talk.say("coordinator", "Thiếu phụ lục số liệu")
            self.says("coordinator", said, decided=True)
            assert self.seen.owed[key].state != "submitted"
        else:
            assert self.seen.owed[key].state == "confirmed"

    def decide_on_more_time(self, act: str) -> None:
        for request in self.requests("open")[:1]:
            replies = self.says(
                "coordinator", self.talk.tap("coordinator", f"{act}:{request.id}"), decided=True
            )
            if replies[0].template == "extension_onward":
                replies = self.says(
                    "coordinator",
                    self.talk.tap("coordinator", f"grantyes:{request.id}"),
                    decided=True,
                )
            if replies[0].template != "ask_decision":
                return
            words = "Công văn 123/UBND-KGVX ngày 6/11/2026"
            if act == "refuse":
                words = "Phải tổng hợp ngay"
            elif act == "offer" and replies[0].answer.context["asks"] != "decision_document":
                words = f"{self.today + timedelta(days=9):%d/%m/%Y}"
            self.says("coordinator", self.talk.say("coordinator", words), decided=True)
            now = self.seen.extensions[request.id]
            row = self.seen.owed[request.obligation_id]
            if now.state == "granted":
                assert row.extended_to == now.granted_until
                assert row.extension_asked_at is None

    # ------------------------------------------------------------------ files, nights, counts

    def load(self, registry: Registry) -> None:
        self.talk.registry = registry

        async def work() -> None:
            async with self.database.write() as connection:
                await sync_registry(connection, registry, now=self.talk.now, today=self.today)
                await materialise(connection, registry, today=self.today)

        self.do(work())
        self.look()

    def night(self) -> None:
        """What was handed in long ago is confirmed by itself; planning brings all in line, and twice is once."""
        registry = self.talk.registry
        self.do(auto_confirm(self.database, registry.workdays, now=self.talk.now))
        self.look(decided=True)
        self.load(registry)
        check_all_reckoned(self.seen, registry, self.today)
        before = self.seen.owed
        self.load(registry)
        assert self.seen.owed == before, "planning twice is not planning once"

    def count(self) -> None:
        """What is told is what an honest count gives."""
        registry, today = self.talk.registry, self.today
        (told,) = self.do(self.talk.say("coordinator", "/status"))
        shown: Any = told.answer.context["plans"]
        plans = {row.plan_code for row in self.seen.owed.values()}
        assert {plan["number"] for plan in shown} == {"10/KH-UBND", "9/KH-UBND"}
        for plan in shown:
            code = next(
                each for each in plans if each.startswith(f"dong-{plan['number'].split('/')[0]}-")
            )
            assert plan["tasks"] == of_tasks(self.seen, code, registry, today), code
        (own,) = self.do(self.talk.say("stc", "/status"))
        held = {"stc", "skhdt"} | ({"sxd"} if today >= MERGED_ON else set())
        assert own.answer.context["figures"] == of_agency(self.seen, held, registry, today)

    def teardown(self) -> None:
        self.count()
        self.night()
        self.count()


def test_obligations_keep_their_promises_whoever_says_what(migrated: Path, tmp_path: Path) -> None:
    with ground_on(migrated, tmp_path) as ground:
        run(Obligations, ground, runs=8, steps=60)
