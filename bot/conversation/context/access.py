"""Who may do what: the roles of each command and button (ROLES_BY_ACTION), and the judge, may().

Guarantees:
- An agency reaches the obligations it holds, a coordinator its plans, a leader one province, nobody another's.
- In a group only the group's enrolments widen the view; a person's rights elsewhere never do.
- may() asks no database: callers load, may() judges.
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

# The roles that may use each command ("/giao" is "giao") and each button or reply.
ROLES_BY_ACTION: dict[str, frozenset[str]] = {
    # Commands.
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
    "xacnhan": DECIDING_ROLES,
    "giahan": DECIDING_ROLES,
    "giaitrinh": DECIDING_ROLES,
    "giao": DECIDING_ROLES,
    "baocao": DECIDING_ROLES,
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
    "decide": DECIDING_ROLES,  # confirm, return, grant, refuse, keep, reassign
    "explain": DECIDING_ROLES,  # ask for an explanation
}
# Never allowed on the caller's own obligations.
DECISION_ACTIONS = frozenset({"decide", "explain"})
# Allowed to members of a group who are not enrolled themselves.
GROUP_ACTIONS = frozenset(
    {
        *("help", "viec", "thuongxuyen", "status", "quahan", "sapden", "nhiemvu", "tim"),
        *("lichsu", "donvi", "lich", "chitieu"),
        *("open", "ack"),
    }
)
# Allowed to a coordinator on every obligation of its plans, whichever agency holds it.
COORDINATOR_PLAN_ACTIONS = frozenset({"open", "nhac"})


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a message: chat, person and enrolments.

    enrolments: those that count in this chat, in a group the group's, else the person's own.
    personal_enrolments: in a group, all of the person's, in any chat.
    """

    chat_id: int
    in_group: bool
    person_id: int | None
    enrolments: tuple[ActiveEnrolment, ...]
    personal_enrolments: tuple[ActiveEnrolment, ...] = ()

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

    Unknown actions are refused. A reply in a group needs the group's enrolment and the sender's own for
    the same agency.
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
    """Return the enrolments that allow a caller an action here; none for an unknown action."""
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

    Every leader of the province may ask for an explanation; a decision needs may_decide.
    """
    if enrolled.province != subject.province or subject.coordinator_id is None:
        return False
    own = subject.is_coordinators_own
    if enrolled.role == "leader":
        return action == "explain" or (enrolled.may_decide and own)
    return enrolled.agency_id == subject.coordinator_id and not own


def may_decide_in_plan(caller: Caller, coordinator_id: int | None) -> bool:
    """Tell whether a caller decides on a plan itself: its coordinator, or a leader with may_decide."""
    return any(
        (enrolled.role == "coordinator" and enrolled.agency_id == coordinator_id)
        or (enrolled.role == "leader" and enrolled.may_decide)
        for enrolled in caller.enrolments
    )


def _is_another(caller: Caller, subject: Subject) -> bool:
    """Tell whether the caller does not answer for the agency that the decision is about."""
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
    # A coordinator sees its plans; it answers for another agency only where that one has no chat.
    return (
        action in COORDINATOR_PLAN_ACTIONS and enrolled.role == "coordinator"
    ) or not subject.is_reachable


async def load_caller(connection: AsyncConnection, incoming: Incoming, chat: Row[object]) -> Caller:
    """Load the sender of a message with the enrolments that count in its chat."""
    person_id = await contact_enrolments.find_person(
        connection, incoming.account_id, incoming.sender
    )
    in_group = chat.kind == "group"
    enrolled_here: list[ActiveEnrolment] = []
    if in_group or person_id is not None:
        enrolled_here = await contact_enrolments.list_chat_enrolments(
            connection, chat.id, person_id=None if in_group else person_id
        )
    personal: list[ActiveEnrolment] = []
    if enrolled_here and in_group and person_id is not None:
        personal = await contact_enrolments.list_person_enrolments(connection, person_id)
    return Caller(chat.id, in_group, person_id, tuple(enrolled_here), tuple(personal))
