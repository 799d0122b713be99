"""The tables: what the documents say, what follows from it, people and chats, what goes out and in.

Promises one word per meaning (ARCHITECTURE.md, Words). Instants (`*_at`, `*_until` of a lease) are aware
UTC; dates (`*_on`) are civil dates of the province's zone. StatusReply and Decision are append-only:
triggers of the first migration refuse any change. Holds no rule and no query.
"""

from data.models.asked import Dialog, Evidence, EvidenceContent, Explanation, ExtensionRequest
from data.models.base import Base, Key, Utc
from data.models.documents import Agency, Assignment, Plan, RegistryFile, ReportDuty, Task
from data.models.incoming import Decision, InboxEvent, JobRun, Meta, StatusReply
from data.models.made import CalendarFeed, Download, ReportRequest, TargetValue, WeekFacts
from data.models.outgoing import Delivery, Message, MessageItem
from data.models.owed import Obligation, Reminder
from data.models.people import (
    Account,
    AccountWarning,
    Chat,
    ChatAlias,
    Enrolment,
    Identity,
    Invitation,
    Person,
)

__all__ = [
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
]
