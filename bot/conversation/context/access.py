"""Who may do what: the one place that decides it.

Promises isolation: an agency reaches what it has in hand, a coordinator the plans it coordinates, a
leader one province, and nobody another province. In a group only the group's own enrolment counts for
what is shown; a person's rights elsewhere never widen it. Pure: callers look up, this judges.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts import enrolments as contact_enrolments
from data.contacts.enrolments import ActiveEnrolment
from jobs.channel import Incoming

ALL_ROLES = frozenset({"focal", "coordinator", "leader"})
ANSWERING_ROLES = frozenset({"focal", "coordinator"})
DECIDING_ROLES = frozenset({"coordinator", "leader"})

# Commands and what a button can do, by the roles that may. "open" is looking at one item; "decide" is
# every decision on what somebody owes, "explain" asks for an explanation.
ROLES_BY_ACTION: dict[str, frozenset[str]] = {
    "help": ALL_ROLES,
    "viec": ANSWERING_ROLES,
    "thuongxuyen": ANSWERING_ROLES,
    "status": ALL_ROLES,
    "quahan": ALL_ROLES,
    "sapden": ALL_ROLES,
    "nhiemvu": ALL_ROLES,
    "tim": ALL_ROLES,
    "lichsu": ALL_ROLES,
    "lich": ANSWERING_ROLES,
    "chitieu": ALL_ROLES,
    "donvi": DECIDING_ROLES,
    "nhac": frozenset({"coordinator"}),
    "moi": frozenset({"coordinator"}),
    "doi": ALL_ROLES,
    "kenh": ALL_ROLES,
    "open": ALL_ROLES,
    "ack": ANSWERING_ROLES,
    "doing": ANSWERING_ROLES,
    "done": ANSWERING_ROLES,
    "more": ANSWERING_ROLES,
    "blocked": ANSWERING_ROLES,
    "dispute": ANSWERING_ROLES,
    "not_yet": ANSWERING_ROLES,
    "question": ANSWERING_ROLES,
    "undo": ANSWERING_ROLES,
    "target": ANSWERING_ROLES,
    "xacnhan": DECIDING_ROLES,
    "giahan": DECIDING_ROLES,
    "giaitrinh": DECIDING_ROLES,
    "giao": DECIDING_ROLES,
    "baocao": DECIDING_ROLES,
    "mo": DECIDING_ROLES,
    "han": DECIDING_ROLES,
    "decide": DECIDING_ROLES,
    "explain": DECIDING_ROLES,
}
# Acts on what others owe: never on one's own.
DECISION_ACTIONS = frozenset({"decide", "explain"})
# What a group's member may do without being enrolled as a person.
GROUP_ACTIONS = frozenset(
    {
        *("help", "viec", "thuongxuyen", "status", "quahan", "sapden", "nhiemvu", "tim"),
        *("lichsu", "donvi", "lich", "chitieu"),
        *("open", "ack"),
    }
)
# What a coordinator does to all its plans' items, whoever has them in hand.
COORDINATOR_PLAN_ACTIONS = frozenset({"open", "nhac"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who speaks: where, as whom, and with which enrolments.

    here: the enrolments that count in this chat (in a group the group's, else the person's own);
    elsewhere: all of the person's, in any chat.
    """

    chat_id: int
    in_group: bool
    person_id: int | None
    enrolments: tuple[ActiveEnrolment, ...]
    personal_enrolments: tuple[ActiveEnrolment, ...] = ()

    @property
    def is_stranger(self) -> bool:
        """Tell whether nothing may be shown here."""
        return not self.enrolments

    def roles(self) -> frozenset[str]:
        """Return the roles that count here."""
        return frozenset(enrolled.role for enrolled in self.enrolments)

    def agency_ids(self, *roles: str) -> list[int]:
        """Return the agencies spoken for here in any of the roles, each once, oldest first."""
        return list(dict.fromkeys(e.agency_id for e in self.enrolments if e.role in roles))


@dataclass(frozen=True, slots=True)
class Subject:
    """What an obligation's protection rests on.

    holder_id: the agency that has it in hand today; coordinator_id: its plan's coordinating agency;
    reachable: the holder has a living chat (else the coordinating agency stands in for it).
    """

    province: str
    holder_id: int | None
    coordinator_id: int | None
    is_reachable: bool


def may(caller: Caller, action: str, subject: Subject | None = None) -> bool:
    """Tell whether a caller may do an action, to an obligation or (None) at all.

    Unknown actions are refused. An answer in a group wants both the group's enrolment and the
    person's own for the same agency.
    """
    enrolments = enrolments_for(caller, action)
    if subject is None:
        return bool(enrolments)
    if action in DECISION_ACTIONS:
        return _is_another(caller, subject) and any(
            _may_decide(enrolled, action, subject) for enrolled in enrolments
        )
    return any(_may_reach(enrolled, action, subject) for enrolled in enrolments)


def enrolments_for(caller: Caller, action: str) -> list[ActiveEnrolment]:
    """Return the enrolments by which a caller may do an action here; none for an unknown action."""
    roles = ROLES_BY_ACTION.get(action, frozenset())
    enrolments = [enrolled for enrolled in caller.enrolments if enrolled.role in roles]
    if caller.in_group and action not in GROUP_ACTIONS:
        own = {
            enrolled.agency_id for enrolled in caller.personal_enrolments if enrolled.role in roles
        }
        enrolments = [enrolled for enrolled in enrolments if enrolled.agency_id in own]
    return enrolments


def _may_decide(enrolled: ActiveEnrolment, action: str, subject: Subject) -> bool:
    """Tell whether an enrolment decides: a coordinator on its plans, a leader on the coordinator's own.

    An explanation may be asked by every leader of the province; a decision wants may_decide.
    """
    if enrolled.province != subject.province or subject.coordinator_id is None:
        return False
    own = subject.holder_id == subject.coordinator_id
    if enrolled.role == "leader":
        return action == "explain" or (enrolled.may_decide and own)
    return enrolled.agency_id == subject.coordinator_id and not own


def _is_another(caller: Caller, subject: Subject) -> bool:
    """Tell whether the caller answers for nobody that the decision is about."""
    return not any(
        enrolled.role in ANSWERING_ROLES and enrolled.agency_id == subject.holder_id
        for enrolled in (*caller.enrolments, *caller.personal_enrolments)
    )


def _may_reach(enrolled: ActiveEnrolment, action: str, subject: Subject) -> bool:
    if enrolled.province != subject.province:
        return False
    if enrolled.role == "leader" or enrolled.agency_id == subject.holder_id:
        return True
    if enrolled.agency_id != subject.coordinator_id:
        return False
    # The coordinator sees its plans; it answers for another only where nobody there can.
    return (
        action in COORDINATOR_PLAN_ACTIONS and enrolled.role == "coordinator"
    ) or not subject.is_reachable


async def load_caller(connection: AsyncConnection, incoming: Incoming, chat: Row[object]) -> Caller:
    """Return who speaks in a chat, with the enrolments that count there."""
    person_id = await contact_enrolments.find_person(
        connection, incoming.account_id, incoming.sender
    )
    in_group = chat.kind == "group"
    here: list[ActiveEnrolment] = []
    if in_group or person_id is not None:
        here = await contact_enrolments.list_chat_enrolments(
            connection, chat.id, person_id=None if in_group else person_id
        )
    elsewhere: list[ActiveEnrolment] = []
    if here and in_group and person_id is not None:
        elsewhere = await contact_enrolments.list_person_enrolments(connection, person_id)
    return Caller(chat.id, in_group, person_id, tuple(here), tuple(elsewhere))
