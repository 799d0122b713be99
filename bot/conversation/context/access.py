"""Who may do what: the roles of each command and button (ROLES_BY_ACTION), and the judge, may().

What counts of a sender, by chat:

    private chat                              the person's enrolments in this chat
    group, the person is enrolled for an      for these agencies alone, what both the person and the group are:
    agency that the group is enrolled for     a coordinator in a group of focal points acts as one of them
    group, anybody else: a guest              what the group is enrolled for, in the provinces where they are
                                              enrolled if they are anywhere; only to look, and to acknowledge
                                              (GROUP_ACTIONS)

Guarantees:
- An agency reaches the obligations it holds, a coordinator its plans, a leader one province, nobody another's.
- In a group nobody reaches what the group is not enrolled for, nor decides without being enrolled to.
- may_decide counts in its enrolment's province alone.
- may() asks no database: callers load, may() judges.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts import enrolments as contact_enrolments
from data.contacts.enrolments import ActiveEnrolment
from jobs.channel import Incoming

ALL_ROLES = frozenset({"focal", "coordinator", "leader"})
ANSWERING_ROLES = frozenset({"focal", "coordinator"})
DECIDING_ROLES = frozenset({"coordinator", "leader"})

# The roles that may use each command ("/giao" is "giao") and each button or reply.
ROLES_BY_ACTION: dict[str, frozenset[str]] = {
    # Commands.
    "help": ALL_ROLES,
    "viec": ANSWERING_ROLES,
    "thuongxuyen": ANSWERING_ROLES,
    "status": ALL_ROLES,
    "chuanop": DECIDING_ROLES,
    "lydo": DECIDING_ROLES,
    "quahan": ALL_ROLES,
    "sapden": ALL_ROLES,
    "nhiemvu": ALL_ROLES,
    "tim": ALL_ROLES,
    "lichsu": ALL_ROLES,
    "lich": ANSWERING_ROLES,
    "minhchung": ANSWERING_ROLES,
    "chitieu": ALL_ROLES,
    "mau": ALL_ROLES,
    "bieudo": DECIDING_ROLES,
    "donvi": DECIDING_ROLES,
    "nhac": frozenset({"coordinator"}),
    "thongbao": frozenset({"coordinator"}),
    "moi": frozenset({"coordinator"}),
    "doi": ALL_ROLES,
    "kenh": ALL_ROLES,
    "xacnhan": DECIDING_ROLES,
    "giahan": DECIDING_ROLES,
    "giaitrinh": DECIDING_ROLES,
    "giao": DECIDING_ROLES,
    "baocao": DECIDING_ROLES,
    "cauhoi": DECIDING_ROLES,
    "mo": DECIDING_ROLES,
    "han": DECIDING_ROLES,
    # Buttons and replies: on one obligation or, "target", on one target.
    "open": ALL_ROLES,  # look at it
    "ack": ANSWERING_ROLES,
    "doing": ANSWERING_ROLES,
    "done": ANSWERING_ROLES,
    "more": ANSWERING_ROLES,  # ask for an extension
    "blocked": ANSWERING_ROLES,
    "dispute": ANSWERING_ROLES,
    "not_yet": ANSWERING_ROLES,
    "question": ANSWERING_ROLES,
    "undo": ANSWERING_ROLES,
    "target": ANSWERING_ROLES,
    "evidence": ALL_ROLES,  # open the files kept with it
    "decide": DECIDING_ROLES,  # confirm, return, grant, refuse, keep, reassign
    "explain": DECIDING_ROLES,  # ask for an explanation
    "answer": ALL_ROLES,  # a question that this chat was asked: may_answer_question
}
# Who does them to an obligation, the database tells: context/deciding.py.
DECISION_ACTIONS = frozenset({"decide", "explain"})
# Allowed to guests of a group.
GROUP_ACTIONS = frozenset(
    {
        *("help", "viec", "thuongxuyen", "status", "quahan", "sapden", "nhiemvu", "tim"),
        *("lichsu", "donvi", "lich", "chitieu"),
        *("open", "ack"),
    }
)
# Allowed to a coordinator on every obligation of its plans, whichever agency holds it.
COORDINATOR_PLAN_ACTIONS = frozenset({"open", "nhac", "evidence"})


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a message: chat, person and enrolments.

    enrolled_here: of the group, or in a private chat of the person. personal_enrolments: all of the person's,
    in any chat. enrolments: those that count here. is_guest: a member of a group enrolled for none of its agencies.
    """

    chat_id: int
    in_group: bool
    person_id: int | None
    enrolled_here: tuple[ActiveEnrolment, ...]
    personal_enrolments: tuple[ActiveEnrolment, ...] = ()
    enrolments: tuple[ActiveEnrolment, ...] = field(init=False)
    is_guest: bool = field(init=False)

    def __post_init__(self) -> None:
        counts, is_guest = self.enrolled_here, False
        if self.in_group:
            counts = _shared_rights(self.enrolled_here, self.personal_enrolments)
            is_guest = not counts
        if is_guest:
            home = {enrolled.province for enrolled in self.personal_enrolments}
            counts = tuple(e for e in self.enrolled_here if not home or e.province in home)
        object.__setattr__(self, "enrolments", counts)
        object.__setattr__(self, "is_guest", is_guest)

    @property
    def is_stranger(self) -> bool:
        """Tell whether no enrolment counts here, so that nothing may be shown."""
        return not self.enrolments

    def roles(self) -> frozenset[str]:
        """Return the roles that count here."""
        return frozenset(enrolled.role for enrolled in self.enrolments)

    def agency_ids(self, *roles: str) -> list[int]:
        """Return the agencies enrolled here in any of the roles, each once, oldest first."""
        return list(dict.fromkeys(e.agency_id for e in self.enrolments if e.role in roles))


@dataclass(frozen=True, slots=True)
class Subject:
    """The facts about an obligation that may() judges by.

    holder_id: the agency that holds it today; coordinator_id: its plan's coordinating agency.
    is_reachable: the holder has a living chat; else the coordinating agency stands in for it.
    """

    province: str
    holder_id: int | None
    coordinator_id: int | None
    is_reachable: bool

    @property
    def is_coordinators_own(self) -> bool:
        """Tell whether the coordinating agency holds it itself."""
        return self.holder_id == self.coordinator_id


def may(caller: Caller, action: str, subject: Subject | None = None) -> bool:
    """Tell whether a caller may do an action, on an obligation or (None) at all.

    Unknown actions are refused, and decisions on an obligation (DECISION_ACTIONS).
    """
    enrolments = enrolments_for(caller, action)
    if subject is None:
        return bool(enrolments)
    if action in DECISION_ACTIONS:
        return False
    return any(_may_reach(enrolled, action, subject) for enrolled in enrolments)


def enrolments_for(caller: Caller, action: str) -> list[ActiveEnrolment]:
    """Return the enrolments that allow a caller an action here; none for an unknown action."""
    if caller.is_guest and action not in GROUP_ACTIONS:
        return []
    roles = ROLES_BY_ACTION.get(action, frozenset())
    return [enrolled for enrolled in caller.enrolments if enrolled.role in roles]


def may_decide_in_plan(caller: Caller, coordinator_id: int | None, *, province: str) -> bool:
    """Tell whether a caller decides on a province's plan itself: its coordinator, or a leader with may_decide."""
    return not caller.is_guest and any(
        enrolled.province == province
        and (
            (enrolled.role == "coordinator" and enrolled.agency_id == coordinator_id)
            or (enrolled.role == "leader" and enrolled.may_decide)
        )
        for enrolled in caller.enrolments
    )


def may_answer_question(caller: Caller, coordinator_id: int | None, *, province: str) -> bool:
    """Tell whether a caller answers a question about a plan: its coordinating agency, or a leader with may_decide."""
    return any(
        enrolled.province == province
        and (
            enrolled.may_decide
            if enrolled.role == "leader"
            else enrolled.agency_id == coordinator_id
        )
        for enrolled in enrolments_for(caller, "answer")
    )


def _may_reach(enrolled: ActiveEnrolment, action: str, subject: Subject) -> bool:
    if enrolled.province != subject.province:
        return False
    if enrolled.role == "leader" or enrolled.agency_id == subject.holder_id:
        return True
    if enrolled.agency_id != subject.coordinator_id:
        return False
    # A coordinator sees its plans; it answers for another agency only where that one has no chat.
    return (
        action in COORDINATOR_PLAN_ACTIONS and enrolled.role == "coordinator"
    ) or not subject.is_reachable


def _shared_rights(
    of_group: Iterable[ActiveEnrolment], of_person: Iterable[ActiveEnrolment]
) -> tuple[ActiveEnrolment, ...]:
    """Return what a group and a person both are, as enrolments of the person."""
    roles: dict[int, set[str]] = {}
    for enrolled in of_group:
        roles.setdefault(enrolled.agency_id, set()).add(enrolled.role)
    shared: dict[tuple[int, str, bool], ActiveEnrolment] = {}
    for own in of_person:
        both, here = own, roles.get(own.agency_id, set())
        if own.role not in here:
            if own.role not in ANSWERING_ROLES or not ANSWERING_ROLES & here:
                continue
            both = replace(own, role="focal", may_decide=False)
        shared.setdefault((both.agency_id, both.role, both.may_decide), both)
    return tuple(shared.values())


async def load_caller(
    connection: AsyncConnection, incoming: Incoming, chat: Row[object], *, today: date
) -> Caller:
    """Load the sender of a message with the enrolments that count in its chat today."""
    person_id = await contact_enrolments.find_person(
        connection, incoming.account_id, incoming.sender
    )
    in_group = chat.kind == "group"
    enrolled_here: list[ActiveEnrolment] = []
    if in_group or person_id is not None:
        enrolled_here = await contact_enrolments.list_chat_enrolments(
            connection, chat.id, person_id=None if in_group else person_id, today=today
        )
    personal: list[ActiveEnrolment] = []
    if enrolled_here and person_id is not None:
        personal = await contact_enrolments.list_person_enrolments(
            connection, person_id, today=today
        )
    return Caller(chat.id, in_group, person_id, tuple(enrolled_here), tuple(personal))
