"""The tables: documents, obligations, people and chats, messages out and in.

Guarantees:
- Instants (`*_at`, `*_until` of a lease) are aware UTC; dates (`*_on`) are civil dates of the province's zone.
- StatusReply, Decision and TargetValue are append-only: triggers of the migration refuse any change.
"""

from data.models.base import Base, Key, Utc
from data.models.contacts import (
    Account,
    AccountWarning,
    Chat,
    ChatAlias,
    Enrolment,
    Identity,
    Invitation,
    Person,
    WrongCode,
)
from data.models.documents import Agency, Assignment, Plan, RegistryFile, ReportDuty, Task
from data.models.files import CalendarFeed, Download, ReportRequest, TargetValue, WeekFacts
from data.models.inbox import Decision, InboxEvent, JobRun, Meta, StatusReply
from data.models.obligations import LIVE_STATES, Obligation, Reminder
from data.models.outbox import Delivery, Message, MessageItem
from data.models.requests import (
    Dialog,
    DutyForm,
    Evidence,
    EvidenceContent,
    Explanation,
    ExtensionRequest,
)

__all__ = [
    "LIVE_STATES",
    "Account",
    "AccountWarning",
    "Agency",
    "Assignment",
    "Base",
    "CalendarFeed",
    "Chat",
    "ChatAlias",
    "Decision",
    "Delivery",
    "Dialog",
    "Download",
    "DutyForm",
    "Enrolment",
    "Evidence",
    "EvidenceContent",
    "Explanation",
    "ExtensionRequest",
    "Identity",
    "InboxEvent",
    "Invitation",
    "JobRun",
    "Key",
    "Message",
    "MessageItem",
    "Meta",
    "Obligation",
    "Person",
    "Plan",
    "RegistryFile",
    "Reminder",
    "ReportDuty",
    "ReportRequest",
    "StatusReply",
    "TargetValue",
    "Task",
    "Utc",
    "WeekFacts",
    "WrongCode",
]
